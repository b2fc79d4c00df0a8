"""What the author declared: the value that all later stages read."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from debonair.project.settings import Nginx, Option, Service, Timer


@dataclass(frozen=True, kw_only=True)
class Project:
    """An application to be packaged, all of it decided.

    Of one that is published, ``wheels.metadata`` decides what its wheel says, once there is a lock.
    """

    root: Path
    config_file: Path
    """The file that holds the settings, to be named in errors."""
    package: str
    """The Debian package, and the name of the service, the site and the user."""
    name: str
    """The name for Python (PEP 503)."""
    version: str
    """PEP 440."""
    wsgi: str
    """``module:callable`` or ``module:factory()``; empty without uWSGI."""
    command: str = ""
    """The command line of its own web server, which listens on ``$SOCKET``; empty with uWSGI."""
    install: str
    """``files``, ``wheel``, or ``index`` for what is published."""
    targets: tuple[str, ...]
    maintainer: str
    description: str
    long_description: str = ""
    homepage: str = ""
    license: str = ""
    """An SPDX expression, if declared."""
    license_text: str = ""
    author: str = ""
    """Who wrote it, if that is not the maintainer."""
    copyright: str = ""
    """Its debian/copyright, if it has one."""
    manuals: dict[str, str] = field(default_factory=dict)
    """Its manual pages, debian/*.1: text by file name."""
    depends: tuple[str, ...] = ()
    system_site_packages: bool = False
    sdists: str = "pure"
    """``allow``: what has no wheel for a target is built from source for it."""
    from_source: tuple[str, ...] = ()
    """Normalised names of Python packages that are built from source whatever they have."""
    build_depends: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Debian packages to build with, by the normalised name of a Python package."""
    hardware: tuple[str, ...] = ()
    """What of the board it opens: ``gpio``, ``i2c``."""
    waive: tuple[str, ...] = ()
    """Python packages whose compiled files are taken whatever is found in them."""
    piwheels: bool = True
    """Whether a lock may have files of the targets' extra indexes."""
    static: dict[str, str] = field(default_factory=dict)
    health: str = "/"
    health_timeout: int = 30
    migrate: str = ""
    migrate_timeout: int = 600
    emperor: str = "own"
    """``own``, or ``system`` for that of Debian's package uwsgi-emperor."""
    sleep_after: int = 0
    """Seconds without a request, after which the app ends until the next; 0 for never."""
    keep_releases: int = 2
    collect: str = ""
    """A command that makes further files of the app's own, at build."""
    include: tuple[str, ...] = ("*",)
    exclude: tuple[str, ...] = ()
    requirements: tuple[str, ...] = ()
    """What it needs from the package index (PEP 508), as declared; locks are made from it."""
    constraints: tuple[str, ...] = ()
    """What holds for a package (PEP 508) if anything needs it."""
    prereleases: bool = False
    """Whether a lock may have versions that are not final (pip's ``--pre``)."""
    requires_python: str = ""
    scripts: dict[str, str] = field(default_factory=dict)
    """``[project.scripts]``: command to ``module:function``."""
    uwsgi: dict[str, Option | list[Option]] = field(default_factory=dict)
    """The author's options of uWSGI; without ``processes`` the machine decides how many there are."""
    nginx: Nginx
    service: Service
    workers: dict[str, str] = field(default_factory=dict)
    """Name to the command line of what runs for as long as the app does."""
    timers: dict[str, Timer] = field(default_factory=dict)

    @property
    def serves(self) -> bool:
        """Whether it is a web application; else it is a command-line tool."""
        return bool(self.wsgi or self.command)

    @property
    def import_root(self) -> str:
        """The folder, relative to the project, from which its modules are imported: ``src`` or empty."""
        return "src" if self.install != "index" and (self.root / "src").is_dir() else ""

    @property
    def import_path(self) -> list[str]:
        """The folders of a release that its own modules are imported from, besides its venv."""
        return [posixpath.join("app", self.import_root).rstrip("/")] if self.install == "files" else []
