"""The Release file of a suite (DebianRepository/Format, 'Release'; apt-secure(8))."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from debonair.deb import deb822
from debonair.errors import RepositoryError
from debonair.repository.pool import CHANGELOGS
from debonair.repository.state import Sum

MOST = 1 << 20
"""Most bytes of a Release, an InRelease or a signature."""
_DATE = "%a, %d %b %Y %H:%M:%S UTC"
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_LINE = re.compile(r" ([0-9a-f]{64}) +(\d+) (\S+)")


def text(
    *,
    name: str,
    url: str,
    suite: str,
    architectures: tuple[str, ...],
    component: str,
    date: int,
    valid_until: int,
    files: Mapping[str, Sum],
) -> str:
    """Return the Release of ``suite`` in the repository ``name``.

    ``url`` is where clients read it, empty if that is not known; apt uses it to find changelogs
    (apt.conf(5)). ``date`` and ``valid_until`` are seconds since the epoch; ``files`` are by path below the
    suite. The plain index is listed even if only the compressed file exists, because apt checks the
    decompressed data.
    """
    fields = {
        "Origin": name,
        "Label": name,
        "Suite": suite,
        "Codename": suite,
        "Date": stamp(date),
        "Valid-Until": stamp(valid_until),
        "Acquire-By-Hash": "yes",
        "Architectures": " ".join(architectures),
        "Components": component,
        "Description": f"{name}, {suite}",
    }
    if url:
        fields["Changelogs"] = f"{url}/{CHANGELOGS}@CHANGEPATH@"
    head = deb822.text(fields)
    rows = "".join(f" {each.sha256} {each.size:>10} {path}\n" for path, each in sorted(files.items()))
    return f"{head}SHA256:\n{rows}"


def stamp(seconds: int) -> str:
    """Return a time in the form of Release: RFC 5322 in UTC, independent of this machine's locale."""
    when = datetime.fromtimestamp(seconds, UTC)
    day = _DAYS[when.weekday()]
    month = _MONTHS[when.month - 1]
    return f"{day}, {when.day:02} {month} {when:%Y %H:%M:%S} UTC"


def seconds(stamped: str) -> int:
    """Return the seconds since the epoch of a time as ``stamp`` writes it. Raises ``ValueError``."""
    return int(datetime.strptime(stamped, _DATE).replace(tzinfo=UTC).timestamp())


def sums(release: str, where: str) -> dict[str, Sum]:
    """Return the sums that a Release lists, by path.

    Raises ``RepositoryError`` naming ``where`` if it has no list.
    """
    _, found, listed = release.partition("\nSHA256:\n")
    if not found:
        raise RepositoryError(f"{where} lists no SHA256.")
    rows = (_LINE.match(line) for line in listed.split("\n"))
    return {row[3]: Sum(int(row[2]), row[1]) for row in rows if row}
