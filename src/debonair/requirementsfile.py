"""A requirements file as people write it for pip: options, other files, constraints, the project itself.

The format is described in pip's documentation, 'Requirements File Format'.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from debonair.errors import ProjectError

_OPTION = re.compile(r"(-[a-zA-Z]|--[a-z-]+)(?:\s*=\s*|\s+|(?<=^-[a-zA-Z])|$)(.*)")
_OF_NO_ACCOUNT = {
    "--trusted-host", "--no-binary", "--only-binary", "--prefer-binary", "--require-hashes", "--pre",
    "--use-feature", "--no-cache-dir",
}  # fmt: skip
_INDEXES = {"-i", "--index-url", "--extra-index-url", "-f", "--find-links", "--no-index"}
_PUBLIC = {"pypi.org", "pypi.python.org", "pypi.io", "www.piwheels.org"}
"""Hosts that everybody means, and that a lock has its files from anyway."""
_ITSELF = re.compile(r"\.(\[[\w, -]+\])?/?")
_VCS = re.compile(r"(?:git|hg|svn|bzr)\+")


@dataclass(frozen=True)
class Wanted:
    """What a requirements file asks for, with the files that it includes."""

    requirements: tuple[str, ...]
    """PEP 508, as written."""
    constraints: tuple[str, ...] = ()
    """PEP 508: what holds for a package if anything asks for it."""
    itself: bool = False
    """Whether it asks for the project that it lies in (``-e .``)."""
    source: str = ""
    """The file that says it, for a person; empty if nothing does."""


def read(path: Path, root: Path) -> Wanted:
    """Return what the file at ``path``, of the project in ``root``, asks for.

    Pins with hashes are a lock, which is read elsewhere: there is no requirement in such a file. Raises
    ``ProjectError`` naming file and line for what has no place in a package: a folder beside the project,
    or an index of its own.
    """
    requirements, constraints = list[str](), list[str]()
    itself = False
    for found, constrains in _lines(path, root, frozenset(), constrains=False):
        if _ITSELF.fullmatch(found):
            itself = True
        else:
            (constraints if constrains else requirements).append(found)
    return Wanted(tuple(dict.fromkeys(requirements)), tuple(dict.fromkeys(constraints)), itself, path.name)


def _lines(
    path: Path, root: Path, seen: frozenset[Path], *, constrains: bool
) -> Iterator[tuple[str, bool]]:
    if path in seen:
        return
    text = _text(path)
    if "--hash=" in text:
        return
    name = path.relative_to(root) if path.is_relative_to(root) else path
    for number, raw in enumerate(text.replace("\\\r\n", " ").replace("\\\n", " ").splitlines(), 1):
        line = re.sub(r"(^|\s)#.*", "", raw).strip()
        where = f"{name}, line {number}: '{line}'"
        option = _OPTION.fullmatch(line)
        if option and option[1] in {"-r", "--requirement", "-c", "--constraint"}:
            file = path.parent / option[2].strip()
            if not file.is_file():
                raise ProjectError(f"{where} names a file that is not there.", hint=f"Write {file}.")
            more = constrains or option[1] in {"-c", "--constraint"}
            yield from _lines(file, root, seen | {path}, constrains=more)
        elif option and option[1] in _INDEXES:
            _check_index(option[2], where)
        elif option and option[1] in {"-e", "--editable"}:
            yield _requirement(option[2].strip(), where), constrains
        elif option and option[1] not in _OF_NO_ACCOUNT:
            raise ProjectError(
                f"{where} is an option of pip that Debonair does not know.",
                hint="Write the requirements out, or pin them with hashes.",
            )
        elif line and not option:
            yield _requirement(line, where), constrains


def _check_index(value: str, where: str) -> None:
    """Refuse an index that is not everybody's: what is only there must not be taken from elsewhere."""
    if value and urlsplit(value).hostname not in _PUBLIC:
        raise ProjectError(
            f"{where} names a package index, which a requirements file cannot do for a lock.",
            hint="Take the line out, and tell uv of it: UV_INDEX=ADDRESS, or [[tool.uv.index]].",
        )


def _requirement(line: str, where: str) -> str:
    """Return the requirement (PEP 508) that ``line`` is, which may be an address or a folder for pip."""
    if _ITSELF.fullmatch(line):
        return line
    if _VCS.match(line) or re.match(r"https?://", line):
        name = re.search(r"#(?:.*&)?egg=([\w.-]+)", line)
        if not name:
            raise ProjectError(f"{where} does not say which package that is.", hint=f"Write NAME @ {line}")
        return f"{name[1]} @ {line.partition('#')[0]}"
    if re.match(r"(\.{1,2}/|/|file:)", line):
        raise ProjectError(
            f"{where} is a folder or file of this machine, and a lock is for every machine.",
            hint="Publish that package on your index, or put its modules beside the app's own.",
        )
    return line


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except PermissionError:
        raise ProjectError(f"{path} may not be read.") from None
    try:
        # Windows' PowerShell writes 'pip freeze > requirements.txt' as UTF-16, with its mark
        utf16 = data[:2] in {b"\xff\xfe", b"\xfe\xff"}
        return data.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError:
        raise ProjectError(f"{path} is not UTF-8 text.", hint="Save it as UTF-8.") from None
