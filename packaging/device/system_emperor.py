"""Debian's own emperor (the package uwsgi-emperor), of which the app is one vassal among others."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

import probe
from emperor import Emperor
from probe import Instance
from release import Home, Release, write

_NAME = 40  # characters of a release that tell it from others; a path of a socket has 108 (unix(7))
_POLL = 0.1  # seconds
_LOOKED = 40.0  # seconds in which the emperor, which looks every three, and a vassal's workers are done
_VASSAL = """\
; The vassal of {0}, written anew at each switch of its releases.
; Options of this machine belong into /etc/{0}/vassal.ini.

[uwsgi]
set-placeholder = release={1}
set-placeholder = socket-path={2}
set-placeholder = stats-path={3}
; The variables that a unit of its own would give it.
ini = exec:///usr/bin/python3 -IB {4}/libexec/variables.py {1}
ini = {1}/vassals/web.ini
"""


@dataclass(frozen=True)
class SystemEmperor(Emperor):
    """The emperor that runs whatever stands in /etc/uwsgi-emperor/vassals, all of it as www-data.

    The app has one vassal there, on one socket: a switch lets it load another release in place.
    """

    @property
    def unit(self) -> str:
        """The service's name."""
        return "uwsgi-emperor.service"

    def stopped(self) -> bool:
        """Return False: who stops the service of all apps says nothing of this one."""
        return False

    def journal(self, release: Release | None) -> list[str]:
        """Return the options of journalctl(1) that choose what the app wrote, to syslog by its own name."""
        del release
        return [f"--identifier={self.home.package}"]

    @property
    def vassal(self) -> Path:
        """Where the app's one vassal stands for the emperor to see."""
        return self.home.root / "etc/uwsgi-emperor/vassals" / f"{self.home.package}.ini"

    def instance(self, release: Release, *, trial: bool = False) -> Instance:
        """Return where ``release`` is asked: all share one socket, each has statistics of its own."""
        del trial
        run = Path("/run") / self.home.package
        return Instance(release, self.unit, run / "web.sock", run / f"web-{release.name[-_NAME:]}.stats")

    def serving(self, release: Release) -> Instance:
        """Return the same for the release that is served."""
        return self.instance(release)

    def asleep(self, release: Release) -> bool:
        """Return False: its vassals do not sleep."""
        del release
        return False

    def summon(self, release: Release) -> None:
        """Let the vassal be of ``release``: it ends its requests, and new ones wait for that."""
        self.vassal.parent.mkdir(parents=True, exist_ok=True)
        text = self._text(release)
        if not self._is(text):
            write(self.vassal, text)
        if self.runs():
            self._loaded(release, _LOOKED)

    def reload(self, release: Release) -> None:
        """Let the vassal load its code again, and wait until it does: requests wait meanwhile."""
        instance = self.instance(release)
        before, deadline = probe.starts(instance), time.monotonic() + _LOOKED
        os.utime(self.vassal)
        while probe.starts(instance) == before and time.monotonic() < deadline:
            time.sleep(_POLL)

    def stop(self) -> None:
        """Let the emperor end the vassal."""
        self.vassal.unlink(missing_ok=True)

    def restart(self, drain: float = 0) -> bool:
        """Let the app load again, with its settings; return whether there is one that runs."""
        del drain
        serving = self.home.serving()
        if serving is None or not self._is(self._text(serving)) or not self.runs():
            return False
        self.reload(serving)
        return True

    def wait_healthy(self, instance: Instance, seconds: float, *, settled: bool = False) -> str:
        """Wait until it is loaded, and healthy: before that another release may answer on its socket.

        Returns why it is not within ``seconds``; empty if it is.
        """
        began = time.monotonic()
        if not self._loaded(instance.release, seconds):
            return "it was not loaded"
        return super().wait_healthy(instance, seconds - (time.monotonic() - began), settled=settled)

    def turn(self, instance: Instance) -> None:
        """Remove what the vassal left of other releases; nginx leads to it already."""
        for stats in self.home.run.glob("web-*.stats"):
            if stats.name != instance.stats.name:
                stats.unlink()

    def _text(self, release: Release) -> str:
        instance = self.instance(release)
        return _VASSAL.format(release.package, release.folder, instance.sock, instance.stats, self.home.lib)

    def _is(self, text: str) -> bool:
        return self.vassal.exists() and self.vassal.read_text(encoding="utf-8") == text

    def _loaded(self, release: Release, seconds: float) -> bool:
        """Return whether workers of ``release`` are there within ``seconds``."""
        deadline = time.monotonic() + seconds
        while not probe.starts(self.instance(release)):
            if time.monotonic() > deadline:
                return False
            time.sleep(_POLL)
        return True


def emperor_of(home: Home) -> Emperor:
    """Return the emperor of the app in ``home``, as what is installed has it."""
    return SystemEmperor(home) if home.installed().emperor == "system" else Emperor(home)
