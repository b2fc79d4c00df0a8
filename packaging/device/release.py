"""The releases of the app that are on this machine, and which of them is served."""

from __future__ import annotations

import glob
import json
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import content
from durable import flush, replace_link, sync, write

_SERVED = ".served"
"""The file in a release's folder that marks it as served, with the numbers of two switches to it.

The number of the last switch fills the first 20 characters, because earlier versions of this program read
only these. The number of the first switch follows.
"""
_COLUMNS = 20
_DRAIN = 30.0
_EMULATED = Path("/etc/systemd/system/service.d/zz-qemu-user.conf")
"""The file that only an emulated Debian has, in a trial on a machine of another architecture."""
_SLOWER = 6  # times, at most, that a program takes longer there


@dataclass(frozen=True)
class Release:
    """One version of the app: a folder that does not change, and the values of its release.json."""

    folder: Path
    package: str
    user: str
    """The user that its processes run as."""
    emperor: str
    """``own``, or ``system`` for that of Debian's package uwsgi-emperor."""
    version: str
    """The Debian version."""
    python: str
    """The minor version of the interpreter: ``3.13``."""
    wsgi: str
    """``module:callable`` or ``module:factory()``; empty if it has a web server of its own."""
    health: str
    """The path that answers with a status below 400 when the app is healthy."""
    health_timeout: float
    """Seconds within which that must succeed."""
    host: str
    """A host name that the app answers to."""
    migrate: str
    """The command line that prepares the data for this release; empty for none."""
    migrate_timeout: float
    """Seconds within which that must end."""
    keep: int
    """Number of releases that stay on the machine."""
    import_path: tuple[str, ...]
    """The folders of its own modules, below ``folder``."""
    environment: dict[str, str]
    server: str = "uwsgi"
    """The server on its socket: ``uwsgi``, or ``command`` for a web server of its own."""
    workers: tuple[str, ...] = ()
    """The names of its commands that run for as long as it is served."""
    timers: tuple[str, ...] = ()
    """The names of the commands that timers run."""
    data: dict[str, str] = field(default_factory=dict)
    """The paths in ``folder`` that lead to the app's data: each with the path there."""
    epoch: int = 0
    """When its sources last changed, in seconds since the epoch: a correct clock is later."""
    drain: float = _DRAIN
    """Seconds for it to finish its requests, when another release replaces it."""

    @classmethod
    def read(cls, folder: Path) -> Release:
        """Return the release in ``folder``. Raises ``OSError``, ``ValueError`` or ``KeyError``."""
        facts = json.loads((folder / "release.json").read_text(encoding="utf-8"))
        return cls(
            folder=folder,
            package=facts["package"],
            user=facts["user"],
            emperor=facts["emperor"],
            version=facts["version"],
            python=facts["python"],
            wsgi=facts["wsgi"],
            health=facts["health"],
            health_timeout=facts["health-timeout"] * (_SLOWER if _EMULATED.exists() else 1),
            host=facts["host"],
            migrate=facts["migrate"],
            migrate_timeout=facts["migrate-timeout"],
            keep=facts["keep-releases"],
            import_path=tuple(facts["import-path"]),
            environment=facts["environment"],
            server=facts.get("server", "uwsgi"),
            workers=tuple(facts.get("workers", [])),
            timers=tuple(facts.get("timers", [])),
            data=facts.get("data", {}),
            epoch=int(facts.get("epoch", 0)),
            drain=float(facts.get("drain", _DRAIN)),
        )

    @property
    def name(self) -> str:
        """The name of its folder: the version, without a colon, and a part of a hash of its files."""
        return self.folder.name

    @property
    def commands(self) -> tuple[str, ...]:
        """The services that its workers and timers run in."""
        return tuple(f"{self.package}-{name}.service" for name in (*self.workers, *self.timers))

    @property
    def beside(self) -> tuple[str, ...]:
        """The units that run with its web processes: those of its workers, and its timers."""
        workers = (f"{self.package}-{name}.service" for name in self.workers)
        return (*workers, *(f"{self.package}-{name}.timer" for name in self.timers))

    @property
    def venv(self) -> Path:
        """Its virtual environment."""
        return self.folder / "venv"

    @property
    def served(self) -> bool:
        """Return whether it has ever been served: only then is it known to be prepared and healthy."""
        return (self.folder / _SERVED).exists()

    @property
    def switched(self) -> tuple[int, float]:
        """The number and time of the last switch to it; the number is right even if the clock was not."""
        mark = self.folder / _SERVED
        try:
            return int(mark.read_text(encoding="ascii")[:_COLUMNS] or 0), mark.stat().st_mtime
        except (OSError, ValueError):
            return 0, 0.0

    @property
    def first_switch(self) -> int:
        """The number of the first switch to it; that of the last one if only that is known."""
        try:
            text = (self.folder / _SERVED).read_text(encoding="ascii")
            return int(text[_COLUMNS : 2 * _COLUMNS].strip() or self.switched[0])
        except (OSError, ValueError):
            return self.switched[0]

    @property
    def link(self) -> str:
        """The name by which nginx finds its socket: a different one for each protocol."""
        return "http.sock" if self.server == "command" else "web.sock"

    @property
    def vassal(self) -> Path:
        """The uWSGI configuration of its web processes."""
        return self.folder / "vassals/web.ini"

    @property
    def holder(self) -> Path:
        """The file that exists if it may sleep: the emperor holds its socket."""
        return self.folder / "vassals/web.ini.socket"

    @property
    def sleeps(self) -> bool:
        """Return whether it may end when idle; the next request starts it again."""
        return self.holder.exists()


