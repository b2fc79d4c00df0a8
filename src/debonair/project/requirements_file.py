"""A requirements file for pip: options, other files, constraints, and the project itself.

pip's documentation describes the format in 'Requirements File Format'.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from debonair.errors import ProjectError
from debonair.host import terminal
from debonair.project import reader, requirement

_MOST = 8 << 20
"""The most bytes of one file: some files list the hashes of every wheel."""
_DEEPEST = 20
"""The most files that include each other."""
_OPTION = re.compile(r"(-[a-zA-Z]|--[a-z-]+)(?:\s*=\s*|\s+|(?<=^-[a-zA-Z])|$)(.*)")
OF_NO_ACCOUNT = {
    "--trusted-host", "--no-binary", "--only-binary", "--prefer-binary", "--require-hashes",
    "--use-feature", "--no-cache-dir",
}  # fmt: skip
"""Options of pip that change nothing for a lock."""
INDEXES = {"-i", "--index-url", "--extra-index-url", "-f", "--find-links", "--no-index"}
"""Options of pip that name a package index."""
_PUBLIC = {"pypi.org", "pypi.python.org", "pypi.io", "www.piwheels.org"}
"""Hosts that everybody can use. A lock takes its files from them anyway."""
_ITSELF = re.compile(r"\.(\[[\w, -]+\])?/?")
_COMMENT = re.compile(r"(^|\s)#.*")
_ADDRESS = re.compile(r"(?:(?:git|hg|svn|bzr)\+|https?://)")
_EGG = re.compile(r"[\w.-]+(?:\[[\w, .-]+\])?")
"""The name of a package in the fragment of its address, with extras."""


@dataclass(frozen=True)
class Requirements:
    """The contents of a requirements file, with the files that it includes."""

    requirements: tuple[str, ...]
    """The requirements (PEP 508), as written."""
    constraints: tuple[str, ...] = ()
    """Requirements (PEP 508) that apply to a package only if another one needs it."""
    itself: bool = False
    """True if the file requires the project that contains it (``-e .``)."""
    source: str = ""
    """The name of the file, for people; empty if there is no file."""
    prereleases: bool = False
    """True if pre-releases are allowed (``--pre``)."""
    notes: tuple[str, ...] = ()
    """A sentence about each group of packages that is not among the requirements."""


def read(path: Path, root: Path) -> Requirements:
    """Return the contents of the file at ``path``, in the project ``root``.

    A file of pins with hashes is a lock, which another module reads; it has no requirements here. Raises
    ``ProjectError`` with file and line for a line that a package cannot satisfy: a folder outside the
    project, or a private index.
    """
    reading = _Reader(root)
    reading.read(path, constrains=False, deep=0)
    return Requirements(
        tuple(dict.fromkeys(reading.requirements)),
        tuple(dict.fromkeys(reading.constraints)),
        reading.itself,
        path.name,
        reading.prereleases,
    )


class _Reader:
    """The contents so far of a file and of those that it includes."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.requirements: list[str] = []
        self.constraints: list[str] = []
        self.itself = False
        self.prereleases = False
        self.seen: set[tuple[str, bool]] = set()

    def read(self, path: Path, *, constrains: bool, deep: int) -> None:
        """Read the file ``path`` once: files that include each other twice would take exponential time."""
        known = (os.path.realpath(path), constrains)
        if known in self.seen:
            return
        self.seen.add(known)
        data = reader.data(path, self.root, most=_MOST)
        if is_pinned(data):
            return
        text = decoded(data, path)
        name = path.relative_to(self.root) if path.is_relative_to(self.root) else path
        for number, line in lines(text):
            self._line(
                line,
                f"{name}, line {number}: '{terminal.line(line)}'",
                path.parent,
                constrains=constrains,
                deep=deep,
            )

    def _line(self, line: str, where: str, folder: Path, *, constrains: bool, deep: int) -> None:
        name, value = option(line)
        if name in {"-r", "--requirement", "-c", "--constraint"}:
            file = folder / value
            if not reader.is_file(file):
                raise ProjectError(f"{where} names a file that does not exist.", hint=f"Write {file}.")
            if deep == _DEEPEST:
                raise ProjectError(
                    f"{where}: files include each other more than {_DEEPEST} deep.",
                    hint="Write the requirements into one file.",
                )
            self.read(file, constrains=constrains or name in {"-c", "--constraint"}, deep=deep + 1)
        elif name in INDEXES:
            _check_index(value, where)
        elif name == "--pre":
            self.prereleases = True
        elif name in {"", "-e", "--editable"}:
            found = _requirement(value, where)
            if _ITSELF.fullmatch(found):
                self.itself = True
            else:
                requirement.check(found, where)
                (self.constraints if constrains else self.requirements).append(found)
        elif name not in OF_NO_ACCOUNT:
            raise ProjectError(
                f"{where} is an option of pip that Debonair does not support.",
                hint="Write the requirements out, or pin them with hashes.",
            )


