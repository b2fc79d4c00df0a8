#!/usr/bin/python3 -IB
"""Puts a release of the app into service beside the one that runs; out again if it is not well.

Called by dpkg's postinst ('configure') and by the app's own command ('rollback'). Whatever happens to a
release, the one before it serves on; a step that was cut by a power loss is made again by the next call.
"""

from __future__ import annotations

import fcntl
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import task
from release import Home, Release, remove
from system_emperor import emperor_of

_SERVING = re.compile(r"^(socket|stats|logger) = .*\n", re.MULTILINE)
_DRAIN = 30.0  # seconds that a release is given to answer what it has


class RefusedError(Exception):
    """A release is not well; the message says why, ``log`` is the end of what it said."""

    def __init__(self, why: str, log: str = "") -> None:
        super().__init__(why)
        self.log = log


@dataclass
class Switch:
    """One switch, from the release that is served, if any, to another."""

    home: Home
    say: Callable[[str], None] = field(default=print)

    def __post_init__(self) -> None:
        self.emperor = emperor_of(self.home)

    def configure(self) -> bool:
        """Put what dpkg unpacked into service, and return whether it was well.

        A service that an admin has stopped stays so. The first release of all is left stopped if it is
        not well.
        """
        with exclusive(self.home):
            release, new = self.home.snapshot()
            stopped = self.home.serving() is not None and self.emperor.stopped()
            return self.to(release, "install", new=new, start=not stopped)

    def rollback(self, name: str) -> bool:
        """Put the release ``name``, which is on this machine, into service; empty means the one before.

        Raises ``LookupError``, which says what there is.
        """
        with exclusive(self.home):
            return self.to(self.earlier(name), "rollback", new=False, start=True)

    def undo(self) -> bool:
        """Put what dpkg installed back into service, after a rollback or after it was refused."""
        with exclusive(self.home):
            release, new = self.home.snapshot()
            return self.to(release, "undo", new=new, start=True)

    def earlier(self, name: str) -> Release:
        """Return the release that a rollback to ``name`` means. Raises ``LookupError``."""
        serving = self.home.serving()
        others = [one for one in self.home.known() if not serving or one.name != serving.name]
        found = [one for one in others if name in {"", one.name, one.version}]
        if not found:
            known = ", ".join(one.version for one in others) or "none"
            raise LookupError(
                f"there is no release {name or 'before this one'}; on this machine are: {known}"
            )
        return found[0]

    def to(self, release: Release, why: str, *, new: bool, start: bool) -> bool:
        """Switch to ``release``, the files of which are ``new`` or were in service before."""
        began, clock = time.time(), time.monotonic()
        before = self.home.serving()
        try:
            self.bring_up(release, before, new=new, start=start)
        except RefusedError as refused:
            log = refused.log or task.tail(self.emperor.log(began))
            self.take_down(release, before)
            self.refuse(release, before, str(refused), log)
            return False
        self.home.write_note(
            {
                "serving": release.version,
                "from": before.version if before else "",
                "why": why,
                "at": int(began),
                "seconds": round(time.monotonic() - clock, 1),
            }
        )
        self.home.prune(release.keep)
        return True

    def bring_up(self, release: Release, before: Release | None, *, new: bool, start: bool) -> None:
        """Try ``release``, start it beside ``before``, give it the requests. Raises ``RefusedError``."""
        again = before is not None and before.name == release.name
        if new:
            if release.server == "uwsgi":
                self.try_code(release)
            self.migrate(release)
        if not self.emperor.runs():
            if not start or not self.emperor.start(release):
                self.home.point(release)
                return
        elif not again:
            self.emperor.summon(release)
        elif new:
            self.emperor.reload(release)
        if problem := self.emperor.wait_well(release, release.health_timeout, settled=not new):
            raise RefusedError(problem)
        self.emperor.turn(release)
        self.home.point(release)
        self.emperor.restart_beside(release, before)
        self.reload_nginx(release, before)
        # The one before, and any that a switch left behind which was killed at this point.
        for other in self.home.known():
            if other.name != release.name and self.emperor.holds(other):
                self.emperor.drain(other, _DRAIN)
                self.emperor.dismiss(other)

    def try_code(self, release: Release) -> None:
        """Load the app once without serving it: what cannot be imported is seen here.

        Its socket is another than the vassal's, which may be that of the release that serves. Without any,
        uWSGI finds nothing wrong with an app that cannot be loaded.
        """
        text = release.vassal.read_text(encoding="utf-8")
        text = _SERVING.sub("", text).replace(
            "[uwsgi]\n", f"[uwsgi]\nsocket = {self.home.run}/try.sock\n", 1
        )
        trial = self.home.releases / ".try.ini"
        trial.write_text(text, encoding="utf-8")
        argv = ["/usr/bin/uwsgi-core", "--ini", str(trial), "--no-server"]
        status, said = task.as_app(self.home, release, argv, seconds=release.health_timeout)
        trial.unlink()
        if status:
            raise RefusedError("the app cannot be loaded", said)

    def migrate(self, release: Release) -> None:
        """Copy the databases, and run the command that prepares the data, if the release has one."""
        if not release.migrate:
            return
        copy = ["/usr/bin/python3", "-IB", str(self.home.lib / "libexec/backup.py"), str(self.home.data)]
        for problem, argv in (
            ("its databases could not be copied", copy),
            (f"'{release.migrate}' failed", ["/bin/sh", "-c", release.migrate]),
        ):
            status, said = task.as_app(self.home, release, argv, seconds=release.migrate_timeout)
            if status:
                raise RefusedError(problem, said)

    def take_down(self, release: Release, before: Release | None) -> None:
        """Take ``release`` out; what served ``before`` does so still."""
        if before is None:
            self.emperor.stop()
        elif before.name == release.name:
            return
        elif not self.emperor.holds(before):  # as when the service did not run, and was started for it
            self.emperor.start(before)
        self.emperor.dismiss(release)
        if not release.served:
            remove(release.folder)

    def refuse(self, release: Release, before: Release | None, problem: str, log: str) -> None:
        """Say and note that ``release`` was refused, and why."""
        serves = f"{before.version} serves on" if before else "the service is left stopped"
        self.say(f"{self.home.package}: {release.version} was refused, and {serves}.")
        self.say(f"{self.home.package}: {problem}")
        for line in log.splitlines():
            self.say(f"  | {line}")
        self.say(f"{self.home.package}: to try it again: sudo {self.home.package} rollback --undo")
        note = {key: value for key, value in self.home.note().items() if key != "refused"}
        note["refused"] = {"version": release.version, "why": problem, "log": log, "at": int(time.time())}
        self.home.write_note(note)

    def reload_nginx(self, release: Release, before: Release | None) -> None:
        """Let nginx read the release's part of the site, if it has changed and nothing else is broken."""
        if before and _texts(before.folder / "nginx") == _texts(release.folder / "nginx"):
            return
        tested = subprocess.run(
            ["/usr/sbin/nginx", "-t", "-q"], capture_output=True, text=True, check=False
        )
        if tested.returncode:
            self.say(f"{self.home.package}: nginx keeps its old configuration, as the new one is broken:")
            self.say("  | " + tested.stderr.strip().replace("\n", "\n  | "))
            return
        subprocess.run(
            ["systemctl", "try-reload-or-restart", "nginx.service"], capture_output=True, check=False
        )


@contextmanager
def exclusive(home: Home) -> Iterator[None]:
    """Let one switch of an app run at a time."""
    home.releases.mkdir(exist_ok=True)
    with (home.releases / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _texts(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*")}


def main(home: Home) -> int:
    """Do what postinst asks. Return 0 whatever became of it: dpkg is never left wedged."""
    try:
        Switch(home).configure()
    except (OSError, ValueError, KeyError) as broken:
        print(
            f"{home.package}: what was installed could not be put into service: {broken!r}", file=sys.stderr
        )
        print(f"{home.package}: to try it again: sudo {home.package} rollback --undo", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(Home.of(Path(__file__))))
