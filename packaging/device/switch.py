#!/usr/bin/python3 -IB
"""Puts a release of the app into service beside the running one, and removes it if it is not healthy.

dpkg's postinst ('configure') and the app's own command ('rollback') call it. If a release fails, the one
before it keeps serving. The next call repeats a step that a power loss has interrupted.
"""

from __future__ import annotations

import fcntl
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import address
import dpkg
import history
from call import Deadline
from handover import Handover
from person import sudo
from preparation import PREPARE, RefusedError
from release import Home, Release
from system_emperor import emperor_of
from text import printable, say

_SPARE = 240.0  # seconds for systemd and nginx, in a switch in which nothing else hangs


@dataclass
class Switch:
    """One switch, from the release that is served, if any, to another."""

    home: Home
    say: Callable[[str], None] = field(default=say)

    def __post_init__(self) -> None:
        self.emperor = emperor_of(self.home)

    def configure(self) -> bool:
        """Put the release that dpkg unpacked into service, and return whether it was healthy.

        If an admin has stopped the service, it is not started. If the app's first release is not healthy,
        its service is stopped.
        """
        with exclusive(self.home):
            release, new = self.home.snapshot()
            removing = self.home.run / "removing"  # a removal that stopped the service, and failed, left it
            stopped = self.home.serving() is not None and self.emperor.stopped() and not removing.exists()
            well = self.to(release, "install", new=new, start=not stopped)
            with suppress(OSError):  # with Debian's emperor, the app may make a folder with that name
                removing.unlink()
            return well

    def rollback(self, name: str) -> bool:
        """Put the release ``name``, which is on this machine, into service; empty means an older one.

        The installed version has its name also if it was refused. Raises ``LookupError``, which lists the
        releases.
        """
        if history.is_only_installed(self.home, name):
            return self.undo()
        with exclusive(self.home):
            return self.to(history.earlier(self.home, name), "rollback", new=False, start=True)

    def undo(self) -> bool:
        """Put the release that dpkg installed back into service, after a rollback or a refusal.

        Raises ``LookupError`` if dpkg has not unpacked all of it.
        """
        package = self.home.package
        if not dpkg.is_unpacked(package):
            raise LookupError(f"dpkg has not unpacked all of {package}. {dpkg.install_again(package)}")
        with exclusive(self.home):
            release, new = self.home.snapshot()
            return self.to(release, "undo", new=new, start=True)

    def settle(self) -> bool:
        """Put the release that is served into the app's own service, if that of a trial serves it."""
        with exclusive(self.home):
            release = self.home.serving()
            return release is not None and self.to(release, "restart", new=False, start=True)

    def to(self, release: Release, why: str, *, new: bool, start: bool) -> bool:
        """Switch to ``release``; its files are ``new``, or were in service before."""
        began, clock = time.time(), time.monotonic()
        before = self.home.serving()
        seconds = 3 * release.health_timeout + release.drain + (before.drain if before else 0) + _SPARE
        if new and release.migrate:
            seconds += 2 * release.migrate_timeout
        if any(release.data.values()):
            seconds += PREPARE
        handover = Handover(self.home, release, before, new=new, start=start, deadline=Deadline(seconds))
        try:
            handover.run()
        except RefusedError as refused:
            log = refused.log or handover.log()
            handover.take_down()
            self.refuse(release, before, str(refused), log)
            return False
        except BaseException as broken:  # such as a full disk, or Ctrl-C in apt
            what = f"{type(broken).__name__}: {broken}".rstrip(": ")
            with suppress(OSError):
                handover.take_down()
            self.refuse(release, before, f"the switch was interrupted: {what}", "")
            if not isinstance(broken, Exception):
                raise
            return False
        for line in handover.remarks:
            self.say(f"{self.home.package}: {line}")
        self.home.write_note(
            {
                "serving": release.version,
                "release": release.name,
                "from": before.version if before else "",
                "why": why,
                "at": int(began),
                "seconds": round(time.monotonic() - clock, 1),
            }
        )
        if why in {"install", "undo"}:  # a rollback adds no release, so it removes none
            self.home.prune(release.keep)
        return True

    def refuse(self, release: Release, before: Release | None, problem: str, log: str) -> None:
        """Print and note that ``release`` was refused, and why."""
        package, problem = self.home.package, printable(problem)
        if before is None:
            serves = "the service stays stopped"
        elif not (self.emperor.runs() or self.emperor.trial_runs()):
            serves = f"nothing is served: the service of {before.version} does not run"
        else:
            serves = (
                "it keeps serving" if before.name == release.name else f"{before.version} keeps serving"
            )
        self.say(f"{package}: {release.version} was refused; {serves}.")
        self.say(f"{package}: {problem}")
        for line in log.split("\n") if log else ():
            self.say(f"  | {line}")
        self.say(f"{package}: to retry: {sudo()}{package} rollback --undo")
        note = {key: value for key, value in self.home.note().items() if key != "refused"}
        note["refused"] = {
            "version": release.version,
            "release": release.name,
            "why": problem,
            "log": log,
            "at": int(time.time()),
        }
        self.home.write_note(note)


@contextmanager
def exclusive(home: Home) -> Iterator[None]:
    """Allow only one switch of an app at a time."""
    home.releases.mkdir(exist_ok=True)
    with (home.releases / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def announce(home: Home) -> None:
    """Publish the app's name in the network, and print the app's addresses."""
    with suppress(OSError, ValueError):
        address.publish(home)
        if where := address.printed(home):
            say(f"{home.package}: {where}")


def main(home: Home) -> int:
    """Run postinst's switch. Return 0 whatever the result, so that dpkg is never left half-configured."""
    try:
        if Switch(home).configure():
            announce(home)
    except BaseException as broken:
        what = printable(f"{type(broken).__name__}: {broken}")
        say(f"{home.package}: cannot serve the installed version: {what}", error=True)
        say(f"{home.package}: to retry: {sudo()}{home.package} rollback --undo", error=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(Home.of(Path(__file__))))
