"""Bad input, as a user meets it: the sentence, the hint, the exit code, and no file half written."""

from __future__ import annotations

import hashlib
import os
import random
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from wheelmaker import make_wheel

from debonair.host.cache import Cache
from debonair.host.run import Completed, run

TARGET = "trixie-amd64"
PROJECT = f"""\
[project]
name = "guestbook"
version = "1.0"
description = "guest book to sign"
authors = [{{ name = "Ada", email = "ada@example.org" }}]
dependencies = ["thing"]
[tool.debonair]
wsgi = "guestbook:create_app()"
targets = ["{TARGET}"]
"""
CODE = "def create_app(): ...\n"
NO_ONE = "http://index.invalid/simple"
"""An index that no name server knows (RFC 6761)."""

# What a user without root needs first.
_ALONE = [] if os.geteuid() == 0 else ["--map-root-user"]


@dataclass
class Folder:
    """A project, a place for its debs, and a cache, none of them shared with another test."""

    base: Path

    @property
    def root(self) -> Path:
        return self.base / "project"

    @property
    def out(self) -> Path:
        return self.base / "out"

    @property
    def cache(self) -> Path:
        return self.base / "cache"

    def write(self, files: Mapping[str, str | bytes]) -> None:
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())

    def wheel(
        self, name: str = "thing", files: Mapping[str, bytes] | None = None, tag: str = "py3-none-any"
    ) -> Path:
        return make_wheel(self.base / "index", name, "1.0", files or {f"{name}.py": b"x = 1\n"}, tag)

    def lock(
        self, *wheels: Path, requirements: Sequence[str] = ("thing",), sha256: str = "", url: str = ""
    ) -> None:
        """Write a pylock.toml of ``wheels``, which lie on this machine unless ``url`` is given."""
        lines = ['lock-version = "1.0"', 'created-by = "test"']
        for path in wheels:
            digest = sha256 or hashlib.sha256(path.read_bytes()).hexdigest()
            place = f'url = "{url}/{path.name}"' if url else f'path = "{path}"'
            lines += ["[[packages]]", f'name = "{path.name.split("-")[0]}"', 'version = "1.0"']
            lines += [f'wheels = [{{ {place}, hashes = {{ sha256 = "{digest}" }} }}]']
        wanted = ", ".join(f'"{text}"' for text in requirements)
        lines += ["[tool.debonair]", f"requirements = [{wanted}]", 'python = "3.11"']
        self.write({"pylock.toml": "\n".join(lines)})

    def run(self, *words: str | Path, before: Sequence[str | Path] = (), **environ: str) -> Completed:
        kept = Cache.of(os.environ)
        self.cache.mkdir(exist_ok=True)
        for name in ("apt", "pythons"):  # an interpreter of the suite is not what is tested here
            if not (self.cache / name).exists():
                (self.cache / name).symlink_to(kept.folder(name))
        # Neither the configuration nor the index of this machine decides what happens.
        env = {"PIP_CONFIG_FILE": os.devnull, "UV_NO_CONFIG": "1", "UV_DEFAULT_INDEX": NO_ONE}
        env |= {
            "UV_HTTP_RETRIES": "0",
            "UV_CACHE_DIR": str(self.base / "uv"),
            "SOURCE_DATE_EPOCH": "1700000000",
        }
        env |= {"DEBONAIR_CACHE": str(self.cache), "LC_ALL": "C.UTF-8", **environ}
        argv = [*before, sys.executable, "-m", "debonair", *words]
        return run(argv, cwd=self.root, env=env, check=False, timeout=300)

    def build(self, *words: str | Path, before: Sequence[str | Path] = (), **environ: str) -> Completed:
        return self.run("build", "--out", self.out, *words, before=before, **environ)

    def refused(self, code: int, *messages: str, done: Completed | None = None) -> str:
        """Build, and see it refused: with ``code``, all ``messages``, a hint, and nothing written."""
        done = done or self.build()
        assert done.status == code, done.stderr
        assert done.stdout == ""
        assert "Traceback" not in done.stderr
        for text in messages:
            assert text in done.stderr
        error, _, hint = done.stderr.partition("\nHint:  ")
        assert "Error: " in error
        assert hint.strip().endswith((".", "?", ")", '"')) or "debonair " in hint, done.stderr
        assert not self.out.exists() or not list(self.out.iterdir())
        assert not [path for path in self.base.rglob("*.deb*") if "apt" not in path.parts]
        return done.stderr


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    found = Folder(tmp_path)
    found.write({"pyproject.toml": PROJECT, "guestbook.py": CODE})
    return found


