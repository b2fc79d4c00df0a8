"""Find Streamlit's options in its folder ``.streamlit``, which no package has, because of the dot."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from debonair.errors import ProjectError
from debonair.init.discovery.finding import Finding
from debonair.project import reader

_CONFIG, _SECRETS = ".streamlit/config.toml", ".streamlit/secrets.toml"
_OF_THE_DESK = re.compile(r"(browser|global|logger)\.|server\.(address|port|headless|ssl|run|fileWatcher)")
"""Options about the port, the browser and the development of an app."""
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def settings(root: Path, chosen: Sequence[Finding]) -> tuple[list[Finding], list[str]]:
    """Return Streamlit's options of the project in ``root`` as variables, and sentences about other ones.

    Both are empty if ``chosen``, the application, is not Streamlit's.
    """
    if not any(found.where.endswith("(Streamlit)") for found in chosen):
        return [], []
    notes = list[str]()
    if reader.is_file(root / _SECRETS):
        notes.append(
            f"{_SECRETS} is left out of the package, because it has secrets. Set them on the Pi by 'APP "
            "env set NAME=VALUE', and read them from os.environ instead of st.secrets."
        )
    if not reader.is_file(root / _CONFIG):
        return [], notes
    try:
        table = reader.toml(root / _CONFIG, root)
    except ProjectError as wrong:
        return [], [*notes, f"{wrong.message} {wrong.hint}"]
    found = list[Finding]()
    for option, value in _options(table):
        if _OF_THE_DESK.match(option):
            continue
        name = "STREAMLIT_" + _HUMP.sub("_", option).replace(".", "_").upper()
        text = str(value).lower() if isinstance(value, bool) else str(value)
        if isinstance(value, str | int | float) and re.fullmatch(r"\w+", name, re.ASCII):
            found.append(Finding(f"variable {name}", text, _CONFIG, ("service", "environment", name)))
        else:
            notes.append(f"{_CONFIG}: '{option}' was left out, because no variable can have its value.")
    return found, notes


def _options(table: dict[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the full names of the options in ``table``, such as ``theme.base``, with their values."""
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _options(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value
