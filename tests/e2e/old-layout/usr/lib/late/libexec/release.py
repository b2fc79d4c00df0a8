"""The releases of the app that are on this machine, and which of them is served."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SERVED = ".served"
"""The file in a release's folder that says that it was served."""


@dataclass(frozen=True)
class Release:
    """One version of the app: a folder that does not change, and what its release.json says."""

    folder: Path
    package: str
    user: str
    """Who its processes run as."""
    emperor: str
    """``own``, or ``system`` for that of Debian's package uwsgi-emperor."""
    version: str
    """Debian's."""
    python: str
    """The minor version of the interpreter: ``3.13``."""
    wsgi: str
    """``module:callable`` or ``module:factory()``; empty if it has a web server of its own."""
    health: str
    """The path that answers below status 400 when the app is well."""
    health_timeout: float
    """Seconds in which it must do so."""
    host: str
    """A host name that the app answers to."""
    migrate: str
    """The command line that prepares the data for this release; empty for none."""
    migrate_timeout: float
    """Seconds in which that must end."""
    keep: int
    """How many releases stay on the machine."""
    import_path: tuple[str, ...]
    """The folders of its own modules, below ``folder``."""
    environment: dict[str, str]
    server: str = "uwsgi"
    """Who answers on its socket: ``uwsgi``, or ``command`` for a web server of its own."""
    workers: tuple[str, ...] = ()
    """The names of its commands that run for as long as it is served."""
    timers: tuple[str, ...] = ()
    """The names of those that run now and then."""

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
            health_timeout=facts["health-timeout"],
            host=facts["host"],
            migrate=facts["migrate"],
            migrate_timeout=facts["migrate-timeout"],
            keep=facts["keep-releases"],
            import_path=tuple(facts["import-path"]),
            environment=facts["environment"],
            server=facts.get("server", "uwsgi"),
            workers=tuple(facts.get("workers", [])),
            timers=tuple(facts.get("timers", [])),
        )

    @property
    def name(self) -> str:
        """What its folder, its vassal and its sockets are called: the version, without a colon."""
        return self.version.replace(":", "_")

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
        """Whether it was ever given the requests: only then is it known to be prepared and well."""
        return (self.folder / _SERVED).exists()

    def socket(self, kind: str) -> Path:
        """Return the path of one of its sockets: ``sock`` for requests, or ``stats``."""
        shared = kind == "sock" and self.emperor == "system"
        return Path("/run") / self.package / ("web.sock" if shared else f"web-{self.name}.{kind}")

    @property
    def way(self) -> Path:
        """The link by which nginx finds its socket: another for each protocol that is spoken there."""
        return Path("/run") / self.package / ("http.sock" if self.server == "command" else "web.sock")

    @property
    def vassal(self) -> Path:
        """The uWSGI configuration of its web processes."""
        return self.folder / "vassals/web.ini"

    @property
    def holder(self) -> Path:
        """The file that names its socket for the emperor to hold, if it may sleep."""
        return self.folder / "vassals/web.ini.socket"

    @property
    def sleeps(self) -> bool:
        """Whether it may end when nobody asks for it, and is started by the next request."""
        return self.holder.exists()


