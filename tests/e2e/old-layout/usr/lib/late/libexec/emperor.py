"""The app's emperor, as seen by who switches its vassals."""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import probe
from release import Home, Release, replace_link

_POLL = 0.1  # seconds
_GONE = 40.0  # seconds that a vassal is given to end, which is more than it gives its workers
_SETTLED = 3.0  # seconds for which a new release must stay well before it gets a request
_LINES = 2000  # of the journal are looked through for what went wrong
_OPEN = 10.0  # seconds in which connections to a web server of the app's own may end before it is told to
_IDLE = 0.5  # seconds without a request, after which a release that was left has nothing to do any more


@dataclass(frozen=True)
class Emperor:
    """The running service of an app."""

    home: Home

    @property
    def unit(self) -> str:
        """The service's name."""
        return f"{self.home.package}.service"

    def runs(self) -> bool:
        """Return whether the service is active."""
        return state(self.unit) in {"active", "reloading"}

    def stopped(self) -> bool:
        """Return whether an admin has stopped the service."""
        return state(self.unit) == "inactive"

    def journal(self, release: Release | None) -> list[str]:
        """Return the options of journalctl(1) that choose what the app wrote, ``release`` being served."""
        return [f"--unit={unit}" for unit in (self.unit, *(release.commands if release else ()))]

    def holds(self, release: Release) -> bool:
        """Return whether ``release`` is a vassal."""
        return self.link(release).is_symlink()

    def link(self, release: Release) -> Path:
        """Return where the vassal of ``release`` stands for the emperor to see."""
        return self.home.run / "vassals" / f"web-{release.name}.ini"

    def holder(self, release: Release) -> Path:
        """Return the file by which the emperor knows that it is to hold the socket of ``release``."""
        return self.link(release).with_name(f"{self.link(release).name}.socket")

    def summon(self, release: Release) -> None:
        """Let the emperor start the vassal of ``release``, beside whatever runs."""
        self.link(release).parent.mkdir(parents=True, exist_ok=True)
        if release.sleeps:  # the emperor looks for it once, when it meets the vassal
            replace_link(self.holder(release), str(release.holder))
        replace_link(self.link(release), str(release.vassal))
        self.wake()

    def reload(self, release: Release) -> None:
        """Let the vassal of ``release`` load its code again; requests wait meanwhile."""
        os.utime(self.link(release), follow_symlinks=False)
        self.wake()

    def dismiss(self, release: Release) -> None:
        """Let the emperor end the vassal of ``release``: it answers what it has, then goes.

        One that never served owes no answer, and may hang: it is not waited for.
        """
        hanging = [] if release.served else self.processes(release)
        self.link(release).unlink(missing_ok=True)
        self.holder(release).unlink(missing_ok=True)
        self.wake()
        for pid in hanging:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + _GONE
        while self.listens(release) and time.monotonic() < deadline:
            time.sleep(_POLL)
        release.socket("sock").unlink(missing_ok=True)  # an emperor leaves the one that it made

    def processes(self, release: Release) -> list[int]:
        """Return the process ids of the vassal of ``release``, its master first; none but the app's own."""
        master = probe.master(release)
        with suppress(OSError, KeyError):
            user = pwd.getpwnam(release.user).pw_uid
            found = [master, *probe.below(master)]
            return [pid for pid in found if Path(f"/proc/{pid}").stat().st_uid == user]
        return []

    def start(self, release: Release) -> bool:
        """Start the service with ``release``; return whether it runs then.

        It does not where there is no systemd, and where an admin forbade it (policy-rc.d, a mask).
        """
        trying = self.home.run / "trying"
        trying.parent.mkdir(parents=True, exist_ok=True)
        replace_link(trying, str(release.folder))
        try:
            if Path("/run/systemd/system").is_dir():
                _run("deb-systemd-invoke", "restart", self.unit)
            return self.runs()
        finally:
            trying.unlink(missing_ok=True)

    def stop(self) -> None:
        """Stop the service."""
        _systemctl("stop", self.unit)

    def restart(self) -> bool:
        """Let the processes of the app start again, with its settings; return whether that went well."""
        return subprocess.run(["systemctl", "restart", self.unit], check=False).returncode == 0

    def restart_beside(self, release: Release, before: Release | None) -> None:
        """Let the workers and timers be those of ``release``, and not of the one ``before`` it."""
        old = {*before.beside, *before.commands} if before else set[str]()
        if gone := sorted(old - {*release.beside, *release.commands}):
            _systemctl("stop", *gone)
            _systemctl("reset-failed", *gone)  # a timer that was due while dpkg had removed its unit
        if release.beside:
            _systemctl("restart", *release.beside)

    def wake(self) -> None:
        """Let the emperor look now, and forget for how long a vassal that failed was to wait."""
        _systemctl("kill", "--signal=SIGURG", "--kill-whom=main", self.unit)

    def log(self, since: float) -> str:
        """Return what the service wrote since then (seconds since the epoch), which may be much."""
        _run("journalctl", "--sync")
        words = [
            "journalctl",
            f"--unit={self.unit}",
            f"--since=@{int(since)}",
            "--output=cat",
            f"--lines={_LINES}",
        ]
        return _run(*words, "--no-pager", "--quiet")

    def listens(self, release: Release) -> bool:
        """Return whether a vassal of ``release``, or the emperor for it, holds its socket."""
        try:
            table = Path(f"/proc/{self.pid()}/net/unix").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return False
        return any(line.endswith(f" {release.socket('sock')}") for line in table.splitlines())

    def asleep(self, release: Release) -> bool:
        """Return whether ``release`` runs no process until the next request."""
        if not release.sleeps:
            return False
        pid = self.pid()
        try:
            return not Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
        except OSError:  # it does not run at all
            return False

    def pid(self) -> str:
        """Return the process id of the emperor, 0 if it does not run (proc(5))."""
        return _run("systemctl", "show", "--property=MainPID", "--value", self.unit).strip() or "0"

    def wait_well(self, release: Release, seconds: float, *, settled: bool = False) -> str:
        """Wait until ``release`` is well, and stays so for a while unless it is ``settled`` already.

        Returns why it did not within ``seconds``; empty if it did.
        """
        settle = 0.0 if settled else _SETTLED
        deadline = time.monotonic() + seconds
        well_since, why, died = 0.0, "it was not asked", False
        starts: tuple[int, ...] = ()
        while True:
            page = probe.page(release, timeout=max(deadline - time.monotonic(), 1.0))
            pids = probe.starts(release)
            now = time.monotonic()  # an answer may have waited for a worker that was started again
            gone = bool(pids and set(starts) - {0} - set(pids))
            died, starts = died or gone, pids or starts
            if not page.healthy:
                well_since, why = 0.0, f"{release.health} {page.describe()}"
            elif gone or not well_since:
                well_since = now
            elif now - well_since >= settle:
                return ""
            if now > deadline + (settle if well_since else 0):
                return "its workers die soon after their start" if died else why
            time.sleep(_POLL)

    def turn(self, release: Release) -> None:
        """Let nginx's next connections go to ``release``."""
        replace_link(self.home.run / release.way.name, release.socket("sock").name)

    def drain(self, release: Release, seconds: float) -> None:
        """Wait until ``release``, which gets no new connections, has answered those that it has.

        A websocket may last for days, and there are servers that cut what they have when they are told to
        end: what is still open after some seconds is left to them.
        """
        began = idle_since = time.monotonic()
        while time.monotonic() < began + seconds:
            lasts = time.monotonic() < began + _OPEN and probe.connected(release)
            if lasts or probe.busy(release):
                idle_since = time.monotonic()
            elif time.monotonic() - idle_since > _IDLE:
                return
            time.sleep(_POLL)


def state(unit: str) -> str:
    """Return the state of a unit, such as ``active`` or ``failed``; empty where systemd does not run."""
    if not Path("/run/systemd/system").is_dir():
        return ""
    return _run("systemctl", "show", "--property=ActiveState", "--value", unit).strip()


def _systemctl(*words: str) -> None:
    if Path("/run/systemd/system").is_dir():
        _run("systemctl", *words)


def _run(*argv: str) -> str:
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout
