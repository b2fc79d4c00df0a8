"""The author's declarations as a value, which all later stages read."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from debonair.project.catalogue import known
from debonair.project.settings import Nginx, Option, Service, Timer


@dataclass(frozen=True, kw_only=True)
class Project:
    """An application to package, with every setting decided.

    For an app from the package index, ``wheels.metadata`` adds the facts from its wheel, once there is a
    lock.
    """

    root: Path
    config_file: Path
    """The file that holds the settings, for errors."""
    package: str
    """The name of the Debian package, the service, the site and the user."""
    name: str
    """The name of the Python package (PEP 503)."""
    version: str
    """The version (PEP 440)."""
    wsgi: str
    """``module:callable`` or ``module:factory()``; empty without uWSGI."""
    command: str = ""
    """The command line of the app's own web server, which listens on ``$SOCKET``; empty with uWSGI."""
    install: str
    """``files``, ``wheel``, or ``index`` for an app from the package index."""
    targets: tuple[str, ...]
    maintainer: str
    description: str
    long_description: str = ""
    homepage: str = ""
    license: str = ""
    """An SPDX expression; empty if not declared."""
    license_text: str = ""
    author: str = ""
    """The author, if not the maintainer."""
    copyright: str = ""
    """The text of the project's debian/copyright, if it has one."""
    manuals: dict[str, str] = field(default_factory=dict)
    """The project's manual pages, debian/*.1: text by file name."""
    depends: tuple[str, ...] = ()
    system_site_packages: bool = False
    sdists: str = "pure"
    """``allow`` to build packages from source if they have no wheel for a target."""
    from_source: tuple[str, ...] = ()
    """The normalised names of Python packages that are always built from source."""
    build_depends: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The Debian packages for a build, by the normalised name of a Python package."""
    hardware: tuple[str, ...] = ()
    """The parts of the board that the app opens: ``gpio``, ``i2c``."""
    waive: tuple[str, ...] = ()
    """The Python packages whose compiled files are accepted despite problems."""
    piwheels: bool = True
    """True if a lock may have files from the targets' extra indexes."""
    static: dict[str, str] = field(default_factory=dict)
    health: str = "/"
    health_timeout: int = 30
    migrate: str = ""
    migrate_timeout: int = 600
    emperor: str = "own"
    """``own``, or ``system`` for the emperor of Debian's package uwsgi-emperor."""
    sleep_after: int = 0
    """The seconds without a request after which the app sleeps until the next one; 0 for never."""
    keep_releases: int = 3
    collect: str = ""
    """A command that generates more of the app's own files during the build."""
    include: tuple[str, ...] = ("*",)
    exclude: tuple[str, ...] = ()
    writable: tuple[str, ...] = ()
    """The paths, relative to the project, that lead to the data folder; those of folders end in a slash."""
    requirements: tuple[str, ...] = ()
    """The requirements from the package index (PEP 508), as declared; locks are made from them."""
    requirements_file: str = ""
    """The name of the file that declares them, for people; empty if there is none."""
    requirements_notes: tuple[str, ...] = ()
    """Sentences about groups of packages in that file that are not among the requirements."""
    further_requirements: tuple[str, ...] = ()
    """Those of the requirements that are in the settings, and in no file of the project."""
    constraints: tuple[str, ...] = ()
    """Requirements (PEP 508) that apply to a package only if another one needs it."""
    prereleases: bool = False
    """True if a lock may have pre-releases (pip's ``--pre``)."""
    requires_python: str = ""
    scripts: dict[str, str] = field(default_factory=dict)
    """The table ``[project.scripts]``: a command's name to ``module:function``."""
    uwsgi: dict[str, Option | list[Option]] = field(default_factory=dict)
    """The author's uWSGI options; without ``processes``, the machine chooses their number."""
    nginx: Nginx
    service: Service
    workers: dict[str, str] = field(default_factory=dict)
    """The workers: a name to the command line that runs for as long as the app does."""
    timers: dict[str, Timer] = field(default_factory=dict)

    @property
    def serves(self) -> bool:
        """True for a web application, False for a command-line tool."""
        return bool(self.wsgi or self.command)

    @property
    def left_out(self) -> frozenset[str]:
        """The normalised names of packages that are not installed, because Debian has them.

        Debian's uWSGI serves the app. Some libraries that open the board work only as packages of Debian,
        if ``depends`` names these. An author who allows a compiler with ``sdists`` gets both.
        """
        if self.sdists == "allow":
            return frozenset()
        found = {"uwsgi", "pyuwsgi"} if self.wsgi else set[str]()
        if self.system_site_packages:
            named = {re.split(r"[\s|(]", line.strip(), maxsplit=1)[0] for line in self.depends}
            for each in known().hardware.values():
                found |= each.left_out if each.debian in named else frozenset()
        return frozenset(found)

    @property
    def import_root(self) -> str:
        """The folder, relative to the project, from which its modules are imported: ``src`` or empty."""
        return "src" if self.install != "index" and (self.root / "src").is_dir() else ""

    @property
    def import_path(self) -> list[str]:
        """The folders of a release that contain the app's own modules, in addition to its venv."""
        return [posixpath.join("app", self.import_root).rstrip("/")] if self.install == "files" else []
