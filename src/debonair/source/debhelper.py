"""A package that debhelper builds: Debonair puts its files into the folder, debhelper does the rest.

The two steps are those of ``dh --with debonair``, dh(1). For one binary package, each does what
debhelper(7) expects of its programs.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from debonair import build
from debonair import target as targets
from debonair.deb import archive, deb822
from debonair.deb.tree import Source
from debonair.errors import ProjectError, TargetError
from debonair.host import run
from debonair.host.cache import Cache
from debonair.project import Project, reader
from debonair.source.wheelhouse import Wheelhouse
from debonair.target import Target
from debonair.tree import documents
from debonair.tree.service import render

_CACHE = "debian/.debhelper/debonair"
"""The folder for data between the steps; dh_clean(1) removes its parent."""
_SNIPPETS = {
    "sysusers": "systemd-sysusers .*{app}.conf",
    "tmpfiles": "systemd-tmpfiles .*{app}.conf",
    "enable": "deb-systemd-helper enable .*{app}.service",
    "purge": "deb-systemd-helper purge .*{app}.service",
}
"""Parts of the maintainer scripts, each with a line of debhelper's own snippet that does the same.

debhelper 13.11 of bookworm has no snippet for a unit in /usr. The part that stops the services is not
listed. Ours also marks that the package is being removed, and ends a release that is on trial.
"""


@dataclass(frozen=True)
class Package:
    """A binary package of ``debian/control`` in the folder ``source``, built from a project."""

    source: Path
    project: Project
    version: str
    """The Debian version, from debian/changelog."""
    architecture: str
    """As in debian/control: ``any``, ``all``, ``amd64``."""

    @property
    def folder(self) -> Path:
        """The folder that receives its files."""
        return self.source / "debian" / self.project.package

    def file(self, suffix: str) -> Path:
        """Return the path of ``debian/PACKAGE.SUFFIX``."""
        return self.source / "debian" / f"{self.project.package}.{suffix}"


def find(source: Path, project: Project) -> Package:
    """Return the package of ``project`` in the source package in the folder ``source``.

    Raises ``ProjectError`` if debian/control has no package of its name, and ``MachineError`` if dpkg-dev
    is missing.
    """
    listed = source / "debian/control"
    if not listed.is_file():
        raise ProjectError(
            f"There is no {listed}: this is not the folder of a Debian source package.",
            hint="Run dh in the folder with debian/. For a deb without debian/, run: debonair build",
        )
    architectures = {
        fields["Package"]: fields.get("Architecture", "")
        for fields in deb822.paragraphs(reader.text(listed, source))
        if "Package" in fields
    }
    if project.package not in architectures:
        raise ProjectError(
            f"debian/control has no package '{project.package}', which {project.config_file.name} "
            "describes.",
            hint=f"It has {', '.join(architectures)}. Set 'package' in {project.config_file.name} to one "
            "of them.",
        )
    version = _changelog(source, "Version")
    return Package(source, project, version, architectures[project.package])


def lay_out(package: Package, *, wheels: Path, target: str, environ: Mapping[str, str]) -> None:
    """Put the files of ``package`` into its folder, and its dependencies into ``${debonair:Depends}``.

    ``wheels`` is the folder that 'debonair fetch' filled. ``target`` is a name, or empty for this machine's
    target. Files that debhelper installs from debian/ are left to it. Raises what ``build.plan`` and
    ``Wheelhouse`` raise, and ``TargetError`` if this machine is not a target.
    """
    source = package.source
    environ = {"SOURCE_DATE_EPOCH": _changelog(source, "Timestamp"), **environ}
    cache = Cache(source / _CACHE)
    environ |= {"UV_CACHE_DIR": str(cache.root / "uv")}
    supply = Wheelhouse.of(package.project, wheels.absolute(), environ)
    build_target = targets.load(target) if target else _here(environ)
    planned = build.plan(
        package.project, build_target, cache=cache, environ=environ, supply=supply, version=package.version
    )
    _check_architecture(package, planned.control.depends)
    _write(
        package.folder,
        (member for member in archive.sources(planned.tree) if not _is_debhelpers(package, member.path)),
    )
    _substitute(package, ", ".join(planned.control.depends))


def scripts(package: Package) -> None:
    """Add what debhelper lacks to the maintainer scripts of ``package``, and to its lintian overrides.

    debhelper's own snippets are in the scripts by now; none of them is repeated.
    """
    project = package.project
    files = {name: package.file(f"{name}.debhelper") for name in render.SCRIPTS}
    before = {name: _text(file) for name, file in files.items()}
    present = "".join(before.values())
    app = re.escape(project.package)
    done = [part for part, line in _SNIPPETS.items() if re.search(line.format(app=app), present)]
    for name, text in render.members(project, package.version, done=done).items():
        # debhelper's script begins with both of these already
        body = text.removeprefix("#!/bin/sh\n").replace("set -e\n", "", 1)
        snippet = f"# Added by dh_debonair_scripts\n{body}# End of what dh_debonair_scripts added\n"
        # Removal runs in the reverse order of installation, as with debhelper's own snippets.
        whole = before[name] + snippet if name.endswith("inst") else snippet + before[name]
        files[name].write_text(whole, encoding="utf-8")
    overrides = package.folder / documents.overrides(project.package)
    overrides.parent.mkdir(parents=True, exist_ok=True)
    ours = documents.texts(project, version=package.version, epoch=0)[documents.overrides(project.package)]
    overrides.write_text(_text(overrides) + ours, encoding="utf-8")
    overrides.chmod(0o644)


def _text(file: Path) -> str:
    return reader.text(file) if file.is_file() else ""


def _changelog(source: Path, field: str) -> str:
    """Return a field of the newest entry of debian/changelog; dpkg-parsechangelog(1)."""
    result = run.run(["dpkg-parsechangelog", "--file", source / "debian/changelog", "--show-field", field])
    return result.stdout.strip()


def _here(environ: Mapping[str, str]) -> Target:
    """Return the target to build for: the suite of this machine, and dpkg's host architecture."""
    release = Path("/etc/os-release").read_text(encoding="utf-8")
    found = re.search(r"^VERSION_CODENAME=\"?(\w+)", release, re.MULTILINE)
    suite = found[1] if found else "without a code name"
    architecture = environ.get("DEB_HOST_ARCH") or (
        run.run(["dpkg-architecture", "--query", "DEB_HOST_ARCH"]).stdout.strip()
    )
    build_target = targets.of(suite, architecture)
    if build_target is None:
        raise TargetError(
            f"This machine runs Debian {suite} ({architecture}), for which there is no target.",
            hint="Name a target in debian/rules: under 'override_dh_debonair:', call 'dh_debonair "
            "--target=trixie-arm64'. List the targets: debonair targets",
        )
    return build_target


