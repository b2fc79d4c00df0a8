"""A .deb from a stranger: one strict reader, bounded in time and memory.

It accepts only packages that dpkg installs, and reads them as dpkg does. It needs only Python's standard
library, so that the process that runs it for strangers starts fast (``reader_process``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from debonair.deb import ar, stanza, tar
from debonair.deb.decompression import Unpacked
from debonair.deb.refusal import Stream, Unfit
from debonair.deb.tar import Content, Member

MOST_CONTROL = 1 << 25
"""Bytes that a control tarball may unpack to; nearly all of them are md5sums."""
MOST_DATA = 1 << 34
"""Bytes that a data tarball may unpack to."""
MOST_ENTRIES = 250_000
"""Files, links and folders of a package; Debian's largest have half as many."""
MOST_PATHS = 1 << 25
"""Characters of all their paths and links together."""
MOST_KEPT = 1 << 24
"""Bytes of a file that is kept in memory."""
MOST_KEPT_ALL = 1 << 26

Keep = Callable[[str], bool]
"""A function that returns whether the caller needs the bytes of the file at a path."""


class Foreign:
    """A .deb that is being read, from its first byte to its last.

    The constructor reads its control tarball, and ``entries`` the data tarball.
    """

    fields: dict[str, str]
    """The fields of its control file, as ``stanza.read`` returns them."""
    members: dict[str, bytes]
    """Every file of its control tarball, by name."""

    def __init__(self, stream: Stream) -> None:
        """Read the control tarball of ``stream``. Raises ``Unfit`` if dpkg does not accept it."""
        self._parts = ar.members(stream)
        part, packed = next(self._parts)
        self.members = _control(Unpacked(part, packed, MOST_CONTROL))
        if "control" not in self.members:
            raise Unfit("its control.tar has no file 'control'")
        self.fields = stanza.read(self.members["control"])

    def entries(self) -> Iterator[tuple[Member, Content]]:
        """Yield the members of the data tarball, except the root, with a reader of their bytes.

        The whole package has been read when the iterator ends. Raises ``Unfit`` if dpkg does not accept it.
        """
        number = letters = 0
        for part, packed in self._parts:
            for member, content in tar.members(Unpacked(part, packed, MOST_DATA)):
                number += 1
                letters += len(member.path) + len(member.target)
                if number > MOST_ENTRIES:
                    raise Unfit(f"it has more than {MOST_ENTRIES} files, links and folders")
                if letters > MOST_PATHS:
                    raise Unfit(f"the paths of its files have more than {MOST_PATHS} characters in total")
                if member.path:
                    yield member, content

    def rest(
        self, keep: Keep, *, most: int = MOST_KEPT, most_all: int = MOST_KEPT_ALL
    ) -> tuple[list[Member], dict[str, bytes]]:
        """Read the rest of the package; return its members, and the bytes of files that ``keep`` accepts.

        Raises ``Unfit`` as ``entries`` does, and also if such a file exceeds ``most`` bytes, or all of them
        together ``most_all``.
        """
        found: list[Member] = []
        kept: dict[str, bytes] = {}
        for member, content in self.entries():
            found.append(member)
            if member.kind == "file" and keep(member.path):
                most_all -= member.size
                if member.size > most or most_all < 0:
                    raise Unfit(
                        f"its /{member.path} has {member.size} bytes, which is too large to inspect"
                    )
                kept[member.path] = content.read(member.size)
        return found, kept


def _control(stream: Stream) -> dict[str, bytes]:
    """Return the files of a control tarball. Raises ``Unfit`` for anything except plain files."""
    found: dict[str, bytes] = {}
    for member, content in tar.members(stream):
        if not member.path:
            continue
        if member.kind != "file" or "/" in member.path or member.path in found:
            raise Unfit(
                f"its control.tar has {member.path!r} twice, or it is not a regular file",
                "Build it again with dpkg-deb.",
            )
        found[member.path] = content.read(member.size)
        if len(found) > 1000:
            raise Unfit("its control.tar has more than 1000 files")
    return found
