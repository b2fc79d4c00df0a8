"""Raise pins that have no wheel for a target, in the file of the requirements."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from debonair import lock as locks
from debonair.errors import ProjectError
from debonair.host.cache import whole
from debonair.project import reader
from debonair.project.requirements_file import decoded
from debonair.wheels.lacking import LackingError, Pin
from debonair.wheels.obtain import describe
from debonair.wheels.supply import Index

if TYPE_CHECKING:
    from pathlib import Path

    from debonair.host.cache import Cache
    from debonair.project import Project
    from debonair.target import Target

_MOST = 8 << 20  # bytes


def raise_all(
    load: Callable[[], Project], targets: Sequence[Target], cache: Cache, environ: Mapping[str, str]
) -> Iterator[Pin]:
    """Raise pins until every target has a wheel of everything; yield each pin after it was written.

    ``load`` reads the project again after its requirements changed. The lock is written again each time.
    Raises ``LackingError`` if no newer versions help, and ``ProjectError`` if a pin must be raised by hand.
    """
    seen = set[Pin]()
    while True:
        project = load()
        locks.write(project, targets, cache, environ, describe=describe)
        try:
            supply = Index(project, targets, cache, environ)
            for target in targets:
                supply.wheels(target)
        except LackingError as lacking:
            pins = lacking.pins
            if not pins or seen & set(pins):
                raise
            write(_file(project), project.root, pins)
            seen.update(pins)
            yield from pins
        else:
            return


def _file(project: Project) -> Path:
    """Return the file with the requirements of ``project``; not all kinds of projects name it."""
    names = filter(None, [project.requirements_file, "pyproject.toml", "setup.cfg", "setup.py"])
    paths = [project.root / name for name in names]
    return next((path for path in paths if path.is_file()), project.config_file)


def write(path: Path, root: Path, pins: Sequence[Pin]) -> None:
    """Write ``pins`` to the file at ``path`` in the folder ``root``, in place of ``NAME==VERSION``.

    A Pipfile, and a table of poetry, have ``NAME = "VERSION"`` instead. The rest of the file is kept.
    Raises ``ProjectError``, and changes nothing, if a pin is not in the file.
    """
    text = decoded(reader.data(path, root, most=_MOST), path)
    for pin in pins:
        name = "[-_.]+".join(map(re.escape, pin.name.split("-")))  # PEP 503 lists the ways to spell it
        required = rf"""(?:^|["'])[ \t]*{name}[ \t]*(?:\[[^]\n]*\])?[ \t]*===?[ \t]*"""
        key = rf"""^[ \t]*["']?{name}["']?[ \t]*=[ \t]*"""
        value = r"""(?:\{[^}\n]*version[ \t]*=[ \t]*)?["'](?:===?)?[ \t]*"""
        pinned = re.compile(
            rf"({required}|{key}{value}){re.escape(pin.before)}(?![\w.+!*-])", re.IGNORECASE | re.MULTILINE
        )
        text, count = pinned.subn(rf"\g<1>{pin.version}", text)
        if not count:
            listed = ", ".join(f"{each.name}=={each.version}" for each in pins)
            raise ProjectError(
                f"{path.name} has no text '{pin.name}=={pin.before}', so no pin was raised.",
                hint=f"Set these versions where the requirements are, then run 'debonair lock': {listed}",
            )
    with whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="")
