"""The Debian mirror that this machine already uses, from its own apt sources.

The code contains no name of a mirror. It takes the entry of /etc/apt for Debian itself, whatever its suite,
and uses it for the suite that is needed. On another distribution, the setting DEBONAIR_MIRROR names a
mirror.
"""

from __future__ import annotations

import re
import shlex
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from debonair.deb import deb822
from debonair.errors import Error, MachineError, NetworkError
from debonair.host import run

SUITES = frozenset(
    {
        *("oldoldstable", "oldstable", "stable", "testing", "unstable"),
        *("bullseye", "bookworm", "trixie", "forky", "duke", "sid"),
    }
)
"""Labels by which a sources entry of Debian itself is recognised."""

KEYRING = Path("usr/share/keyrings/debian-archive-keyring.gpg")
"""Debian's keys, from the package debian-archive-keyring, below the root folder."""

_HELPER = "/usr/lib/apt/apt-helper"
_PATIENCE = 20.0

_CARRIED = (
    "Acquire::http",
    "Acquire::https",
    "Acquire::Retries",
    "Acquire::Check-Valid-Until",
    "Acquire::Check-Date",
)


@dataclass(frozen=True, slots=True)
class Mirror:
    """A mirror of Debian, and the keys by which apt verifies that the files are Debian's."""

    uri: str
    signed_by: str = ""
    """Path of a keyring on this machine; empty if apt uses the keys that the whole machine trusts."""
    options: tuple[str, ...] = ()
    """Options of a one-line entry that are kept, such as ``trusted=yes``."""
    settings: tuple[str, ...] = ()
    """The machine's own apt settings for fetching (proxies, retries), each ``NAME "VALUE"``."""

    def line(self, suite: str) -> str:
        """Return the one-line sources entry for ``suite``, component main; sources.list(5)."""
        words = [*([f"signed-by={self.signed_by}"] if self.signed_by else []), *self.options]
        return " ".join(["deb", *([f"[{' '.join(words)}]"] if words else []), self.uri, suite, "main"])


@dataclass(frozen=True, slots=True)
class _Entry:
    """One deb entry of the apt sources, in either format."""

    uri: str
    suites: tuple[str, ...]
    components: tuple[str, ...]
    options: Mapping[str, str]


def mirror(environ: Mapping[str, str], *, root: Path = Path("/")) -> Mirror:
    """Return the mirror of the machine whose files are below ``root``.

    DEBONAIR_MIRROR in ``environ`` comes first. Raises ``MachineError`` if there is no Debian mirror, or no
    keyring to verify it with.
    """
    settings = _settings()
    keyring = root / KEYRING
    if uri := environ.get("DEBONAIR_MIRROR"):
        return Mirror(uri, signed_by=_believed(keyring), settings=settings)
    entries = [entry for entry in _entries(root / "etc/apt") if _is_debian(entry)]
    if not entries:
        raise MachineError(
            f"The apt sources of this machine ({root / 'etc/apt'}) name no Debian mirror.",
            hint="Name one: DEBONAIR_MIRROR=ADDRESS debonair ...",
        )
    best = max(entries, key=_rank)
    options = tuple(
        f"{name}={value}"
        for name, value in best.options.items()
        if name in {"trusted", "check-valid-until", "check-date"}
    )
    signed_by = best.options.get("signed-by", "")
    if not signed_by.startswith("/"):  # a fingerprint, or a key inside the entry itself
        signed_by = "" if "trusted=yes" in options else _believed(keyring)
    return Mirror(best.uri, signed_by=signed_by, options=options, settings=settings)


def reach(mirror: Mirror, suite: str) -> None:
    """Download the Release of ``suite`` as apt does. Raises ``NetworkError`` if ``mirror`` has none."""
    with tempfile.TemporaryDirectory(prefix="debonair-") as folder:
        words = [_HELPER, "download-file", f"{mirror.uri}/dists/{suite}/Release", f"{folder}/Release"]
        try:
            run.run(words, timeout=_PATIENCE)
        except (run.CommandError, MachineError) as failed:
            raise NetworkError(
                f"The Debian mirror {mirror.uri} cannot be reached: {_last_line(failed)}.",
                hint="Check the network. To use another mirror: DEBONAIR_MIRROR=ADDRESS debonair ...",
            ) from failed


def _last_line(failed: Error) -> str:
    lines = [line.strip() for line in failed.message.splitlines() if line.strip()]
    return lines[-1].removeprefix("E: ").rstrip(".")


def _believed(keyring: Path) -> str:
    """Return the path of Debian's own keyring, or raise ``MachineError`` naming its package."""
    if not keyring.exists():
        raise MachineError(
            f"Debian's archive keys are not on this machine ({keyring} is missing).",
            hint="Install them: sudo apt install debian-archive-keyring",
        )
    return str(keyring)


def _is_debian(entry: _Entry) -> bool:
    """Return whether an entry can be Debian itself: a suite of Debian's, component main, a usable URI."""
    return (
        not SUITES.isdisjoint(entry.suites)
        and "main" in entry.components
        and entry.uri.partition(":")[0]
        in {"http", "https", "file", "mirror", "mirror+http", "mirror+https"}
    )


def _rank(entry: _Entry) -> int:
    """Order entries: derivatives use Debian's suite names too, but not Debian's keyring."""
    signed_by = entry.options.get("signed-by", "")
    return 2 if "debian-archive" in signed_by else 1 if not signed_by else 0


def _entries(etc: Path) -> Iterator[_Entry]:
    """Yield the deb entries below the folder ``etc`` (/etc/apt), in apt's own order."""
    parts = sorted((etc / "sources.list.d").glob("*")) if (etc / "sources.list.d").is_dir() else []
    for path in [etc / "sources.list", *parts]:
        if not path.is_file():
            continue
        text = path.read_text(errors="replace")
        if path.suffix == ".sources":
            for fields in deb822.paragraphs(text):
                yield from _paragraph({name.lower(): value for name, value in fields.items()})
        elif path.suffix == ".list":
            for line in text.splitlines():
                yield from _one_line(line)


def _one_line(line: str) -> Iterator[_Entry]:
    """Yield the entry of one line of the classic format; sources.list(5)."""
    found = re.match(r"\s*deb\s+(?:\[([^\]]*)\]\s*)?(\S+)\s+(\S+)\s*([^#]*)", line)
    if found:
        options, uri, suite, components = found.groups()
        pairs = dict(word.partition("=")[::2] for word in (options or "").split())
        yield _Entry(uri.rstrip("/"), (suite,), tuple(components.split()), pairs)


def _paragraph(fields: dict[str, str]) -> Iterator[_Entry]:
    """Yield an entry for each URI of ``fields``, a paragraph of a .sources file; sources.list(5)."""
    if "deb" not in fields.get("types", "").split() or fields.get("enabled", "yes").lower() in {
        "no",
        "false",
    }:
        return
    words = {field: tuple(fields.get(field, "").split()) for field in ("uris", "suites", "components")}
    for uri in words["uris"]:
        yield _Entry(uri.rstrip("/"), words["suites"], words["components"], fields)


def _settings() -> tuple[str, ...]:
    """Return the settings by which the machine's own apt fetches, so that its proxies are used here too."""
    dump = run.run(["apt-config", "dump", *_CARRIED], check=False)
    pairs = (shlex.split(line.rstrip(";")) for line in dump.stdout.splitlines() if line.endswith(";"))
    return tuple(f'{pair[0]} "{pair[1]}"' for pair in pairs if len(pair) == 2 and pair[1])
