"""Build the wheel of an sdist with its own backend (PEP 517), isolated from the calling machine.

The argument is a folder with the sdist, packed or as ``source/``, and ``backend.json``, which defines the
task. The results in it are ``wheel/`` and ``result.json``. The latter names the wheel, or requirements that
are missing: those that the backend requests (PEP 517, get_requires_for_build_wheel). A second argument is
the number of a descriptor, to which both are written too. The result is on a line, before the bytes of the
wheel, or of METADATA if only that was requested.
"""

from __future__ import annotations

import importlib
import json
import os
import shutil
import sys
import zipfile
from pathlib import Path
from typing import Any


def main() -> None:
    """Build and write the results. Raises what the backend raises."""
    arguments = sys.argv[1:]  # setuptools reads sys.argv itself
    folder = Path(arguments[0])
    request, backend = load(folder)
    asked: list[str] = getattr(backend, "get_requires_for_build_wheel", lambda settings: [])(None)
    result: dict[str, object] = {"asked": list(asked)}
    data = b""
    if set(asked) <= set(request["requires"]):
        (folder / "wheel").mkdir()
        if request.get("metadata"):
            data = metadata(folder / "wheel", backend)
        else:
            result["wheel"] = backend.build_wheel(str(folder / "wheel"), None)
    text = json.dumps(result)
    (folder / "result.json").write_text(text)
    if len(arguments) > 1:
        if "wheel" in result:
            data = (folder / "wheel" / str(result["wheel"])).read_bytes()
        with os.fdopen(int(arguments[1]), "wb") as out:
            out.write(text.encode() + b"\n" + data)


def load(folder: Path) -> tuple[dict[str, Any], Any]:
    """Change to the sdist in ``folder``; return the content of backend.json, and its backend."""
    request = json.loads((folder / "backend.json").read_text())
    if request.get("archive"):
        unpacked = folder / "unpacked"
        shutil.unpack_archive(folder / request["archive"], unpacked)
        (top,) = unpacked.iterdir()
        for path in top.rglob("*"):
            if (
                not path.is_symlink()
            ):  # the wheel copies the modes of its files, which must not depend on the archive
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        top.rename(folder / "source")
    os.chdir(folder / "source")
    sys.path[:0] = [str(Path(path).resolve()) for path in request["path"]]
    module, _, attribute = request["backend"].partition(":")
    backend = importlib.import_module(module)
    for name in filter(None, attribute.split(".")):
        backend = getattr(backend, name)
    return request, backend


def metadata(folder: Path, backend: Any) -> bytes:
    """Return METADATA as ``backend`` prepares it in ``folder``, or from the wheel that it builds."""
    if prepare := getattr(backend, "prepare_metadata_for_build_wheel", None):
        return Path(folder, prepare(str(folder), None), "METADATA").read_bytes()
    with zipfile.ZipFile(folder / backend.build_wheel(str(folder), None)) as wheel:
        (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
        return wheel.read(name)


if __name__ == "__main__":
    main()