def option(line: str) -> tuple[str, str]:
    """Return the option of pip in ``line`` and its value; without an option, an empty name and ``line``."""
    found = _OPTION.fullmatch(line)
    return (found[1], found[2].strip()) if found else ("", line)


def is_public(index: str) -> bool:
    """Return whether everybody can use the package index at the address ``index``."""
    try:
        return urlsplit(index).hostname in _PUBLIC
    except ValueError:  # brackets around something that is not an address
        return False


def is_pinned(data: bytes) -> bool:
    """Return whether ``data``, a requirements file, has hashes, and so is a lock."""
    return b"--hash=" in data.replace(b"\0", b"")  # without the zeros of UTF-16


def lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield the logical lines of a text, with their numbers; a backslash at the end continues a line.

    A comment ends with its line even if that ends with a backslash, as in uv. pip does the same for a line
    that is only a comment. Otherwise the requirement in the next line would be lost silently.
    """
    pieces, start = list[str](), 0
    for number, raw in enumerate(reader.lines(text), 1):
        start = start if pieces else number
        line = _COMMENT.sub("", raw).rstrip()
        pieces.append(line.removesuffix("\\"))
        if line.endswith("\\"):
            continue
        if found := " ".join(pieces).strip():
            yield start, found
        pieces = []
    if found := " ".join(pieces).strip():
        yield start, found


def _check_index(value: str, where: str) -> None:
    """Refuse a private index: its packages must not be taken from another index with the same names."""
    if value and not is_public(value):
        raise ProjectError(
            f"{where} sets a package index, but a lock cannot take its index from a requirements file.",
            hint="Remove the line, and set the index for uv: UV_INDEX=ADDRESS, or [[tool.uv.index]] in "
            "pyproject.toml.",
        )


def _requirement(line: str, where: str) -> str:
    """Return ``line``, which may be an address for pip, as a requirement (PEP 508)."""
    if not _ADDRESS.match(line):
        return line
    address, space, marker = re.split(r"(\s;|;\s|$)", line, maxsplit=1)
    address, _, fragment = address.strip().partition("#")
    parts = [part for part in fragment.split("&") if part]
    egg = next((part.removeprefix("egg=") for part in parts if part.startswith("egg=")), "")
    wheel = re.search(r"/([\w.]+)-[^/]+\.whl$", address)
    name = egg if _EGG.fullmatch(egg) else wheel[1] if wheel else ""
    if not name:
        raise ProjectError(
            f"{where} does not name its package.", hint=f"Write NAME @ {terminal.line(line)}"
        )
    kept = "&".join(part for part in parts if not part.startswith("egg="))
    end = f" ; {marker.strip()}" if space else ""
    return f"{name} @ {address}{f'#{kept}' if kept else ''}{end}"


def decoded(data: bytes, path: Path) -> str:
    """Return ``data``, the requirements file at ``path``, as text. Raises ``ProjectError``."""
    # PowerShell writes 'pip freeze > requirements.txt' as UTF-16, with a byte order mark.
    utf16 = data[:2] in {b"\xff\xfe", b"\xfe\xff"}
    return reader.decoded(data, path, "utf-16" if utf16 else "utf-8-sig")
