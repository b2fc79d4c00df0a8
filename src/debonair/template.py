"""Templates of the texts that Debonair writes.

Those of units, scripts and configuration substitute values only. Those of documents and pages may have
conditions and loops.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import TYPE_CHECKING

from debonair.resources import resource

if TYPE_CHECKING:
    from jinja2 import Environment

_LINE = re.compile(r"^\{\{ (\w+) \}\}\n", re.MULTILINE)
_FORMAT = 1
"""Raise it whenever the same template and values would give another text than before."""


class _Known:
    """The texts that were filled before, and those that were asked for since, each by its key."""

    def __init__(self, before: Mapping[str, str]) -> None:
        self.before = before
        self.asked: dict[str, str] = {}


_known: ContextVar[_Known] = ContextVar("_known")


def fill(template: str, values: Mapping[str, object], parts: Mapping[str, str] | None = None) -> str:
    """Return the text of ``template``, a path as ``resource`` takes it, filled with ``values``.

    A line that contains only one value is left out if the value is empty. A line that names one of
    ``parts`` is replaced by that template, which is filled with the same values. Raises
    ``jinja2.UndefinedError`` if a template uses an unknown value, which is a defect of Debonair.
    """

    def whole(line: re.Match[str]) -> str:
        if parts and line[1] in parts:
            return _read(parts[line[1]])
        return "" if values.get(line[1]) == "" else line[0]

    text = _LINE.sub(whole, _read(template))
    known = _known.get(None)
    if known is None:
        return _environment().from_string(text).render(values)
    key = hashlib.sha256(repr((_FORMAT, text, sorted(values.items()))).encode()).hexdigest()
    filled = known.before.get(key)
    if filled is None:
        filled = _environment().from_string(text).render(values)
    known.asked[key] = filled
    return filled


@contextmanager
def knowing(before: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """While the body runs, take texts from ``before`` instead of filling their templates again.

    Yields the texts that the body asks ``fill`` for, each by a key of all that it depends on. They are the
    ``before`` of the next time. Jinja2 needs a tenth of a second to load and to compile all templates. That
    is a third of a build in which nothing changed.
    """
    known = _Known(before)
    token = _known.set(known)
    try:
        yield known.asked
    finally:
        _known.reset(token)


def page(template: str, values: Mapping[str, object]) -> str:
    """Return the HTML of ``template`` like ``fill``; characters of HTML in ``values`` are escaped."""
    return _environment(html=True).from_string(_read(template)).render(values)


def _read(template: str) -> str:
    return resource(template).read_text(encoding="utf-8")


@cache
def _environment(*, html: bool = False) -> Environment:
    from jinja2 import Environment, StrictUndefined  # noqa: PLC0415 - 'debonair try' fills no template

    return Environment(
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        # The other texts are not HTML: literals.py quotes values for each format.
        autoescape=html,  # noqa: S701
        trim_blocks=True,
        lstrip_blocks=True,
    )
