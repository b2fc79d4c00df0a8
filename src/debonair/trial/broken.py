"""A broken release of an app: the files of a deb, with code that raises an error when it is imported.

This file is also the program that breaks them. It runs inside the Debian on trial, where nothing in a deb
can reach this machine, with the standard library alone. It prints the version of the broken release.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

_CODE = 'raise RuntimeError("Broken on purpose by debonair try")\n'


def higher(version: str) -> str:
    """Return a Debian version that is higher than ``version``, and ends as it does; deb-version(7)."""
    end = "-" if "-" in version else "+deb"
    upstream, mark, rest = version.rpartition(end) if end in version else (version, "", "")
    return f"{upstream}.broken{mark}{rest}"


def modules(dist: Path, release: Mapping[str, object]) -> list[Path]:
    """Return the files of the app's code in the folder ``dist`` that its web server imports first."""
    paths = release.get("import-path")
    places = [dist / str(path) for path in paths] if isinstance(paths, list) else []
    name = str(release.get("wsgi", "")).partition(":")[0].replace(".", "/")
    return next(_of(name, [*places, *dist.glob("venv/lib/python3*/site-packages")]), None) or sorted(
        path for place in places for path in (*place.glob("*.py"), *place.glob("*/__init__.py"))
    )


def _of(name: str, places: list[Path]) -> Iterator[list[Path]]:
    """Yield the file of the module ``name`` in the first of ``places`` that has it, in a list."""
    for place in places:
        for path in (place / f"{name}.py", place / name / "__init__.py"):
            if name and path.is_file():
                yield [path]


def spoil(root: Path) -> str:
    """Break the app of the unpacked deb in ``root``, and return its new version.

    Raises ``LookupError`` if there is no module to break.
    """
    control = root / "DEBIAN/control"
    text = control.read_text(encoding="utf-8")
    package, version = (re.findall(rf"(?m)^{name}: *(\S+)", text)[0] for name in ("Package", "Version"))
    control.write_text(re.sub(r"(?m)^Version:.*", f"Version: {higher(version)}", text), encoding="utf-8")
    dist = root / "usr/lib" / package / "dist"
    note = dist / "release.json"
    release = json.loads(note.read_text(encoding="utf-8"))
    note.write_text(json.dumps({**release, "version": higher(version)}), encoding="utf-8")
    if not (found := modules(dist, release)):
        raise LookupError(f"{package} has no module that could be broken")
    for path in found:
        path.write_text(_CODE, encoding="utf-8")
        for compiled in path.parent.glob(f"__pycache__/{path.stem}.*.pyc"):
            compiled.unlink()
    (root / "DEBIAN/md5sums").unlink(missing_ok=True)
    return higher(version)


if __name__ == "__main__":
    sys.stdout.write(spoil(Path(sys.argv[1])))