@dataclass(frozen=True)
class Home:
    """Where everything of an app lies on a machine, the file system of which begins at ``root``."""

    package: str
    root: Path = Path("/")

    @classmethod
    def of(cls, program: Path) -> Home:
        """Return the home that ``program``, in ``libexec``, belongs to."""
        return cls(program.resolve().parents[1].name)

    @property
    def lib(self) -> Path:
        """What dpkg brought, and the releases."""
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
        """The sockets, and what the emperor watches."""
        return self.root / "run" / self.package

    @property
    def data(self) -> Path:
        """The app's own data."""
        return self.root / "var/lib" / self.package

    def installed(self) -> Release:
        """Return what dpkg unpacked last; its folder is ``dist``, which is not run from."""
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
        return sorted(found, key=lambda release: -release.folder.stat().st_mtime)

    def snapshot(self) -> tuple[Release, bool]:
        """Keep what dpkg unpacked as a release, by hard links; return that, and whether it is a new one.

        New is what was never served: one whose trial was cut by a power loss is still that.

        dpkg replaces files and never writes into them, so that the links keep this version's bytes. The
        folder appears whole or not at all. One of the same version that has other bytes is replaced.
        """
        dist = self.installed()
        kept = self.releases / dist.name
        if kept.is_dir() and _same(dist.folder, kept):
            release = Release.read(kept)
            return release, not release.served
        self.releases.mkdir(exist_ok=True)
        new = self.releases / f".{dist.name}.new"
        shutil.rmtree(new, ignore_errors=True)
        shutil.copytree(dist.folder, new, symlinks=True, copy_function=_link)
        sync(new)
        if kept.is_dir():
            old = self.releases / f".{dist.name}.old"
            shutil.rmtree(old, ignore_errors=True)
            kept.rename(old)
        new.rename(kept)
        sync(self.releases)
        shutil.rmtree(self.releases / f".{dist.name}.old", ignore_errors=True)
        return Release.read(kept), True

    def point(self, release: Release) -> None:
        """Make ``release`` the one that ``current`` leads to, in one step."""
        (release.folder / _SERVED).touch()
        os.utime(release.folder)
        flush(release.folder)
        replace_link(self.current, f"releases/{release.name}")
        flush(self.lib)

    def prune(self, keep: int) -> None:
        """Remove the releases beyond ``keep``, but for the one that is served, and those never finished."""
        serving = self.serving()
        others = [release for release in self.known() if not serving or release.name != serving.name]
        kept = {release.name for release in others[: max(keep - 1, 0)]} | {serving.name if serving else ""}
        for folder in self.releases.iterdir():
            if folder.is_dir() and folder.name not in kept:
                remove(folder)

    def note(self) -> dict[str, Any]:
        """Return what was noted of the last switch, as far as it is so: power may be cut before a note."""
        try:
            found = dict(json.loads((self.releases / "switch.json").read_text(encoding="utf-8")))
        except (OSError, TypeError, ValueError):
            return {}
        serving = self.serving()
        version = serving.version if serving else ""
        refused = found.pop("refused", None)
        if found.get("serving", "") != version:
            found = {}
        return {**found, "refused": refused} if refused and refused["version"] != version else found

    def write_note(self, note: dict[str, Any]) -> None:
        """Note what became of a switch, for ``status``."""
        self.releases.mkdir(exist_ok=True)
        new = self.releases / ".switch.json"
        new.write_text(json.dumps(note, indent=2) + "\n", encoding="utf-8")
        new.replace(self.releases / "switch.json")


def replace_link(link: Path, target: str) -> None:
    """Make ``link`` a symbolic link to ``target`` in one step: it is never absent."""
    new = link.with_name(f".{link.name}.new")
    new.unlink(missing_ok=True)
    new.symlink_to(target)
    new.replace(link)


def remove(folder: Path) -> None:
    """Remove the folder of a release: first what says that it was served, as half of it never can be."""
    (folder / _SERVED).unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)


def sync(folder: Path) -> None:
    """See to it that what was done in ``folder`` and below it outlives a power cut."""
    for path in [folder, *(path for path in folder.rglob("*") if path.is_dir() and not path.is_symlink())]:
        flush(path)


def flush(folder: Path) -> None:
    """See to it that the names in ``folder`` outlive a power cut (fsync(2))."""
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _link(source: str, target: str) -> str:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:  # another file system, or one without hard links
        shutil.copy2(source, target, follow_symlinks=False)
    return target


def _same(one: Path, other: Path) -> bool:
    """Return whether two folders hold the same files, by name and by inode or bytes."""
    mine = {str(path.relative_to(one)): path for path in one.rglob("*") if not path.is_dir()}
    theirs = {str(path.relative_to(other)): path for path in other.rglob("*") if not path.is_dir()}
    theirs.pop(_SERVED, None)
    return mine.keys() == theirs.keys() and all(_alike(path, theirs[name]) for name, path in mine.items())


def _alike(one: Path, other: Path) -> bool:
    if one.is_symlink() or other.is_symlink():
        return one.is_symlink() and other.is_symlink() and os.readlink(one) == os.readlink(other)  # noqa: PTH115
    return one.samefile(other) or (
        one.stat().st_size == other.stat().st_size and one.read_bytes() == other.read_bytes()
    )
