"""Find time zones whose names Debian moved to a package of its own."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from debonair.init.discovery.code import Module
from debonair.project.catalogue import LEGACY_ZONES, known


def legacy(modules: Sequence[Module]) -> dict[str, str]:
    """Return the Debian package for the old time zones in ``modules``, with the place of the first."""
    names = frozenset(known().zones["legacy"])
    for module in modules:
        for name, line in _named(module):
            if name in names:
                return {LEGACY_ZONES: f"{module.path}:{line} names the time zone {name}"}
    return {}


def _named(module: Module) -> Iterator[tuple[str, int]]:
    """Yield the texts that can name a time zone, with their lines.

    A text without a slash, such as ``Japan``, counts only as the value of a setting or of ``ZoneInfo``.
    """
    for node in module.nodes:
        match node:
            case ast.Constant(value=str(text)) if "/" in text:
                yield text, node.lineno
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str(text))) if (
                name.upper().replace("_", "").endswith(("TIMEZONE", "TZ"))
            ):
                yield text, node.lineno
            case ast.Call(func=func, args=[ast.Constant(value=str(text)), *_]) if ast.unparse(
                func
            ).endswith(("ZoneInfo", "gettz")):
                yield text, node.lineno
            case _:
                pass