@pytest.fixture
def locked(folder: Folder) -> Folder:
    folder.lock(folder.wheel())
    return folder


def test_what_is_right_is_built(locked: Folder) -> None:
    """All refusals below differ from this in one thing."""
    done = locked.build()
    assert done.status == 0, done.stderr
    assert [path.name for path in locked.out.iterdir()] == ["guestbook_1.0-1+deb13_amd64.deb"]


class TestProject:
    def test_none_here(self, folder: Folder) -> None:
        (folder.root / "pyproject.toml").unlink()
        folder.refused(3, f"There is no project in {folder.root}", "debonair build DIR")

    def test_no_such_folder(self, folder: Folder) -> None:
        done = folder.build("nowhere")
        assert done.status == 3
        assert "There is no folder" in done.stderr

    def test_broken_toml(self, folder: Folder) -> None:
        folder.write({"pyproject.toml": PROJECT.replace('"1.0"', '"1.0')})
        folder.refused(3, "pyproject.toml is not valid TOML", "line 3")

    def test_an_unknown_key(self, folder: Folder) -> None:
        folder.write({"pyproject.toml": PROJECT + 'helth = "/"\n'})
        folder.refused(
            3, "pyproject.toml: there is no key 'tool.debonair.helth'", "'tool.debonair.health'?"
        )

    def test_a_value_of_a_wrong_type(self, folder: Folder) -> None:
        folder.write({"pyproject.toml": PROJECT + "health = 1\n"})
        folder.refused(
            3, "'tool.debonair.health' is wrong: expected a string, got a number", 'health = "1"'
        )

    def test_a_version_without_quotes(self, folder: Folder) -> None:
        folder.write({"pyproject.toml": PROJECT.replace('"1.0"', "1.10")})
        folder.refused(3, "pyproject.toml: 'project.version' is wrong", 'in quotes: version = "1.10"')

    def test_a_requirement_that_is_not_valid(self, folder: Folder) -> None:
        (folder.root / "pyproject.toml").unlink()
        folder.write({"debonair.toml": "", "requirements.txt": "# web\nflask =>2\n"})
        folder.refused(3, "requirements.txt, line 2: 'flask =>2' is not", "Did you mean 'flask >=2'?")

    @pytest.mark.parametrize("words", [(), ("--target", "trixie-arm46")])
    def test_an_unknown_target(self, words: tuple[str, ...], locked: Folder) -> None:
        if not words:
            locked.write({"pyproject.toml": PROJECT.replace(TARGET, "trixie-arm46")})
        locked.refused(4, "There is no target 'trixie-arm46'", "'trixie-arm64'?", done=locked.build(*words))

    @pytest.mark.parametrize(
        ("entry", "message"),
        [
            ("guestbook", "which is not the name of a WSGI callable."),
            ("guestbook:creat_app()", "Did you mean 'guestbook:create_app'?"),
            ("gestbook:create_app()", "Did you mean 'guestbook:create_app'?"),
            ("guestbook.web:app", "the app has no module 'guestbook.web'"),
        ],
    )
    def test_a_wsgi_name_that_cannot_exist(self, entry: str, message: str, locked: Folder) -> None:
        locked.write({"pyproject.toml": PROJECT.replace("guestbook:create_app()", entry)})
        locked.refused(
            3, f"is '{entry}'" if "module" in message or "name of a" in message else "'wsgi'", message
        )

    def test_code_that_python_cannot_read(self, locked: Folder) -> None:
        locked.write({"guestbook.py": "def create_app(:\n"})
        done = locked.build("--target", "bookworm-amd64")
        locked.refused(
            3, f"{locked.root / 'guestbook.py'}: ", "Fix the syntax error on that line.", done=done
        )


