"""Bounds of Python's versions (PEP 440) as relations of Debian's (Policy section 7.1, deb-version(7))."""

from __future__ import annotations

from collections.abc import Iterator

from packaging.specifiers import Specifier, SpecifierSet
from packaging.version import Version

from debonair.deb.version import from_pep440

_BEFORE = "~"
"""Behind a version: sorts before it and all that begins with it."""
_AFTER = ".~"
"""Behind a version: sorts after its revisions (``-1``) and repacked sources (``+dfsg``), before ``.1``."""


def relations(package: str, specifiers: SpecifierSet, *, epoch: str = "") -> list[str]:
    """Return the dependencies on ``package`` that express ``specifiers``, sorted; at least its bare name.

    ``epoch`` is that of the package's versions in the suite, such as ``1:``. Dependencies cannot express
    ``!=``: the caller checks the version that the suite has.
    """
    bounds = sorted({bound for specifier in specifiers for bound in _bounds(specifier)})
    return [f"{package} ({operator} {epoch}{version})" for operator, version in bounds] or [package]


def _bounds(specifier: Specifier) -> Iterator[tuple[str, str]]:
    operator, text = specifier.operator, specifier.version
    if operator == "!=":
        return
    if text.endswith(".*"):  # only == has it
        yield ">=", _debian(text[:-2]) + _BEFORE
        yield "<<", _next(text[:-2]) + _BEFORE
        return
    version = _debian(text)
    if operator in {">=", "~=", "==", "==="}:
        yield ">=", version
    if operator in {"<=", "==", "==="}:
        yield "<<", version + _AFTER
    if operator == ">":
        yield ">=", version + _AFTER
    if operator == "<":
        yield "<<", version + _BEFORE
    if operator == "~=":
        release = Version(text).release[:-1]
        yield "<<", _next(".".join(map(str, release))) + _BEFORE


def _debian(version: str) -> str:
    """Return a version as Debian writes it, without Python's own epoch."""
    return from_pep440(version).partition(":")[2] or from_pep440(version)


def _next(release: str) -> str:
    """Return the release after all that begin with ``release``: ``1.5`` after ``1.4``."""
    *head, last = Version(release).release
    return ".".join(map(str, (*head, last + 1)))
