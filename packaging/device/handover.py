"""The steps by which one release replaces another; if a step fails, the old release is served again.

A separate service, ``APP.next.service``, first runs the new release, with the sandbox and settings of the
new release's unit. While that service gets the requests, the app's service restarts with the new release.
So a service always answers, and all processes of the old release end. The old release takes no part in the
check whether the new one is healthy.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import call
import visit
from call import Deadline
from nginx_site import Site
from person import sudo
from preparation import Preparation, RefusedError
from probe import Instance
from release import Home, Release, remove
from system_emperor import SystemEmperor, emperor_of
from text import tail

_FORBIDDEN = 101  # from policy-rc.d: the action is not allowed


@dataclass
class Handover:
    """The way of ``release`` into service, in the place of ``before``."""

    home: Home
    release: Release
    before: Release | None
    new: bool
    """True if it has never been served."""
    start: bool
    """True if the service is started when it does not run."""
    deadline: Deadline
    remarks: list[str] = field(default_factory=list)
    """Remarks for the admin, although the handover succeeded."""

    def __post_init__(self) -> None:
        self.emperor = emperor_of(self.home)
        self.site = Site(self.home)
        self.old = self.emperor.serving(self.before) if self.before else None
        self.began = time.time()
        self.tried = self.emperor.unit
        """The unit whose journal explains a failure."""
        self._preparation = Preparation(
            self.home, self.release, self.deadline, self.remarks, first=self.before is None
        )

    def run(self) -> None:
        """Run all steps. Raises ``RefusedError``."""
        if not call.systemd_runs() or self._forbidden():
            with suppress(OSError):  # otherwise the first start creates them
                self._preparation.seed()
            self.home.point(self.release)  # nothing can be checked here; the first start will
            self._put_site()
            return
        again = self.before is not None and self.before.name == self.release.name
        if self.before and not isinstance(self.emperor, SystemEmperor) and not self.emperor.runs():
            # Its owner has stopped it, perhaps because someone has broken into it. A timer's job could
            # still end the processes of every release that is tried.
            self.emperor.end_jobs(self.before, 0)
        self._preparation.seed()
        if self.new:
            self._preparation.run()
        if problem := self.site.problem(self.release):
            raise RefusedError("nginx refuses its site", problem)
        if isinstance(self.emperor, SystemEmperor):
            self._in_place(self.emperor, again=again)
        elif again and not self.new:
            self._again()
        elif self.before is None:
            self._first()
        else:
            self._beside()

    def take_down(self) -> None:
        """Restore the previous state; the release ``before`` is still served."""
        if isinstance(self.emperor, SystemEmperor):
            self._back_in_place(self.emperor)
        elif self.before is None:
            self.emperor.stop()
            self.emperor.end_beside(self.release, self.release, 0)
        elif self.before.name != self.release.name:
            serving = self.home.serving()
            if serving and serving.name == self.release.name:  # interrupted when it was served already
                if not self._go_back():
                    return
            elif self.old and self.emperor.runs():
                self.emperor.turn(self.old)
            if not self._trial_serves():
                self.emperor.stop_trial(0)
        if not self.release.served and not (self.before and self.before.name == self.release.name):
            remove(self.release.folder)

    def log(self) -> str:
        """Return the end of the release's output since the switch started."""
        return tail(self.emperor.log(self.tried, self.began))

    def _forbidden(self) -> bool:
        """Return whether policy-rc.d forbids starting services here, or the admin masked this one."""
        if Path("/usr/sbin/policy-rc.d").exists():
            status, _ = call.call("/usr/sbin/policy-rc.d", self.emperor.unit, "start")
            if status == _FORBIDDEN:
                return True
        return call.shown(self.emperor.unit, "LoadState") == "masked"

    def _healthy(self, instance: Instance, *, settled: bool) -> None:
        self.tried = instance.unit
        seconds = self.deadline.left(self.release.health_timeout)
        if problem := self.emperor.wait_healthy(instance, seconds, settled=settled):
            raise RefusedError(problem)

    def _put_site(self) -> None:
        self.remarks += self.site.put_aside()
        if problem := self.site.put(self.release, self.before):
            self.remarks += [
                "nginx keeps its old configuration because the new one is broken:",
                *problem.split("\n"),
                f"correct that file, then: {visit.reload()}",
            ]

    def _first(self) -> None:
        """Serve the first release of all, which replaces nothing."""
        if not self.emperor.start(self.release):
            raise RefusedError("its service does not start")
        instance = self.emperor.instance(self.release)
        self._healthy(instance, settled=False)
        self.emperor.turn(instance)
        self.home.point(self.release)
        self.emperor.reload_units()
        self._put_site()
        self._start_beside()

    def _again(self) -> None:
        """Check a release that is served already, for example after an interrupted switch."""
        if self.emperor.trial_runs():
            self._settle_in()
            return
        if not self.emperor.runs():
            if not self.start:
                self._put_site()
                return
            if not self.emperor.start(self.release):
                raise RefusedError("its service does not start")
        instance = self.emperor.instance(self.release)
        if self.old and self.old.unit == self.emperor.unit:
            instance = self.old
        self._healthy(instance, settled=True)
        self.emperor.turn(instance)
        self._put_site()
        self._start_beside()

    def _beside(self) -> None:
        """Try the release beside the one that is served, then replace that one."""
        self._settle()
        trial = self.emperor.instance(self.release, trial=True)
        self.tried = trial.unit
        if problem := self.emperor.start_trial(self.release, self.deadline):
            raise RefusedError("its service does not start", problem)
        self._healthy(trial, settled=not self.new)
        if not self.emperor.runs() and not self.start:
            self.emperor.stop_trial(0)
            self.home.point(self.release)
            self.emperor.reload_units()
            self._end_beside()
            self._put_site()
            return
        self.emperor.turn(trial)
        self.home.point(self.release)
        self._put_site()
        self.emperor.reload_units()
        self._settle_in()

    def _settle_in(self) -> None:
        """Restart the app's service with the release; the trial's service answers requests until then.

        Before that, all other processes of the previous release end. One that sees the sockets of the
        service could listen in its place.
        """
        trial = self.emperor.instance(self.release, trial=True)
        drain = self.before.drain if self.before else 0
        self._end_beside()
        if self.old and self.old.unit == self.emperor.unit and self.emperor.runs():
            self.emperor.drain(self.old, self.deadline.left(drain))
        instance = self.emperor.instance(self.release)
        try:
            self._restart(instance, drain)
        except RefusedError as refused:
            refused.log = refused.log or self.log()
            if self._go_back():
                raise
            self.remarks.append(f"{trial.unit} serves it because {instance.unit} failed: {refused}")
            return
        self.emperor.turn(instance)
        self.emperor.drain(trial, self.deadline.left(self.release.drain))
        self.emperor.stop_trial(self.release.drain)
        self._start_beside()

    def _restart(self, instance: Instance, drain: float) -> None:
        self.tried = instance.unit
        if not self.emperor.restart(drain):
            raise RefusedError("its service does not start")
        self._healthy(instance, settled=True)

    def _trial_serves(self) -> bool:
        """Return whether the service of an earlier trial still serves the previous release."""
        emperor = self.emperor
        return (
            not isinstance(emperor, SystemEmperor)
            and self.old is not None
            and self.old.unit == emperor.trial_unit
        )

    def _settle(self) -> None:
        """Serve the previous release from the app's own service, because the trial's is needed now.

        The new release is tried even if that fails: a broken-into app could otherwise keep it out.
        """
        if self.before is None or not self._trial_serves():
            return
        self.old = self.emperor.instance(self.before)
        self.emperor.restart(self.before.drain)
        if not self.emperor.wait_healthy(self.old, self.before.health_timeout, settled=True):
            self.emperor.turn(self.old)

    def _go_back(self) -> bool:
        """Serve the previous release again, from the app's service: the new one is healthy only on trial.

        Returns whether that worked; if not, the trial keeps the requests.
        """
        if self.before is None or self.before.name == self.release.name:
            return False
        self.home.point(self.before)
        self.emperor.reload_units()
        self.emperor.end_beside(self.release, self.before, 0)
        instance = self.emperor.instance(self.before)
        self.emperor.restart(self.before.drain)
        if self.emperor.wait_healthy(instance, self.before.health_timeout, settled=True):
            self.home.point(self.release)
            self.emperor.reload_units()
            return False
        self.emperor.turn(instance)
        self.old = instance
        self.site.put(self.before, self.release)
        return True

    def _end_beside(self) -> None:
        """End the previous release's jobs, and its units that the new one lacks."""
        if self.before:
            self.emperor.end_beside(self.before, self.release, self.deadline.left(self.before.drain))

    def _start_beside(self) -> None:
        for unit in self.emperor.start_beside(self.release):
            self.remarks.append(f"{unit} stops soon after it starts: {sudo()}journalctl -u {unit}")

    def _in_place(self, emperor: SystemEmperor, *, again: bool) -> None:
        """Load the release with Debian's emperor, in the place of the previous one."""
        if not emperor.runs() or not self.start or not again:
            emperor.summon(self.release)
        elif self.new:
            emperor.reload(self.release)
        if emperor.runs():
            self._healthy(emperor.instance(self.release), settled=not self.new)
        emperor.turn(emperor.instance(self.release))
        self.home.point(self.release)
        self._put_site()

    def _back_in_place(self, emperor: SystemEmperor) -> None:
        if self.before is None:
            emperor.stop()
        elif self.before.name != self.release.name:
            emperor.summon(self.before)
            emperor.wait_healthy(emperor.instance(self.before), self.before.health_timeout, settled=True)
