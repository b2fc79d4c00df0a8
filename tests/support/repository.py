"""A repository in a folder, whose clock and signer are the test's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from debs import EPOCH, make_deb
from scribe import Scribe

from debonair.repository import state
from debonair.repository.channel import ALL
from debonair.repository.draft import Draft
from debonair.repository.edits import versions as edits
from debonair.repository.edits.bootstrap import make_suites
from debonair.repository.pins import Pins
from debonair.repository.publish import Repository
from debonair.repository.state import Head
from debonair.repository.storage.folder import Folder
from debonair.repository.storage.protocol import Storage
from debonair.repository.trust import Trust

SUITES = edits.suites({"bookworm": (12, ("amd64", "armhf")), "trixie": (13, ("amd64", "armhf"))})
DAY = 86400


@dataclass
class Archive:
    """A repository with two suites of Debian, and a builder of its debs."""

    root: Path
    url: str = "https://apt.example.org"
    now: float = EPOCH
    scribe: Scribe = field(default_factory=Scribe)
    pauses: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.storage: Storage = Folder(self.root)
        self.repository = self.publisher()

    def publisher(self, storage: Storage | None = None, who: str = "ada") -> Repository:
        storage = storage or self.storage
        pins = Pins(self.root.parent / "pins" / who)
        return Repository(
            storage,
            lambda _: self.scribe,
            Trust(storage, str(self.root), pins, self.scribe.signers),
            clock=self.clock,
            who=who,
            pause=self.pause,
        )

    def other(self, who: str, storage: Storage | None = None) -> Repository:
        """Return another publisher, who knows the repository."""
        bob = self.publisher(storage, who)
        key = self.draft.head.keys[-1].fingerprint
        bob.trust.first("acme", [key], now=self.clock(), old=False)
        return bob

    def clock(self) -> int:
        return int(self.now)

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    def init(self) -> Archive:
        key = self.scribe.create("acme", now=self.clock())
        head = Head(state.FORMAT, "acme", 0, "", (key,), 365, {}, url=self.url)
        self.repository.create(head, make_suites(SUITES))
        return self

    def deb(
        self, package: str = "hello", version: str = "1.0", architecture: str = "amd64", **more: str
    ) -> Path:
        """Build a deb for trixie whose only file contains ``more``."""
        files = {f"usr/share/{package}/{name}": text for name, text in {"version": version, **more}.items()}
        return make_deb(
            self.root.parent / "debs" / str(len(more)),
            package,
            f"{version}-1+deb13",
            architecture,
            files=files,
        )

    def add(
        self, *debs: Path, channel: str = "stable", percent: int = ALL, suite: str | None = None
    ) -> Sequence[str]:
        edit = edits.add(debs, lambda: SUITES, channel_name=channel, suite=suite, percent=percent)
        return self.repository.change("add", edit)

    def versions(self, package: str = "hello", **more: str) -> Sequence[str]:
        """Publish versions of a package, one after another."""
        return [line for each in more.values() for line in self.add(self.deb(package, each))]

    @property
    def draft(self) -> Draft:
        return self.repository.draft()

    def packages(self, suite: str = "trixie", architecture: str = "amd64") -> str:
        return (self.root / f"dists/{suite}/main/binary-{architecture}/Packages").read_text()

    def offered(self, suite: str = "trixie", package: str = "hello") -> list[tuple[str, int]]:
        """Return the entries of a package in the Packages of a suite, with the share that may take it."""
        found = []
        for paragraph in self.packages(suite).split("\n\n"):
            fields = dict(line.split(": ", 1) for line in paragraph.splitlines() if ": " in line)
            if fields.get("Package") == package:
                found.append(
                    (
                        fields["Version"].partition("-")[0],
                        int(fields.get("Phased-Update-Percentage", "100")),
                    )
                )
        return found


class Interrupted(Folder):
    """A folder in which something happens before a file is replaced."""

    def __init__(self, root: Path, before: Callable[[str], None]) -> None:
        super().__init__(root)
        self.before = before

    def replace(self, path: str, data: bytes, tag: str | None) -> None:
        self.before(path)
        super().replace(path, data, tag)
