"""What comes out of a sandbox, and what uv is told, when the one inside decides what it says."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest
from boxes import Box, boxed
from hostile_sdists import Author, sdist

from debonair.errors import LockError
from debonair.host import sandbox
from debonair.host.cache import Cache, whole
from debonair.host.run import run
from debonair.lock.download import place
from debonair.lock.model import File
from debonair.lock.sdist_metadata import NoBuildOptions, Unbuilt
from debonair.wheels import describe, obtain
from debonair.wheels import pure as sdists
from debonair.wheels.model import Choice


@pytest.fixture
def choice(tmp_path: Path) -> Choice:
    path = sdist(tmp_path / "index", "pass")
    file = File(path.name, sdists.sha256(path))
    with whole(place(file, Cache(tmp_path / "cache"))) as temporary:
        shutil.copyfile(path, temporary)
    return Choice("purely", "1.0", file, ("pure",))


@pytest.mark.parametrize(
    "out",
    [
        b"",
        b"\n",
        b"[]\n",
        b'{"asked": 1}\n',
        b'{"asked": [], "wheel": "../../flask-3.0-py3-none-any.whl"}\nevil',
        b'{"asked": [], "wheel": "flask-3.0-py3-none-any.whl"}\nevil',
        b'{"asked": [], "wheel": "purely-9.9-py3-none-any.whl"}\nevil',
        b'{"asked": [], "wheel": "purely-1.0-py3-none-any.whl\\u0000"}\nevil',
        b'{"asked": ' + b"[" * 100_000 + b"\n",
        b'{"asked": [' + b'"x",' * 40_000 + b'"x"]}\n',
        b'{"asked": ["' + b"x" * 200_000 + b'"]}\n',
        b'{"asked": ["x @ file:///etc/shadow\\n--index-url http://evil"]}\n',
        json.dumps({"asked": [f"x{n}" for n in range(1000)]}).encode() + b"\n",
    ],
)
def test_gets_another_package_into_the_cache(
    out: bytes, choice: Choice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    boxed(monkeypatch, Box(out=out))
    cache = Cache(tmp_path / "cache")
    before = set(tmp_path.rglob("*.whl"))
    built = sdists.build(choice, tmp_path, cache, {"HOME": str(tmp_path)}, obtain=obtain)
    assert built.file is None
    assert "does not build" in built.why
    assert len(built.why) < 1000
    assert set(tmp_path.rglob("*.whl")) == before


@pytest.mark.parametrize(
    "metadata",
    [
        b"",
        b"\xff\xfe\x00",
        b"Name: purely\n",
        b"Metadata-Version: 2.1\nName: purely\nVersion: one\n",
        b"Metadata-Version: 2.1\nName: purely\nVersion: 1.0\nRequires-Dist: !?\n",
        b"Metadata-Version: 2.1\nName: flask\nVersion: 1.0\n",
        b"Metadata-Version: 2.1\nName: purely\nVersion: 2.0\n",
        b"x" * (5 << 20),
    ],
)
def test_tells_uv_of_another_package(
    metadata: bytes, choice: Choice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    boxed(monkeypatch, Box(metadata=metadata))
    told = NoBuildOptions(
        tmp_path, {"HOME": str(tmp_path), "DEBONAIR_CACHE": str(tmp_path / "cache")}, describe
    )
    with pytest.raises(LockError) as caught:
        told.learn(Unbuilt("purely", "1.0"), choice.file)
    assert caught.value.message.startswith("purely 1.0")
    assert told.variables() == {}


def test_writes_a_setting_of_uv(choice: Choice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it needs becomes TOML: no text of it may become a line of its own."""
    evil = 'Requires-Dist: x @ https://a.example/x"%5D%0Aindex-url=x.whl\n'
    boxed(monkeypatch, Box(metadata=f"Metadata-Version: 2.1\nName: purely\nVersion: 1.0\n{evil}".encode()))
    told = NoBuildOptions(
        tmp_path, {"HOME": str(tmp_path), "DEBONAIR_CACHE": str(tmp_path / "cache")}, describe
    )
    told.learn(Unbuilt("purely", "1.0"), choice.file)
    (file,) = told.folder.glob("config/uv/uv.toml") if told.variables() else []
    assert not [line for line in file.read_text().splitlines() if line.startswith("index-url")]


@pytest.mark.parametrize(
    "words",
    [
        ["-c", "import sys; sys.path = [get_interpreter_info]; print('it ran')"],
        ["-I", "-B", "-c", "print('it ran') # get_interpreter_info import main; main()"],
        ["-c", "print('it ran')", "-I -B -c import sys; sys.path = [", "import main; main()"],
        ["-m", "setuptools"],
        ["setup.py", "egg_info"],
        [],
    ],
)
def test_is_run_by_the_python_that_uv_is_given(words: list[str], tmp_path: Path) -> None:
    python = NoBuildOptions(tmp_path, {}, describe).words()[1]
    done = run([python, *words], check=False)
    assert done.status == 1
    assert "it ran" not in done.stdout


class TestAProject:
    """A project with a build backend, which comes from an index and runs whatever it likes."""

    @pytest.mark.parametrize("verb", ["build", "plan", "fetch", "source"])
    def test_its_backend_reads_the_authors_home(self, verb: str, tmp_path: Path) -> None:
        author = Author(tmp_path / "machine", root=True)
        path = sdist(
            author.base / "index",
            f"found['home'] = attempt(lambda: open({str(author.home / '.netrc')!r}).read())",
        )
        unpacked = tmp_path / "unpacked"
        shutil.unpack_archive(path, unpacked)
        shutil.copyfile(unpacked / "purely-1.0/backend.py", author.project / "backend.py")
        path.unlink()
        build = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        author.configure('install = "wheel"\n' + build)
        settings = author.project / "pyproject.toml"
        settings.write_text(
            settings.read_text().replace('"victim"', '"purely"').replace("app:app", "backend:loot")
            .replace('dependencies = ["purely"]', "dependencies = []")
        )  # fmt: skip
        author.debonair(verb)
        found = author.loot()
        assert "No such file" in found
        assert "password" not in found
        assert not (author.base / "drop").exists()


def test_the_sandbox_of_this_machine_is_one() -> None:
    """Without, all of these tests would be of no use."""
    found, why = sandbox.find()
    assert found, why
    assert found.kind, sys.executable
