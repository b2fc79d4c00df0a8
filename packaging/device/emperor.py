"""The app's own service, with the operations that a switch of releases needs."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass

import call
import probe
import sandbox
from call import Deadline, systemctl
from durable import flush, replace_link
from probe import Instance
from release import Home, Release
from text import tail

_POLL = 0.1  # seconds
_SETTLED = 3.0  # seconds for which a new release must stay healthy before it gets a request
_LINES = 500  # lines of the journal to search for a problem
_OPEN = 10.0  # seconds for open connections to a web server of the app's own, before it is stopped
_IDLE = 0.5  # seconds without a request after which a replaced release has nothing left to do
_START = 90.0  # seconds for systemd to start an emperor, which loads no app itself
# If the machine is busy, systemd 257 does not see that a process with PrivatePIDs= is its own. It then
# sends SIGKILL immediately after SIGTERM.
_EXEC_STOP = (
    "+/usr/bin/sh -c 'kill $MAINPID; "
    "timeout {seconds:.0f} tail --pid=$MAINPID -s 0.1 -f /dev/null || kill -KILL $MAINPID'"
)
_STOP = 30.0  # seconds beyond ``drain`` after which everything in a unit has ended


@dataclass(frozen=True)
class Emperor:
    """The service of an app, and a second service in which a new release is tried."""

    home: Home

    @property
    def unit(self) -> str:
        """The service's name."""
        return f"{self.home.package}.service"

    @property
    def trial_unit(self) -> str:
        """The name of the service in which a release is tried; no worker can have this name."""
        return f"{self.home.package}.next.service"

    def runs(self) -> bool:
        """Return whether the service is active."""
        return call.state(self.unit) in {"active", "reloading"}

    def stopped(self) -> bool:
        """Return whether an admin has stopped the service."""
        return call.state(self.unit) == "inactive"

    def journal(self, release: Release | None) -> list[str]:
        """Return the options of journalctl(1) that select the app's output, while ``release`` is served."""
        units = (self.unit, self.trial_unit, *(release.commands if release else ()))
        return [f"--unit={unit}" for unit in units]

    def instance(self, release: Release, *, trial: bool = False) -> Instance:
        """Return where to send requests to ``release``: to the service, or to that of the ``trial``."""
        folder = self.home.run / "sockets" / ("next" if trial else "web")
        unit = self.trial_unit if trial else self.unit
        return Instance(release, unit, folder / "app.sock", folder / "app.stats")

    def serving(self, release: Release) -> Instance:
        """Return the instance to which nginx sends the requests for ``release``, the served one.

        nginx follows a link that only root can change. It leads to a socket of the app's service, or, after
        an interrupted switch, to one of the trial's service. If an older version of the package started the
        service, the socket is in the folder of the link.
        """
        try:
            target = (self.home.run / release.link).readlink()
        except OSError:
            return self.instance(release)
        if target.parent.name == "next":
            return self.instance(release, trial=True)
        if len(target.parts) == 1:
            sock = self.home.run / target.name
            return Instance(release, self.unit, sock, sock.with_suffix(".stats"))
        return self.instance(release)

    def start_trial(self, release: Release, deadline: Deadline) -> str:
        """Start ``release`` in a service and a sandbox of its own; return why that failed, or nothing."""
        self.stop_trial(0)
        boot = str(self.home.lib / "libexec/boot")
        status, output = call.call(boot, self.home.package, "next", str(release.folder), errors=True)
        if status:
            return tail(output) or "its folders could not be made"
        vassals = self.home.run / "vassals-next"
        sandbox.put(self.home, release, self.trial_unit, trial=True, more=sandbox.unseen())
        status, output = call.call(
            *("systemd-run", "--quiet", f"--unit={self.trial_unit}", "--collect"),
            *(f"--description=A release of {self.home.package} on trial", "--service-type=exec"),
            *("--property=KillMode=mixed", "--property=Restart=always", "--property=RestartSec=1s"),
            f"--property=TimeoutStopSec={release.drain + _STOP:.0f}",
            f"--property=ExecStop={_EXEC_STOP.format(seconds=release.drain + _STOP - 5)}",
            *("--", "/usr/bin/uwsgi-core", "--ini", str(vassals / "emperor"), "--emperor", str(vassals)),
            seconds=deadline.left(_START),
            errors=True,
        )
        return (tail(output) or "its service does not start") if status else ""

    def stop_trial(self, drain: float) -> None:
        """End the service of the trial with all its processes, after ``drain`` seconds at most."""
        if call.state(self.trial_unit) not in {"", "inactive"}:
            if not drain:
                systemctl("kill", "--signal=SIGKILL", self.trial_unit)
            self._end(self.trial_unit, seconds=drain + 2 * _STOP)
            systemctl("reset-failed", self.trial_unit)
        sandbox.remove(self.home, self.trial_unit)
        shutil.rmtree(self.home.run / "vassals-next", ignore_errors=True)
        # An emperor leaves the socket of a sleeping app. find(1) deletes by directory descriptors.
        if (sockets := self.home.run / "sockets/next").is_dir():
            call.call("find", str(sockets), "-mindepth", "1", "-delete")

    def trial_runs(self) -> bool:
        """Return whether the service of the trial is active."""
        return call.state(self.trial_unit) in {"active", "reloading"}

    def start(self, release: Release) -> bool:
        """Start the service with ``release``, before that one is served; return whether it runs.

        It does not run without systemd, or if an admin has forbidden it (policy-rc.d, a mask).
        """
        trying = self.home.run / "trying"
        trying.parent.mkdir(parents=True, exist_ok=True)
        replace_link(trying, str(release.folder))
        try:
            if call.systemd_runs():
                call.call("deb-systemd-invoke", "restart", self.unit, seconds=_START + _STOP)
            return self.runs()
        finally:
            trying.unlink(missing_ok=True)

    def stop(self) -> None:
        """Stop the service."""
        self._end(self.unit, seconds=2 * _STOP + _START)

    def restart(self, drain: float = _STOP) -> bool:
        """Restart the processes of the app, with its current settings; return whether that worked."""
        status, _ = systemctl("restart", self.unit, seconds=drain + _START + _STOP)
        if status == call.TIMED_OUT:
            if call.state(self.unit) == "deactivating":
                systemctl("kill", "--signal=SIGKILL", self.unit)
            # This joins the restart, if that continues.
            status, _ = systemctl("start", self.unit, seconds=_START)
        return status == 0

    def _end(self, *units: str, seconds: float) -> None:
        """Stop ``units`` within ``seconds``; then kill all of their processes."""
        if systemctl("stop", *units, seconds=seconds)[0] == call.TIMED_OUT:
            systemctl("kill", "--signal=SIGKILL", *units)
            systemctl("stop", *units, seconds=_STOP)

    def reload_units(self) -> None:
        """Reload systemd, which then uses the units of the release that ``current`` leads to."""
        systemctl("daemon-reload", seconds=_START)

    def start_beside(self, release: Release) -> list[str]:
        """Start the workers and timers of ``release``; return the failed ones.

        The workers were restarted with the service, because they are part of it.
        """
        if not release.beside:
            return []
        systemctl("start", *release.beside, seconds=_START)
        time.sleep(1.0)  # to notice a unit that ends immediately
        return [unit for unit in release.beside if call.state(unit) not in {"active", "reloading"}]

    def end_jobs(self, release: Release, seconds: float) -> None:
        """End the jobs that timers of ``release`` are running, after ``seconds`` at most."""
        deadline = time.monotonic() + seconds
        jobs = [f"{self.home.package}-{name}.service" for name in release.timers]
        while (running := [job for job in jobs if _runs(job)]) and time.monotonic() < deadline:
            time.sleep(_POLL)
        for job in running:
            self._end(job, seconds=_STOP)

    def end_beside(self, before: Release, after: Release, seconds: float) -> None:
        """End the jobs that timers of ``before`` run, and its units that ``after`` does not have.

        Jobs get ``seconds`` to finish. They must end, because they may see the folder in which ``after``
        will listen, and because their files will be removed.
        """
        self.end_jobs(before, seconds)
        gone = {*before.beside, *before.commands} - {*after.beside, *after.commands}
        # Timers before their services, and one by one: if one of several is not loaded, newer systemds stop
        # none of them.
        for unit in sorted(gone, reverse=True):
            self._end(unit, seconds=_START + _STOP)
            systemctl("reset-failed", unit)  # for a timer that was due while dpkg had removed its unit

    def log(self, unit: str, since: float) -> str:
        """Return the end of the output of ``unit`` since ``since`` (seconds since the epoch)."""
        call.call("journalctl", "--sync", seconds=5.0)
        words = (f"--unit={unit}", f"--since=@{int(since)}", "--output=cat", f"--lines={_LINES}")
        return call.call("journalctl", *words, "--no-pager", "--quiet", seconds=10.0)[1]

    def asleep(self, release: Release) -> bool:
        """Return whether ``release`` runs no process until the next request."""
        return release.sleeps and len(probe.processes(self.serving(release).unit)) == 1

    def wait_healthy(self, instance: Instance, seconds: float, *, settled: bool = False) -> str:
        """Wait until ``instance`` is healthy, and stays so for a while unless it is ``settled`` already.

        Returns why it is not healthy within ``seconds``; empty if it is.
        """
        settle = 0.0 if settled else _SETTLED
        deadline = time.monotonic() + seconds
        healthy_since, why, died = 0.0, "it was not asked", False
        starts: tuple[int, ...] = ()
        while True:
            page = probe.page(instance, timeout=max(deadline - time.monotonic(), 1.0))
            pids = probe.starts(instance)
            now = time.monotonic()  # the answer may have waited for the restart of a worker
            gone = bool(pids and set(starts) - {0} - set(pids))
            died, starts = died or gone, pids or starts
            if not page.healthy:
                healthy_since, why = 0.0, f"{instance.release.health} {page.describe()}"
            elif gone or not healthy_since:
                healthy_since = now
            elif now - healthy_since >= settle:
                return ""
            if now > deadline + (settle if healthy_since else 0):
                # A request may have waited all the time, for one worker after the other.
                died = died or (instance.release.server != "command" and probe.restarted(instance))
                return "its workers die soon after they start" if died else why
            time.sleep(_POLL)

    def turn(self, instance: Instance) -> None:
        """Direct nginx's next connections to ``instance``."""
        link = self.home.run / instance.release.link
        replace_link(link, str(instance.sock.relative_to(self.home.run)))
        flush(link.parent)

    def drain(self, instance: Instance, seconds: float) -> None:
        """Wait until ``instance``, which gets no new connections, has answered its open ones.

        A websocket may last for days, and some servers cut their open connections when they stop. So this
        waits only some seconds for them.
        """
        began = idle_since = time.monotonic()
        while time.monotonic() < began + seconds:
            lasts = time.monotonic() < began + _OPEN and probe.connected(instance)
            if lasts or probe.busy(instance):
                idle_since = time.monotonic()
            elif time.monotonic() - idle_since > _IDLE:
                return
            time.sleep(_POLL)


def _runs(job: str) -> bool:
    """Return whether processes of ``job``, which a timer starts, may exist."""
    return call.state(job) not in {"", "inactive", "failed"}