class TestLock:
    def test_a_stale_one(self, locked: Folder) -> None:
        locked.write({"pyproject.toml": PROJECT.replace('["thing"]', '["thing", "other>=2"]')})
        locked.refused(5, "pylock.toml is stale: 'other>=2' was added", "Run 'debonair lock'")

    def test_a_broken_one(self, locked: Folder) -> None:
        locked.write({"pylock.toml": "packages = 1"})
        locked.refused(5, "pylock.toml is not a valid lock")

    def test_a_file_without_a_hash(self, locked: Folder) -> None:
        path = locked.root / "pylock.toml"
        path.write_text(path.read_text().replace("sha256", "md5"))
        locked.refused(5, "thing-1.0-py3-none-any.whl has no sha256")


class TestWheels:
    def test_a_wrong_hash(self, folder: Folder) -> None:
        folder.lock(folder.wheel(), sha256="0" * 64)
        folder.refused(6, "thing-1.0-py3-none-any.whl is not the locked file: its sha256 is", "0" * 64)
        assert not list((folder.cache / "wheels").rglob("*.whl"))

    def test_none_for_the_target(self, folder: Folder) -> None:
        folder.lock(
            folder.wheel(tag="cp313-cp313-win_amd64"),
            folder.wheel("other", tag="cp313-cp313-manylinux_2_17_aarch64"),
            requirements=["thing"],
        )
        stderr = folder.refused(
            6, f"no wheel for {TARGET} of:", "thing 1.0: the lock has cp313-cp313-win_amd64"
        )
        assert "other 1.0: the lock has cp313-cp313-manylinux_2_17_aarch64" in stderr
        assert "Looked for: cp313 or abi3, for manylinux_2_41_x86_64 or older; or pure Python." in stderr

    @pytest.mark.parametrize(
        "entry",
        [
            "../../../../../../../../etc/cron.d/evil",
            "/etc/cron.d/evil",
            "thing-1.0.data/data/../../../evil",
        ],
    )
    def test_one_that_climbs_out(self, entry: str, folder: Folder) -> None:
        folder.lock(folder.wheel(files={"thing.py": b"", entry: b"evil"}))
        folder.refused(6, "thing-1.0-py3-none-any.whl")

    @pytest.mark.parametrize("path", ["pyvenv.cfg", "bin/python3", "bin/python3.13"])
    def test_one_that_takes_a_part_of_the_venv(self, path: str, folder: Folder) -> None:
        folder.lock(folder.wheel(files={"thing.py": b"", f"thing-1.0.data/data/{path}": b"evil"}))
        folder.refused(7, f"venv/{path}' is both in thing 1.0 and in Debonair")

    def test_one_that_is_no_zip(self, folder: Folder) -> None:
        path = folder.wheel()
        path.write_bytes(b"not a wheel")
        folder.lock(path)
        folder.refused(6, "thing-1.0-py3-none-any.whl is not a valid wheel: File is not a zip file")


