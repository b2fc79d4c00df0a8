"""Build the wheel of an unpacked sdist by its own backend (PEP 517), inside a Debian of the target.

Called with a folder that has ``source/``; ``wheel/`` and ``result.json`` are made in it. The result names
the wheel, or the requirements that the backend asks for (PEP 517, get_requires_for_build_wheel) and that
are not installed.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any


def main() -> None:
    """Do what this file is for. What the backend raises is raised."""
    folder = Path(sys.argv[1])
    said, backend = load(folder)
    asked: list[str] = getattr(backend, "get_requires_for_build_wheel", lambda settings: [])(None)
    result: dict[str, object] = {"asked": list(asked)}
    if set(asked) <= set(said["requires"]):
        (folder / "wheel").mkdir()
        result["wheel"] = backend.build_wheel(str(folder / "wheel"), None)
    (folder / "result.json").write_text(json.dumps(result))


def load(folder: Path) -> tuple[dict[str, Any], Any]:
    """Go to the sdist in ``folder``; return what backend.json says, and the backend that it names."""
    said = json.loads((folder / "backend.json").read_text())
    os.chdir(folder / "source")
    sys.path[:0] = [str(Path(path).resolve()) for path in said["path"]]
    module, _, attribute = said["backend"].partition(":")
    backend = importlib.import_module(module)
    for name in filter(None, attribute.split(".")):
        backend = getattr(backend, name)
    return said, backend


if __name__ == "__main__":
    main()
