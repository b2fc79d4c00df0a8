"""The only module that knows stdeb, which creates the first package of a library: its input, its start.

Paths are relative to the folder ``/build`` of the Debian that it runs in.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from debonair.errors import MachineError
from debonair.template import fill

if TYPE_CHECKING:
    from debonair.source.library.recipe import Recipe

SCRIPT = """\
cd /build/sdist && PYTHONPATH=/build/programs python3 setup.py -q --command-packages=stdeb.command debianize
cp -r debian /build/source/
"""


def settings(recipe: Recipe) -> Iterator[tuple[str, bytes]]:
    """Yield stdeb's input: its configuration, and a setup.py with the metadata that it reads."""
    upstream, _, revision = recipe.version.rpartition("-")
    library = recipe.library
    texts = {
        "name": library.name,
        "version": library.version,
        "summary": recipe.synopsis(),
        "description": recipe.description(),
        "homepage": library.homepage or "UNKNOWN",
    }
    setup = fill(
        "packaging/library/setup.py.in",
        {
            "name": library.name,
            "compiled": str(library.compiled),
            **{f"quoted_{key}": ascii(text) for key, text in texts.items()},
        },
    )
    configuration = fill(
        "packaging/library/stdeb.cfg.in",
        {
            "source": recipe.source,
            "package": recipe.package,
            "suite": recipe.target.suite,
            "upstream": upstream.rpartition(":")[2],
            "revision": revision,
            "depends": ", ".join(recipe.depends),
        },
    )
    yield "sdist/setup.py", setup.encode()
    yield "sdist/stdeb.cfg", configuration.encode()


def programs() -> Iterator[tuple[str, bytes]]:
    """Yield the files of stdeb, which is installed beside Debonair."""
    found = importlib.util.find_spec("stdeb")
    if found is None or not found.origin:
        raise MachineError(
            "The Python package 'stdeb', which creates the package of a library, is not on this machine.",
            hint="Install it beside Debonair: pipx inject debonair stdeb (or pip install stdeb)",
        )
    home = Path(found.origin).parent
    for path in sorted(home.rglob("*.py")):
        yield f"programs/stdeb/{path.relative_to(home)}", path.read_bytes()