@dataclass(frozen=True)
class Home:
    """The paths of an app on a machine whose file system starts at ``root``."""

    package: str
    root: Path = Path("/")

    @classmethod
    def of(cls, program: Path) -> Home:
        """Return the home that ``program``, in ``libexec``, belongs to."""
        return cls(program.resolve().parents[1].name)

    @property
    def lib(self) -> Path:
        """The files from dpkg, and the releases."""
        return self.root / "usr/lib" / self.package

    @property
    def releases(self) -> Path:
        """The folder that has a folder of each release."""
        return self.lib / "releases"

    @property
    def current(self) -> Path:
        """The link to the release that is served."""
        return self.lib / "current"

    @property
    def run(self) -> Path:
        """The sockets, and the files that the emperor watches."""
        return self.root / "run" / self.package

    @property
    def data(self) -> Path:
        """The app's own data."""
        return self.root / "var/lib" / self.package

    def installed(self) -> Release:
        """Return the release that dpkg unpacked last. Its folder ``dist`` is never run itself."""
        return Release.read(self.lib / "dist")

    def serving(self) -> Release | None:
        """Return the release that ``current`` leads to, or None before there is one."""
        try:
            return Release.read(self.current.resolve(strict=True))
        except (OSError, ValueError, KeyError):
            return None

    def known(self) -> list[Release]:
        """Return the releases on this machine that were served, the last one first."""
        found = []
        for served in self.releases.glob(f"[!.]*/{_SERVED}"):
            try:
                found.append(Release.read(served.parent))
            except (OSError, ValueError, KeyError):
                continue
        return sorted(found, key=lambda release: release.switched, reverse=True)

    def snapshot(self) -> tuple[Release, bool]:
        """Keep the files from dpkg as a release, by hard links; return it, and whether it is new.

        A release is new if it was never served, also if a power loss interrupted its trial.

        dpkg replaces files and never writes into them, so the links keep these bytes. The folder appears
        whole or not at all. Its name is the version and a hash. So a served release never changes, and
        other bytes of the same version are another release.
        """
        if release := self.unpacked():
            return release, not release.served
        dist = self.installed()
        self.releases.mkdir(exist_ok=True)
        kept = self.releases / f"{_plain(dist.version)}.{content.digest(dist.folder)}"
        new = self.releases / f".{kept.name}.new"
        shutil.rmtree(new, ignore_errors=True)
        shutil.copytree(dist.folder, new, symlinks=True, copy_function=_link)
        self._lead(new, dist)
        sync(new)
        shutil.rmtree(kept, ignore_errors=True)  # same name, but different content: it was never complete
        new.rename(kept)
        flush(self.releases)
        return Release.read(kept), True

    def _lead(self, folder: Path, release: Release) -> None:
        """Create the links to the app's data in ``folder``, which only root can change.

        They are not among dpkg's files, because dpkg would unpack later files through them.
        """
        for path, place in release.data.items():
            link = folder / path
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(self.data / place)

    def unpacked(self) -> Release | None:
        """Return the release that has the bytes of ``dist``, None if there is none yet."""
        dist = self.installed()
        version = _plain(dist.version)
        for kept in (self.releases / version, *sorted(self.releases.glob(f"{glob.escape(version)}.*"))):
            if kept.is_dir() and content.same(dist.folder, kept, {_SERVED, *dist.data}):
                return Release.read(kept)
        return None

    def point(self, release: Release) -> None:
        """Make ``current`` lead to ``release``, in one step that survives a power cut."""
        count = 1 + max((other.switched[0] for other in self.known()), default=0)
        write(release.folder / _SERVED, f"{count:<{_COLUMNS}}{release.first_switch or count}\n")
        replace_link(self.current, f"releases/{release.name}")
        flush(self.lib)

    def prune(self, keep: int) -> None:
        """Remove the releases beyond ``keep``, except the one that is served, and incomplete ones."""
        serving = self.serving()
        others = [release for release in self.known() if not serving or release.name != serving.name]
        kept = {release.name for release in others[: max(keep - 1, 0)]} | {serving.name if serving else ""}
        for folder in self.releases.iterdir():
            if folder.is_dir() and folder.name not in kept:
                remove(folder)

    def note(self) -> dict[str, Any]:
        """Return the note about the last switch, if it is still true: power may fail before a new one."""
        try:
            found = dict(json.loads((self.releases / "switch.json").read_text(encoding="utf-8")))
        except (OSError, TypeError, ValueError):
            return {}
        serving = self.serving()
        names = {serving.name, serving.version} if serving else {""}
        refused = found.pop("refused", None)
        if found.get("release", found.get("serving", "")) not in names:
            found = {}
        if isinstance(refused, dict) and refused.get("release", refused.get("version")) not in names:
            found["refused"] = refused
        return found

    def write_note(self, note: dict[str, Any]) -> None:
        """Write down the result of a switch, for ``status``."""
        self.releases.mkdir(exist_ok=True)
        write(self.releases / "switch.json", json.dumps(note, indent=2) + "\n")


def remove(folder: Path) -> None:
    """Remove the folder of a release, first its mark as served, because half of it cannot be served."""
    (folder / _SERVED).unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)


def _link(source: str, target: str) -> str:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:  # another file system, or one without hard links
        shutil.copy2(source, target, follow_symlinks=False)
        if not Path(target).is_symlink():
            flush(Path(target))
    return target


def _plain(version: str) -> str:
    """Return ``version`` without a colon: uWSGI would take one in a path as the start of a port."""
    return version.replace(":", "_")
