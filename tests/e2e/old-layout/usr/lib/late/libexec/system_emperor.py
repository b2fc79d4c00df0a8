"""Debian's own emperor (the package uwsgi-emperor), of which the app is one vassal among others."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

import probe
from emperor import Emperor
from release import Home, Release

_POLL = 0.1  # seconds
_LOOKED = 40.0  # seconds in which the emperor, which looks every three, and a vassal's workers are done
_VASSAL = """\
; The vassal of {0}, written anew at each switch of its releases.
; Options of this machine belong into /etc/{0}/vassal.ini.

[uwsgi]
ini = {1}
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

    def link(self, release: Release) -> Path:
        """Return the same for any ``release``."""
        del release
        return self.vassal

    def holds(self, release: Release) -> bool:
        """Return whether it is ``release`` that the vassal is of."""
        return self.vassal.exists() and self.vassal.read_text(encoding="utf-8") == _vassal(release)

    def summon(self, release: Release) -> None:
        """Let the vassal be of ``release``: it ends its requests, and new ones wait for that."""
        self.vassal.parent.mkdir(parents=True, exist_ok=True)
        new = self.vassal.with_name(f".{self.vassal.name}.new")
        new.write_text(_vassal(release), encoding="utf-8")
        new.replace(self.vassal)

    def reload(self, release: Release) -> None:
        """Let the vassal load its code again, and wait until it does: requests wait meanwhile."""
        before, deadline = probe.starts(release), time.monotonic() + _LOOKED
        os.utime(self.vassal)
        while probe.starts(release) == before and time.monotonic() < deadline:
            time.sleep(_POLL)

    def dismiss(self, release: Release) -> None:
        """Let the emperor end the vassal, if it is of ``release``."""
        if self.holds(release):
            self.stop()

    def start(self, release: Release) -> bool:
        """Let the vassal be of ``release``; return whether the emperor runs, and then wait until it is."""
        self.summon(release)
        runs = self.runs()
        if runs:
            self._loaded(release, _LOOKED)
        return runs

    def stop(self) -> None:
        """Let the emperor end the vassal."""
        self.vassal.unlink(missing_ok=True)

    def restart(self) -> bool:
        """Let the app load again, with its settings; return whether there is one that runs."""
        serving = self.home.serving()
        if serving is None or not self.holds(serving) or not self.runs():
            return False
        self.reload(serving)
        return True

    def wait_well(self, release: Release, seconds: float, *, settled: bool = False) -> str:
        """Wait until ``release`` is loaded, and well: before that another one may answer on its socket.

        Returns why it is not within ``seconds``; empty if it is.
        """
        began = time.monotonic()
        if not self._loaded(release, seconds):
            return "it was not loaded"
        return super().wait_well(release, seconds - (time.monotonic() - began), settled=settled)

    def turn(self, release: Release) -> None:
        """Remove what the vassal left of other releases; nginx leads to it already."""
        for stats in self.home.run.glob("web-*.stats"):
            if stats.name != release.socket("stats").name:
                stats.unlink()

    def _loaded(self, release: Release, seconds: float) -> bool:
        """Return whether workers of ``release`` are there within ``seconds``."""
        deadline = time.monotonic() + seconds
        while not probe.starts(release):
            if time.monotonic() > deadline:
                return False
            time.sleep(_POLL)
        return True


def emperor_of(home: Home) -> Emperor:
    """Return the emperor of the app in ``home``, as what is installed has it."""
    return SystemEmperor(home) if home.installed().emperor == "system" else Emperor(home)


def _vassal(release: Release) -> str:
    return _VASSAL.format(release.package, release.vassal)
