"""Find the name of a package, its version and description, its author and its targets."""

from __future__ import annotations

import os
import platform
import pwd
import re
import unicodedata
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from debonair import target
from debonair.deb import control
from debonair.deb.version import from_pep440
from debonair.errors import PackageError
from debonair.host.run import Completed
from debonair.init.discovery import tags
from debonair.init.discovery.finding import Finding
from debonair.project import dynamic_version, reader, settings
from debonair.project import maintainer as packager
from debonair.project.load import author
from debonair.tree.service import account

Runner = Callable[..., Completed]

_READMES = ("README.md", "README.rst", "README.txt", "README")
_MAX_README = 64 << 10
"""The most bytes of a README to read."""
_MAX_LINE = 1000
"""The most characters of a line to search: the patterns search to the end from each character."""
_MAX_WORDS = 78
_MAX_NAME = 31  # the most characters that useradd(8) accepts
_FIRST = "0.1"
_LETTERS = str.maketrans({"æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "ł": "l", "þ": "th"})
"""Letters that Unicode does not decompose."""


def package(root: Path, stated: Mapping[str, Any], source: str, *, serves: bool = True) -> Finding:
    """Return the name of the Debian package (Policy section 5.6.1).

    It is the name in ``stated``, the table ``[project]`` or its equivalent in the file ``source``.
    Otherwise it is the name of the folder ``root``. If the package ``serves`` an application, this is also
    the name of its user, so it may be another one.
    """
    name = str(stated.get("name", ""))
    plain = re.sub(r"[-_. ]+", "-", name).lower()
    if plain and _is_name(plain) and not (serves and _unfit(plain)):
        return Finding("package", plain, source)
    found = re.sub(r"[^a-z0-9]+", "-", _ascii(name or root.name)).strip("-")
    where = f"from '{name}', in {source}" if name else "the folder's name"
    if (why := _unfit(found)) and _is_name(found):
        where = f"{where}; {why}"
    if why or not _is_name(found):
        found = f"my-{found}" if found in account.taken() else f"app-{found}"
    return Finding("package", found[:_MAX_NAME].rstrip("-"), where, ("package",))


def version(root: Path, stated: Mapping[str, Any], tables: Mapping[str, Any], source: str) -> Finding:
    """Return the version (PEP 440)."""
    stated_version = str(stated.get("version") or dynamic_version.version(root, tables))
    if not stated_version and (tool := dynamic_version.from_tags(tables)):
        tagged, tag = tags.latest(root)
        why = f"git's tag {tag}" if tag else f"{tool} takes it from git's tags, but git has no tag"
        return Finding("version", tagged or _FIRST, f"{why}; raise it with each release", ("version",))
    try:
        from_pep440(stated_version)
    except PackageError:
        shown = stated_version if len(stated_version) <= _MAX_WORDS else f"{stated_version[:_MAX_WORDS]}..."
        why = (
            f"{source} has '{shown}', which is not a version"
            if stated_version
            else "a first version; raise it with each release"
        )
        return Finding("version", _FIRST, why, ("version",))
    return Finding("version", stated_version, source)


def description(root: Path, stated: Mapping[str, Any], package: str, source: str) -> Finding:
    """Return a line that describes the app, from its metadata or the beginning of its README."""
    if summary := " ".join(str(stated.get("description", "")).split()):
        return Finding("description", summary, source)
    for name in _READMES:
        text = reader.head(root / name, root, most=_MAX_README)
        if found := _first_sentence(text):
            line, sentence = found
            return Finding("description", sentence, f"{name}:{line}", ("description",))
    return Finding(
        "description",
        f"The web application {package}",
        "no file describes the app",
        ("description",),
        guessed=True,
    )


def maintainer(
    root: Path, stated: Mapping[str, Any], source: str, environ: Mapping[str, str], runner: Runner
) -> Finding:
    """Return the name and mail address of the maintainer.

    The first source is the metadata's author, if that is a name with an address. Then come git's
    configuration in the folder, and DEBFULLNAME and DEBEMAIL (debchange(1)). The last one is an account of
    this machine.
    """
    if (stated_author := author(stated)) and packager.fits(stated_author):
        return Finding("maintainer", stated_author, source)
    person, whose = packager.of(root, environ, runner=runner)
    if person:
        return Finding("maintainer", person, whose, ("maintainer",))
    account = pwd.getpwuid(os.geteuid())
    name = account.pw_gecos.partition(",")[0] or account.pw_name
    where = "this machine's account; replace it by your own"
    return Finding(
        "maintainer", f"{name} <{account.pw_name}@{platform.node()}>", where, ("maintainer",), guessed=True
    )


def targets(stated: Mapping[str, Any], source: str) -> list[Finding]:
    """Return the targets, if the project does not allow the Python of the default ones."""
    specifier = str(stated.get("requires-python", ""))
    try:
        allowed = SpecifierSet(specifier)
    except InvalidSpecifier:
        return []
    suites = [each.name for each in target.suites().values() if allowed.contains(f"{each.python}.99")]
    if not suites or settings.usual_suite() in suites:
        return []
    names = [f"{suites[0]}-arm64", f"{suites[0]}-amd64"]
    return [Finding("targets", names, f"{source} requires Python {specifier}", ("targets",))]


def _ascii(text: str) -> str:
    """Return ``text`` in lower case, with letters of ASCII where usual: ``größe`` is ``grosse``."""
    folded = unicodedata.normalize("NFKD", text.casefold()).translate(_LETTERS)
    return "".join(character for character in folded if not unicodedata.combining(character))


def _unfit(name: str) -> str:
    """Return why the user of a service cannot have ``name``; empty if it can, or is only too long."""
    if what := account.taken().get(name):
        return f"'{name}' is the name of {what}"
    return "" if name[:1].isalpha() else f"'{name}' does not begin with a letter"


def _is_name(text: str) -> bool:
    try:
        control.check_name(text)
    except PackageError:
        return False
    return True


def _first_sentence(text: str) -> tuple[int, str] | None:
    """Return the first line of prose with its number, or else the first heading."""
    heading = None
    fenced = False
    lines = [re.sub(r"[\x00-\x1f\x7f-\x9f]", " ", line[:_MAX_LINE]) for line in reader.lines(text)]
    for number, raw in enumerate(lines, 1):
        fenced ^= raw.startswith("```")
        line = re.sub(
            r"!?\[([^\]]*)\]\([^)]*\)",
            r"\1",
            re.sub(r"\[!\[[^\]]*\]\([^)]*\)\]\([^)]*\)|!\[[^\]]*\]\([^)]*\)", "", raw),
        )
        line = re.sub(r"[*`_]{1,3}(\S.*?\S|\S)[*`_]{1,3}", r"\1", line).strip()
        underlined = number < len(lines) and re.fullmatch(r"(=+|-+|~+|\*+)\s*", lines[number])
        if (
            fenced
            or not re.search(r"[A-Za-z]{2}", line)
            or line.startswith(("<", "..", ">", "|", "[", "```", "http"))
        ):
            continue
        if line.startswith("#") or underlined:
            heading = heading or (number, _short(line.lstrip("# ")))
            continue
        if re.match(r"[-*+:]\s|\d+\.\s", line):
            break
        return number, _short(line)
    return heading


def _short(line: str) -> str:
    """Return the first sentence of a line, cut after a word if it is long."""
    sentence = re.split(r"(?<=[a-z)])[.!:](?:\s|$)", line)[0].strip()
    if len(sentence) > _MAX_WORDS:
        sentence = sentence[:_MAX_WORDS].rsplit(" ", 1)[0].rstrip(",;")
    return sentence
