"""Groups of packages that a project declares beside its requirements, and that are not in its package."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from debonair.project.package_table import Source

_DEVELOPMENT = re.compile(
    r"dev|develop(?:ment|er)?|tests?|testing|lint(?:ing|er)?|docs?|documentation|typ(?:es|ing|echeck)|mypy"
    r"|ci|format(?:ting)?|style|quality|checks?|build|release|debug|bench(?:mark)?s?|coverage|notebooks?"
    r"|pre-?commit|tools?|tooling",
    re.IGNORECASE,
)
"""The names of groups that nobody expects on a Pi."""


def notes(groups: Mapping[str, Any], source: Source, instead: str) -> Iterator[str]:
    """Yield a sentence for each of ``groups`` that an app may need on the Pi; ``instead`` is its table.

    ``groups`` has the packages of each group by its name: a table of poetry or pipenv, or a list (PEP 735).
    """
    for name, packages in groups.items():
        words = [word for word in re.split(r"[-_ ]", name) if word not in {"dependencies", "packages"}]
        if not packages or any(map(_DEVELOPMENT.fullmatch, words)):
            continue
        listed = ", ".join(str(package) for package in packages if not isinstance(package, Mapping))
        yield (
            f"{source.where(name, 'the group')}{f' ({listed})' if listed else ''} is not taken over. If "
            f"the app needs it on the Pi, move it to {instead}."
        )
