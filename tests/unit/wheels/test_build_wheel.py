"""What runs inside the Debian: a backend's hooks, called in this process."""

from __future__ import annotations

import json
import os
import runpy
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import build_wheel
import pytest

BACKEND = """\
import os


class Inner:
    def build_wheel(self, folder, settings):
        import inner_seen

        inner_seen.calls.append((folder, settings))
        return "inner-1.0-py3-none-any.whl"


class Outer:
    inner = Inner()


outer = Outer()


def get_requires_for_build_wheel(settings):
    assert settings is None
    return ASKED


def build_wheel(folder, settings):
    assert settings is None
    with open(os.path.join(folder, "p-1.0-py3-none-any.whl"), "w") as out:
        out.write(os.getcwd())
    return "p-1.0-py3-none-any.whl"
"""


@pytest.fixture(autouse=True)
def _unchanged(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What the program changes of this process is as it was, afterwards."""
    modules = set(sys.modules)
    monkeypatch.chdir(Path.cwd())
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield
    for name in set(sys.modules) - modules:
        del sys.modules[name]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "source/tools").mkdir(parents=True)
    monkeypatch.setattr(sys, "argv", ["build_wheel.py", str(tmp_path)])
    return tmp_path


def run(
    folder: Path,
    *,
    backend: str = "made_here",
    path: tuple[str, ...] = (".",),
    requires: tuple[str, ...] = ("setuptools", "wheel"),
) -> dict[str, object]:
    """Run the program for a backend that is told so; return its result."""
    request = {"backend": backend, "path": path, "requires": requires}
    (folder / "backend.json").write_text(json.dumps(request))
    build_wheel.main()
    result = json.loads((folder / "result.json").read_text())
    assert isinstance(result, dict)
    return result


def write(
    folder: Path, text: str = BACKEND, *, asked: tuple[str, ...] = (), to: str = "made_here.py"
) -> None:
    (folder / "source" / to).write_text(f"{text}\nASKED = {list(asked)}\n")


def test_the_wheel_is_built_in_the_source(folder: Path) -> None:
    write(folder)
    assert run(folder) == {"asked": [], "wheel": "p-1.0-py3-none-any.whl"}
    assert (folder / "wheel/p-1.0-py3-none-any.whl").read_text() == str(folder / "source")


def test_the_backend_is_looked_for_where_the_sdist_says_first(folder: Path) -> None:
    write(folder, "def build_wheel(folder, settings): return 'dot'")
    write(folder, "def build_wheel(folder, settings): return 'tools'", to="tools/made_here.py")
    assert run(folder, path=("tools", "."))["wheel"] == "tools"
    assert sys.path[:2] == [str(folder / "source/tools"), str(folder / "source")]


def test_the_source_is_no_place_for_modules_unless_that_is_said(folder: Path) -> None:
    write(folder)
    with pytest.raises(ModuleNotFoundError, match="made_here"):
        run(folder, path=())


def test_an_installed_backend_needs_no_place(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "installed").mkdir()
    write(folder, to="../installed/made_here.py")
    monkeypatch.syspath_prepend(folder / "installed")
    before = list(sys.path)
    assert run(folder, path=())["wheel"] == "p-1.0-py3-none-any.whl"
    assert sys.path == before


def test_the_backend_may_be_an_object_of_a_module(folder: Path) -> None:
    write(folder)
    write(folder, "calls = []", to="inner_seen.py")
    assert run(folder, backend="made_here:outer.inner") == {
        "asked": [],
        "wheel": "inner-1.0-py3-none-any.whl",
    }
    import inner_seen  # type: ignore[import-not-found]

    assert inner_seen.calls == [(str(folder / "wheel"), None)]


def test_what_it_asks_for_and_has_keeps_nothing_up(folder: Path) -> None:
    write(folder, asked=("wheel",))
    assert run(folder) == {"asked": ["wheel"], "wheel": "p-1.0-py3-none-any.whl"}


def test_what_it_asks_for_and_has_not_is_told_and_nothing_is_built(folder: Path) -> None:
    write(folder, asked=("wheel", "ninja >= 1.5"))
    assert run(folder) == {"asked": ["wheel", "ninja >= 1.5"]}
    assert not (folder / "wheel").exists()


def test_what_the_backend_raises_is_raised_and_there_is_no_result(folder: Path) -> None:
    write(folder, "def build_wheel(folder, settings): raise OSError('no compiler')")
    with pytest.raises(OSError, match="no compiler"):
        run(folder)
    assert not (folder / "result.json").exists()


def test_it_is_a_program(folder: Path) -> None:
    write(folder)
    (folder / "backend.json").write_text('{"backend": "made_here", "path": ["."], "requires": []}')
    runpy.run_path(build_wheel.__file__, run_name="__main__")
    assert json.loads((folder / "result.json").read_text())["wheel"] == "p-1.0-py3-none-any.whl"
    assert Path.cwd() == folder / "source"


class TestThroughADescriptor:
    """Where nothing else comes out: a line of JSON, then the bytes."""

    @pytest.fixture(autouse=True)
    def _out(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path = folder / "out"
        number = os.open(self.path, os.O_WRONLY | os.O_CREAT)
        monkeypatch.setattr(sys, "argv", [*sys.argv, str(number)])

    def out(self) -> tuple[dict[str, object], bytes]:
        line, _, data = self.path.read_bytes().partition(b"\n")
        return json.loads(line), data

    def test_the_wheel(self, folder: Path) -> None:
        write(folder)
        result = run(folder)
        assert self.out() == (result, str(folder / "source").encode())

    def test_a_backend_that_has_its_own_way_with_arguments(self, folder: Path) -> None:
        """setuptools' for old projects sets sys.argv, and leaves it so."""
        write(folder, f"import sys\nsys.argv = ['setup.py', 'bdist_wheel', '--output-dir']\n{BACKEND}")
        result = run(folder)
        assert self.out()[0] == result

    def test_what_the_backend_asks_for(self, folder: Path) -> None:
        write(folder, asked=("cython",))
        run(folder)
        assert self.out() == ({"asked": ["cython"]}, b"")

    def metadata(self, folder: Path) -> bytes:
        request = {"backend": "made_here", "path": ["."], "requires": [], "metadata": True}
        (folder / "backend.json").write_text(json.dumps(request))
        build_wheel.main()
        result, data = self.out()
        assert result == {"asked": []}
        return data

    def test_metadata_as_it_is_prepared(self, folder: Path) -> None:
        prepare = (
            "def prepare_metadata_for_build_wheel(folder, settings):\n"
            "    os.mkdir(os.path.join(folder, 'p-1.0.dist-info'))\n"
            "    with open(os.path.join(folder, 'p-1.0.dist-info', 'METADATA'), 'w') as out:\n"
            "        out.write('Name: p')\n"
            "    return 'p-1.0.dist-info'\n"
        )
        write(folder, f"{BACKEND}\n{prepare}")
        assert self.metadata(folder) == b"Name: p"

    def test_metadata_of_the_wheel_of_a_backend_that_prepares_none(self, folder: Path) -> None:
        made = (
            "def build_wheel(folder, settings):\n    import zipfile\n"
            "    with zipfile.ZipFile(os.path.join(folder, 'p.whl'), 'w') as out:\n"
            "        out.writestr('p-1.0.dist-info/METADATA', 'Name: p')\n    return 'p.whl'\n"
        )
        write(folder, f"import os\n{made}")
        assert self.metadata(folder) == b"Name: p"


def test_an_sdist_that_is_packed(folder: Path) -> None:
    source = folder / "p-1.0"
    (source / "bin").mkdir(parents=True)
    (source / "made_here.py").write_text(f"{BACKEND}\nASKED = []\n")
    (source / "bin/tool").touch()
    (source / "bin/tool").chmod(0o775)
    (source / "made_here.py").chmod(0o660)
    shutil.make_archive(str(folder / "p-1.0"), "gztar", folder, "p-1.0")
    shutil.rmtree(folder / "source")
    request = {"backend": "made_here", "path": ["."], "requires": [], "archive": "p-1.0.tar.gz"}
    (folder / "backend.json").write_text(json.dumps(request))
    build_wheel.main()
    assert (folder / "wheel/p-1.0-py3-none-any.whl").is_file()
    modes = {path.name: path.stat().st_mode & 0o777 for path in (folder / "source").rglob("*")}
    assert (modes["tool"], modes["made_here.py"], modes["bin"]) == (0o755, 0o644, 0o755)
