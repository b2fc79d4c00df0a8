"""uv's lock, completed from an extra index that is a server of this machine, and built from."""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
import time
import tomllib
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from samples import sample_project
from wheelmaker import make_wheel

from debonair import lock, target, wheels
from debonair.errors import WheelError
from debonair.host.cache import Cache
from debonair.project import Project

ARM64, ARMV6, ARMV7 = (target.load(f"trixie-{cpu}") for cpu in ("arm64", "armv6", "armv7"))
EVERY = [ARM64, ARMV6, ARMV7]


class Server:
    """Serves a folder with the indexes ``primary`` and ``piwheels``; ``asked`` has what it was asked."""

    def __init__(self, root: Path) -> None:
        asked = self.asked = list[str]()

        class Handler(SimpleHTTPRequestHandler):
            def __init__(self, *words: object, **_: object) -> None:
                super().__init__(*words, directory=str(root))  # type: ignore[arg-type]

            def log_message(self, *_: object) -> None:
                asked.append(self.path)

        self.root = root
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.http.server_port}"

    def add(self, index: str, name: str, version: str, *tags: str) -> None:
        """Put wheels of ``name``, one file under the name of each of ``tags``, on the page of ``index``."""
        folder = self.root / index / "simple" / name
        made = make_wheel(folder, name, version, {f"{name}.py": index.encode()}, tags[0])
        page = folder / "index.html"
        text = page.read_text() if page.exists() else "<!DOCTYPE html><title>Links</title>\n"
        for tag in tags:
            path = folder / f"{name}-{version}-{tag}.whl"
            if path != made:
                shutil.copy(made, path)
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            text += f'<a href="{path.name}#sha256={digest}">{path.name}</a><br>\n'
        page.write_text(text)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(tmp_path / "www")
    thread = threading.Thread(target=made.http.serve_forever, args=(0.05,))
    thread.start()
    pi = ("cp313-cp313-linux_armv7l", "cp313-cp313-linux_armv6l")
    made.add("primary", "site", "1.0", "py3-none-any")
    made.add("primary", "array", "1.0", "cp313-cp313-manylinux2014_aarch64")
    made.add("primary", "fast", "1.0", "cp313-cp313-manylinux_2_31_armv7l")
    made.add("primary", "fast", "1.0", "cp313-cp313-manylinux2014_aarch64")
    for name in ("site", "array", "fast"):
        made.add("piwheels", name, "9.0", *pi)  # newer, and nobody's choice
        made.add("piwheels", name, "1.0", *pi)
    yield made
    made.http.shutdown()
    thread.join()
    made.http.server_close()


@pytest.fixture
def environ(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return {
        **{key: value for key, value in os.environ.items() if not key.startswith(("UV_", "PIP_"))},
        "UV_DEFAULT_INDEX": f"{server.address}/primary/simple",
        "UV_CACHE_DIR": str(tmp_path / "uv"),
        "UV_PYTHON_DOWNLOADS": "never",
        "PIP_CONFIG_FILE": os.devnull,
        "DEBONAIR_PIWHEELS": f"{server.address}/piwheels/simple",
    }


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (root := tmp_path / "guestbook").mkdir()
    (root / "pyproject.toml").touch()
    wanted = ("site", "array", "fast")
    return sample_project(root=root, config_file=root / "pyproject.toml", requirements=wanted)


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


def test_a_lock_for_32_bit(server: Server, project: Project, cache: Cache, environ: dict[str, str]) -> None:
    found = lock.ensure(project, EVERY, cache, environ, describe=wheels.describe)
    got = {
        on.name: [wheel.filename.rpartition("-")[2] for wheel in wheels.obtain(found, on, cache, environ)]
        for on in EVERY
    }
    assert got == {
        "trixie-arm64": ["manylinux2014_aarch64.whl", "manylinux2014_aarch64.whl", "any.whl"],
        "trixie-armv6": ["linux_armv6l.whl", "linux_armv6l.whl", "any.whl"],
        "trixie-armv7": ["linux_armv7l.whl", "manylinux_2_31_armv7l.whl", "any.whl"],
    }
    assert {package.version for package in found.packages} == {"1.0"}
    pages = sorted(path for path in server.asked if "piwheels" in path and path.endswith("/"))
    assert pages == ["/piwheels/simple/array/", "/piwheels/simple/fast/"]
    table = tomllib.loads(found.path.read_text())
    index = f"{server.address}/piwheels/simple"
    origins = table["tool"]["debonair"]["extra-indexes"]
    assert origins == {
        index: [
            "array-1.0-cp313-cp313-linux_armv6l.whl",
            "array-1.0-cp313-cp313-linux_armv7l.whl",
            "fast-1.0-cp313-cp313-linux_armv6l.whl",
        ]
    }
    array = next(package for package in table["packages"] if package["name"] == "array")
    assert [wheel["url"].startswith(f"{index}/array/") for wheel in array["wheels"]] == [True, True, False]


def test_an_index_that_is_not_there(
    server: Server,
    project: Project,
    cache: Cache,
    environ: dict[str, str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The lock is made all the same, and soon; one that was made before keeps what it had."""
    down = {**environ, "DEBONAIR_PIWHEELS": "http://127.0.0.1:9/simple"}
    begun = time.monotonic()
    found = lock.ensure(project, EVERY, cache, down, describe=wheels.describe)
    assert time.monotonic() - begun < 10
    message = "127.0.0.1 could not be queried (127.0.0.1 cannot be reached)"
    (line,) = (line for line in capsys.readouterr().err.splitlines() if message in line)
    assert line.endswith("; some targets have no wheel of array 1.0, fast 1.0.")
    assert len(wheels.obtain(found, ARM64, cache, environ)) == 3
    with pytest.raises(WheelError, match="no wheel for trixie-armv7 of:\n  array 1") as wrong:
        wheels.obtain(found, ARMV7, cache, environ)
    assert "www.piwheels.org" in wrong.value.hint
    lock.write(project, EVERY, cache, environ, describe=wheels.describe)
    before = found.path.read_text()
    assert "piwheels/simple/array/" in before
    lock.write(project, EVERY, cache, down, describe=wheels.describe)
    assert found.path.read_text() == before
    assert "; the lock keeps its files from there: array 1.0, fast 1.0.\n" in capsys.readouterr().err