def _check_architecture(package: Package, depends: Iterable[str]) -> None:
    """Raise ``ProjectError`` if a package with compiled files declares itself for all architectures."""
    if package.architecture == "all" and any(need.startswith("libc6") for need in depends):
        raise ProjectError(
            f"debian/control: '{package.project.package}' has 'Architecture: all', but contains compiled "
            "files.",
            hint="Set 'Architecture: any', and build it for each architecture.",
        )


def _is_debhelpers(package: Package, path: str) -> bool:
    """Return whether debhelper itself installs the file at ``path``, from debian/."""
    name = package.project.package
    folder = f"usr/share/doc/{name}"
    sources = {
        f"{folder}/changelog.Debian.gz": ("changelog",),
        f"{folder}/copyright": ("copyright", f"{name}.copyright"),
        f"{folder}/README.Debian": ("README.Debian", f"{name}.README.Debian"),
        documents.overrides(name): ("control",),  # added to dh_lintian's
    }
    return any((package.source / "debian" / file).exists() for file in sources.get(path, ()))


def _write(folder: Path, members: Iterable[Source]) -> None:
    """Write ``members`` below ``folder``, with their modes and times."""
    folders = []
    for member in members:
        path = folder / member.path
        if member.kind == "dir":
            path.mkdir(parents=True, exist_ok=True)
            folders.append((path, member))
            continue
        path.unlink(missing_ok=True)
        if member.kind == "link":
            path.symlink_to(member.target)
        else:
            path.write_bytes(member.data)
            path.chmod(member.mode)
        os.utime(path, (member.mtime, member.mtime), follow_symlinks=False)
    for path, member in reversed(folders):
        path.chmod(member.mode)
        os.utime(path, (member.mtime, member.mtime))


def _substitute(package: Package, depends: str) -> None:
    """Set ``${debonair:Depends}``; deb-substvars(5)."""
    path = package.file("substvars")
    kept = [line for line in _text(path).splitlines() if not line.startswith("debonair:Depends=")]
    path.write_text("\n".join([*kept, f"debonair:Depends={depends}", ""]), encoding="utf-8")