class TestDisk:
    """In a mount namespace of the build's own, so that nothing is left behind."""

    def inside(self, mount: str, place: Path) -> list[str | Path]:
        """Return what runs a command with ``place`` mounted so, and then lists the files of ``place``."""
        script = f'mount -t tmpfs -o {mount} none "$0" && "$@"; status=$?; ls -A "$0"; exit $status'
        return ["unshare", *_ALONE, "--mount", "sh", "-c", script, place]

    def test_no_space_for_the_deb(self, locked: Folder) -> None:
        locked.write({"data.bin": random.Random(1).randbytes(600_000)})
        locked.out.mkdir()
        done = locked.build(before=self.inside("size=100k", locked.out))
        locked.refused(
            9, "There is no space left on the disk to write", "guestbook_1.0-1+deb13_amd64.deb", done=done
        )

    def test_no_space_in_the_cache(self, folder: Folder) -> None:
        folder.lock(folder.wheel(files={"thing.py": random.Random(1).randbytes(600_000)}))
        folder.cache.mkdir()
        done = folder.build(before=self.inside("size=100k", folder.cache))
        assert sorted(done.stdout.split()) == [".removing.lock", ".running", "locks", "wheels"]
        emptied = Completed(done.status, "", done.stderr)
        folder.refused(9, "There is no space left on the disk to write", "DEBONAIR_CACHE", done=emptied)

    def test_a_disk_that_is_read_only(self, locked: Folder) -> None:
        locked.out.mkdir()
        done = locked.build(before=self.inside("ro", locked.out))
        locked.refused(9, "is not writable: Read-only file system.", "--out", done=done)

    def test_a_file_where_a_folder_must_be(self, locked: Folder) -> None:
        (locked.base / "file").touch()
        done = locked.run("build", "--out", locked.base / "file")
        locked.refused(9, "cannot be written: a part of its path is a file, not a folder.", done=done)
        done = locked.build(DEBONAIR_CACHE=str(locked.base / "file"))
        locked.refused(9, "cannot be written: a part of its path is a file, not a folder.", done=done)


class TestNetwork:
    OFFLINE = ("unshare", *_ALONE, "--net")

    def test_none_and_a_full_cache(self, locked: Folder) -> None:
        first = locked.build()
        assert first.status == 0, first.stderr
        (deb,) = locked.out.iterdir()
        kept = deb.rename(locked.base / "first")
        (locked.base / "index").rename(locked.base / "gone")
        done = locked.build(before=self.OFFLINE)
        assert done.status == 0, done.stderr
        assert done.stderr == ""
        assert deb.read_bytes() == kept.read_bytes()

    def test_none_and_wheels_alone(self, locked: Folder) -> None:
        """Layers are made from the wheels in the cache."""
        assert locked.build().status == 0
        (locked.base / "index").rename(locked.base / "gone")
        for layer in (locked.cache / "layers").iterdir():
            layer.unlink()
        assert locked.build(before=self.OFFLINE).status == 0

    def test_none_and_an_empty_cache(self, folder: Folder) -> None:
        folder.lock(folder.wheel(), url="http://index.invalid/files")
        done = folder.build(before=self.OFFLINE)
        stderr = folder.refused(8, "1 of the locked files could not be downloaded", done=done)
        assert "index.invalid cannot be reached" in stderr
        assert "thing-1.0-py3-none-any.whl" in stderr
        assert "Connect to the network" in stderr

    def test_none_and_no_lock_yet(self, folder: Folder) -> None:
        done = folder.build(before=self.OFFLINE)
        folder.refused(8, "The package index", "could not be reached", "Connect to the network", done=done)
        assert not (folder.root / "pylock.toml").exists()

    def test_none_and_pins_without_addresses(self, folder: Folder) -> None:
        folder.write({"requirements.txt": f"thing==1.0 --hash=sha256:{'0' * 64}\n"})
        done = folder.build(before=self.OFFLINE)
        folder.refused(
            8,
            "contains no addresses, and the index could not be queried for those of thing 1.0.",
            done=done,
        )

    def test_a_file_that_is_gone(self, locked: Folder) -> None:
        (locked.base / "index").rename(locked.base / "gone")
        locked.refused(8, "could not be downloaded", "thing-1.0-py3-none-any.whl")


def test_a_reader_that_has_gone(folder: Folder) -> None:
    """Such as 'head': no traceback, and no complaint."""
    before = ["sh", "-c", '{ sleep 0.2; "$0" "$@"; echo "$?" >&2; } | true']
    done = folder.run("schema", before=before)
    assert done.stderr == "0\n"


def test_an_interruption_leaves_nothing(locked: Folder) -> None:
    locked.write({"data.bin": random.Random(1).randbytes(6_000_000)})
    done = locked.build(before=["timeout", "--signal=INT", "0.8"])
    assert done.status == 124, done.stderr
    assert "Traceback" not in done.stderr
    assert not list(locked.base.rglob("*.deb*"))
