"""Read the metadata of an unpacked sdist with its own build backend (PEP 517): probe.py FOLDER.

FOLDER has ``source/`` and ``backend.json``; ``build_wheel.py`` is beside this file. The result is
``probe.json`` in FOLDER: the core metadata, and whether the library has compiled code.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import build_wheel


def main() -> None:
    """Write the result. Raises what the backend raises."""
    folder = Path(sys.argv[1]).resolve()
    request, backend = build_wheel.load(folder)
    made = folder / "metadata"
    made.mkdir()
    prepare = getattr(backend, "prepare_metadata_for_build_wheel", None)
    if prepare is None:
        raise SystemExit(f"the build backend {request['backend']} cannot say what the metadata is")
    info = prepare(str(made), None)
    result = {
        "metadata": (made / info / "METADATA").read_text(),
        "compiled": _is_compiled(request["backend"]),
    }
    (folder / "probe.json").write_text(json.dumps(result))


def _is_compiled(backend: str) -> bool:
    """Return whether code is compiled: setuptools reports it; other backends are known by their purpose."""
    if not backend.startswith("setuptools"):
        return not backend.startswith(("hatchling", "flit", "poetry", "pdm"))
    from setuptools.dist import Distribution

    seen: list[bool] = []
    ends = Distribution.parse_command_line

    def stop(self: Distribution) -> bool:
        seen.append(bool(self.has_ext_modules()))
        return False

    Distribution.parse_command_line = stop  # type: ignore[assignment,method-assign]
    try:
        sys.argv = ["setup.py", "--name"]
        if Path("setup.py").is_file():
            code = compile(Path("setup.py").read_text(), "setup.py", "exec")
            exec(code, {"__name__": "__main__", "__file__": "setup.py"})
        else:
            from setuptools import setup

            setup()
    finally:
        Distribution.parse_command_line = ends  # type: ignore[method-assign]
    return any(seen)


if __name__ == "__main__":
    main()
