"""A requirements file as people write it for pip: options, other files, constraints, the project itself.

The format is described in pip's documentation, 'Requirements File Format'.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from debonair.errors import ProjectError
from debonair.project import reader

_MOST = 8 << 20
"""Bytes of one file: some have every hash of every wheel."""
_DEEPEST = 20
"""Files that include each other."""
_OPTION = re.compile(r"(-[a-zA-Z]|--[a-z-]+)(?:\s*=\s*|\s+|(?<=^-[a-zA-Z])|$)(.*)")
_OF_NO_ACCOUNT = {
    "--trusted-host", "--no-binary", "--only-binary", "--prefer-binary", "--require-hashes",
    "--use-feature", "--no-cache-dir",
}  # fmt: skip
_INDEXES = {"-i", "--index-url", "--extra-index-url", "-f", "--find-links", "--no-index"}
_PUBLIC = {"pypi.org", "pypi.python.org", "pypi.io", "www.piwheels.org"}
"""Hosts that everybody means, and that a lock has its files from anyway."""
_ITSELF = re.compile(r"\.(\[[\w, -]+\])?/?")
_COMMENT = re.compile(r"(^|\s)#.*")
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
    prereleases: bool = False
    """Whether versions that are not final will do (``--pre``)."""


def read(path: Path, root: Path) -> Wanted:
    """Return what the file at ``path``, of the project in ``root``, asks for.

    Pins with hashes are a lock, which is read elsewhere: there is no requirement in such a file. Raises
    ``ProjectError`` naming file and line for what has no place in a package: a folder beside the project,
    or an index of its own.
    """
    reading = _Reader(root)
    reading.read(path, constrains=False, deep=0)
    return Wanted(
        tuple(dict.fromkeys(reading.requirements)),
        tuple(dict.fromkeys(reading.constraints)),
        reading.itself,
        path.name,
        reading.prereleases,
    )


class _Reader:
    """What a file and those that it includes have said so far."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.requirements: list[str] = []
        self.constraints: list[str] = []
        self.itself = False
        self.prereleases = False
        self.seen: set[tuple[str, bool]] = set()

    def read(self, path: Path, *, constrains: bool, deep: int) -> None:
        """Read the file ``path``, once: two that include each other twice would be read for ever."""
        known = (os.path.realpath(path), constrains)
        if known in self.seen:
            return
        self.seen.add(known)
        text = _text(path, self.root)
        if "--hash=" in text:
            return
        name = path.relative_to(self.root) if path.is_relative_to(self.root) else path
        for number, line in _lines(text):
            self._line(
                line, f"{name}, line {number}: '{line}'", path.parent, constrains=constrains, deep=deep
            )

    def _line(self, line: str, where: str, folder: Path, *, constrains: bool, deep: int) -> None:
        option = _OPTION.fullmatch(line)
        name, value = (option[1], option[2].strip()) if option else ("", line)
        if name in {"-r", "--requirement", "-c", "--constraint"}:
            file = folder / value
            if not reader.is_file(file):
                raise ProjectError(f"{where} names a file that is not there.", hint=f"Write {file}.")
            if deep == _DEEPEST:
                raise ProjectError(
                    f"{where} includes a file, as more than {_DEEPEST} before it do.",
                    hint="Write the requirements into one file.",
                )
            self.read(file, constrains=constrains or name in {"-c", "--constraint"}, deep=deep + 1)
        elif name in _INDEXES:
            _check_index(value, where)
        elif name == "--pre":
            self.prereleases = True
        elif name in {"", "-e", "--editable"}:
            found = _requirement(value, where)
            if _ITSELF.fullmatch(found):
                self.itself = True
            else:
                (self.constraints if constrains else self.requirements).append(found)
        elif name not in _OF_NO_ACCOUNT:
            raise ProjectError(
                f"{where} is an option of pip that Debonair does not know.",
                hint="Write the requirements out, or pin them with hashes.",
            )


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield what a text says, line by line, with numbers; a backslash at the end goes on with the next.

    A comment ends with its line, backslash or not, as uv has it. pip takes it so too if nothing is before
    it; else the requirement in the next line would be lost without a word.
    """
    pieces, start = list[str](), 0
    for number, raw in enumerate(reader.lines(text), 1):
        start = start if pieces else number
        line = _COMMENT.sub("", raw)
        pieces.append(line.removesuffix("\\"))
        if line.endswith("\\"):
            continue
        if found := " ".join(pieces).strip():
            yield start, found
        pieces = []
    if found := " ".join(pieces).strip():
        yield start, found


def _check_index(value: str, where: str) -> None:
    """Refuse an index that is not everybody's: what is only there must not be taken from elsewhere."""
    try:
        host = urlsplit(value).hostname
    except ValueError:  # of brackets around what is no address
        host = value
    if value and host not in _PUBLIC:
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


def _text(path: Path, root: Path) -> str:
    data = reader.data(path, root, most=_MOST)
    # Windows' PowerShell writes 'pip freeze > requirements.txt' as UTF-16, with its mark
    utf16 = data[:2] in {b"\xff\xfe", b"\xfe\xff"}
    return reader.decoded(data, path, "utf-16" if utf16 else "utf-8-sig")
