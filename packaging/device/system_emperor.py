"""Debian's own emperor (the package uwsgi-emperor), with the app as one vassal among others."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import probe
from durable import write
from emperor import Emperor
from probe import Instance
from release import Home, Release

_NAME = 40  # characters of a release that identify it; a path of a socket has at most 108 (unix(7))
_POLL = 0.1  # seconds
_LOOKED = 40.0  # seconds for the emperor, which looks every three, and for a vassal's workers
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
    """The emperor that runs all vassals in /etc/uwsgi-emperor/vassals, as www-data.

    The app has one vassal there, on one socket: a switch makes it load another release in place.
    """

    @property
    def unit(self) -> str:
        """The service's name."""
        return "uwsgi-emperor.service"

    def stopped(self) -> bool:
        """Return False: stopping the service of all apps is not a decision about this one."""
        return False

    def journal(self, release: Release | None) -> list[str]:
        """Return the options of journalctl(1) that select the app's output, in syslog by its name."""
        del release
        return [f"--identifier={self.home.package}"]

    @property
    def vassal(self) -> Path:
        """The path of the app's one vassal, where the emperor finds it."""
        return self.home.root / "etc/uwsgi-emperor/vassals" / f"{self.home.package}.ini"

    def instance(self, release: Release, *, trial: bool = False) -> Instance:
        """Return where to send requests to ``release``: all share one socket, but not their statistics."""
        del trial
        run = Path("/run") / self.home.package
        return Instance(release, self.unit, run / "web.sock", run / f"web-{release.name[-_NAME:]}.stats")

    def serving(self, release: Release) -> Instance:
        """Return the same for the release that is served."""
        return self.instance(release)

    def asleep(self, release: Release) -> bool:
        """Return False, because its vassals do not sleep."""
        del release
        return False

    def summon(self, release: Release) -> None:
        """Make the vassal load ``release``: it finishes its requests first, while new ones wait."""
        self.vassal.parent.mkdir(parents=True, exist_ok=True)
        if self._is_deaf(release):
            self._end_vassal()
        text = self._text(release)
        if not self._is(text):
            write(self.vassal, text)
        if self.runs():
            self._loaded(release, _LOOKED)

    def reload(self, release: Release) -> None:
        """Reload the vassal's code, and wait until it is loaded; requests wait in the meantime."""
        instance = self.instance(release)
        if self._is_deaf(release):
            self.summon(release)
            return
        before, deadline = probe.starts(instance), time.monotonic() + _LOOKED
        os.utime(self.vassal)
        while probe.starts(instance) == before and time.monotonic() < deadline:
            time.sleep(_POLL)

    def _is_deaf(self, release: Release) -> bool:
        """Return whether a vassal runs whose socket has lost its name, so that nginx cannot find it.

        A vassal that loads another release keeps its socket, and never gives it a name again. The app
        can remove that name, and a package that was removed and installed within seconds has none either.
        """
        return self.runs() and not self.instance(release).sock.is_socket() and self._lives()

    def _end_vassal(self) -> None:
        """Make the emperor end the vassal, and wait until its processes are gone."""
        self.vassal.unlink(missing_ok=True)
        deadline = time.monotonic() + _LOOKED
        while self._lives() and time.monotonic() < deadline:
            time.sleep(_POLL)

    def _lives(self) -> bool:
        """Return whether a process of the vassal exists, which uWSGI names like the app (proc(5))."""
        file, title = self.vassal.name.encode(), f"{self.home.package} uWSGI ".encode()
        for pid in probe.processes(self.unit):
            with suppress(OSError):
                words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                if words[-2:-1] == [file] or words[0].startswith(title):
                    return True
        return False

    def stop(self) -> None:
        """End the vassal."""
        self.vassal.unlink(missing_ok=True)

    def restart(self, drain: float = 0) -> bool:
        """Load the app again, with its current settings; return whether it runs."""
        del drain
        serving = self.home.serving()
        if serving is None or not self._is(self._text(serving)) or not self.runs():
            return False
        self.reload(serving)
        return True

    def wait_healthy(self, instance: Instance, seconds: float, *, settled: bool = False) -> str:
        """Wait until it is loaded and healthy; before that, another release may answer on its socket.

        Returns why it is not healthy within ``seconds``; empty if it is.
        """
        began = time.monotonic()
        if not self._loaded(instance.release, seconds):
            return "it was not loaded"
        return super().wait_healthy(instance, seconds - (time.monotonic() - began), settled=settled)

    def turn(self, instance: Instance) -> None:
        """Remove the vassal's files of other releases; nginx already uses this one."""
        for stats in self.home.run.glob("web-*.stats"):
            if stats.name != instance.stats.name:
                with suppress(OSError):  # the app may have made a folder with that name
                    stats.unlink()

    def _text(self, release: Release) -> str:
        instance = self.instance(release)
        return _VASSAL.format(release.package, release.folder, instance.sock, instance.stats, self.home.lib)

    def _is(self, text: str) -> bool:
        return self.vassal.exists() and self.vassal.read_text(encoding="utf-8") == text

    def _loaded(self, release: Release, seconds: float) -> bool:
        """Return whether workers of ``release`` exist within ``seconds``."""
        deadline = time.monotonic() + seconds
        while not probe.starts(self.instance(release)):
            if time.monotonic() > deadline:
                return False
            time.sleep(_POLL)
        return True


def emperor_of(home: Home) -> Emperor:
    """Return the emperor of the app in ``home``, from the installed release."""
    return SystemEmperor(home) if home.installed().emperor == "system" else Emperor(home)
