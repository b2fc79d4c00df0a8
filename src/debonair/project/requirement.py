"""Check that a text is a requirement (PEP 508)."""

from __future__ import annotations

import re

from debonair.errors import ProjectError

_BOUND = r"(?:(?:[<>]=?|==|!=)\s*\d+(?:\.\d+)*|~=\s*\d+(?:\.\d+)+)"
_PLAIN = re.compile(rf"[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?\s*(?:{_BOUND}(?:\s*,\s*{_BOUND})*)?\s*", re.ASCII)
"""The usual requirements, which need no slow import of a parser."""


def check(text: str, where: str) -> None:
    """Raise ``ProjectError`` if ``text`` is not a requirement; ``where`` is its file, line and text."""
    if why := _problem(text):
        meant = re.sub(r"(?<![<>=!~])=(?![<>=])", "==", re.sub(r"=([<>])", r"\1=", text))
        close = meant != text and not _problem(meant)
        raise ProjectError(
            f"{where} is not a valid requirement: {why}.",
            hint=f"Did you mean '{meant}'?" if close else "Write it as in 'Flask>=3' (PEP 508).",
        )


def _problem(text: str) -> str:
    """Return why ``text`` is not a requirement; empty if it is one."""
    if _PLAIN.fullmatch(text):
        return ""
    from packaging.requirements import InvalidRequirement, Requirement  # noqa: PLC0415 - slow to import

    try:
        Requirement(text)
    except InvalidRequirement as wrong:
        return str(wrong).splitlines()[0]
    return ""
