"""``debonair source``: a Debian source package that anybody can build with dpkg-buildpackage(1).

It contains the app, its lock, the wheels of a suite, and a ``debian/`` that uses the sequence debonair. Its
build gives the same package as ``debonair build``.
"""

from __future__ import annotations

import tempfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from pathspec import GitIgnoreSpec

from debonair import build
from debonair.deb import archive, deb822, dsc
from debonair.deb.tree import Source
from debonair.deb.version import without_epoch
from debonair.errors import ProjectError, TargetError
from debonair.host.cache import whole
from debonair.project.files import content, walk
from debonair.source import wheelhouse
from debonair.template import fill
from debonair.wheels import project_wheel

if TYPE_CHECKING:
    from debonair.host.cache import Cache
    from debonair.project import Project
    from debonair.target import Target
    from debonair.tree import Plan

_WRITTEN = GitIgnoreSpec.from_lines(
    [
        *("/pyproject.toml", "/debonair.toml", "/pylock*.toml", "/uv.lock", "/uv.toml"),
        *("/requirements*.txt", "/requirements*.in", "/Pipfile*", "/poetry.lock", "/pdm.lock"),
        *("/setup.py", "/setup.cfg"),
    ]
)
"""Files that define the build of an app, and are not files of the app."""
_PRIVATE = GitIgnoreSpec.from_lines([".*", "!.gitignore"])
"""Private files such as .env; hatchling reads .gitignore, so that stays."""


def write(
    project: Project, targets: Sequence[Target], out: Path, cache: Cache, environ: Mapping[str, str]
) -> Iterator[Path]:
    """Write a source package of ``project`` for each suite of ``targets`` into ``out``; yield their .dsc.

    It has the wheels of all the targets of its suite. Raises ``ProjectError`` if the project has a debian/
    of its own, and ``TargetError`` for a target without a Debian architecture of its own. It also raises
    what ``build.plan`` and ``wheelhouse.fill`` raise.
    """
    if (project.root / "debian/control").exists():
        raise ProjectError(
            f"{project.root} has its own debian/, which is already a source package.",
            hint="Use that one: debonair fetch, then dpkg-buildpackage --build=source",
        )
    if variants := [target.name for target in targets if target.variant]:
        raise TargetError(
            f"A source package is built for Debian's armhf, not for {' and '.join(variants)}.",
            hint="Leave this target out: name the others with --target.",
        )
    for _, group in groupby(sorted(targets, key=lambda each: each.suite), key=lambda each: each.suite):
        yield _write(project, list(group), out, cache, environ)


def _write(
    project: Project, targets: Sequence[Target], out: Path, cache: Cache, environ: Mapping[str, str]
) -> Path:
    """Write the source package for ``targets``, all of one suite."""
    plans = {target: build.plan(project, target, cache=cache, environ=environ) for target in targets}
    planned = plans[targets[0]]
    control, epoch = planned.control, planned.epoch
    version = without_epoch(control.version)
    name = f"{control.package}_{version.rpartition('-')[0]}"
    written = _control(planned, targets)
    with tempfile.TemporaryDirectory(prefix="debonair-") as folder:
        laid = wheelhouse.fill(Path(folder), project, plans, cache, environ)
        wheels = {f"debian/wheels/{path.name}": path.read_bytes() for path in laid}
    debian = {
        **{f"debian/{name}": data for name, data in _documents(project, planned).items()},
        "debian/control": written.encode(),
        "debian/source/format": f"{dsc.FORMAT}\n".encode(),
        "debian/source/include-binaries": "".join(
            f"{path}\n" for path in sorted(wheels) if path.endswith(".whl")
        ).encode(),
        **wheels,
    }
    text = fill("packaging/source/rules.in", {})
    rules = Source.file("debian/rules", text.encode(), mode=0o755, mtime=epoch)
    files = {
        f"{name}.orig.tar.xz": dsc.tarball(upstream(project, name.replace("_", "-"), epoch), mtime=epoch),
        f"{control.package}_{version}.debian.tar.xz": dsc.tarball(
            [rules, *(Source.file(path, data, mtime=epoch) for path, data in debian.items())],
            mtime=epoch,
            preset=1,  # wheels are compressed already
        ),
    }
    for name, data in files.items():
        with whole(out / name) as temporary:
            temporary.write_bytes(data)
    path = out / f"{control.package}_{version}.dsc"
    with whole(path) as temporary:
        temporary.write_text(_dsc(planned, written, files), encoding="utf-8")
    return path


def upstream(project: Project, folder: str, epoch: int) -> Iterator[Source]:
    """Yield the files of ``project`` that a build reads, below ``folder`` of a tarball."""
    if project.install == "wheel":
        excluded = GitIgnoreSpec([*project_wheel.NOT_SOURCES.patterns, *_PRIVATE.patterns]).match_file
    else:
        excluded = GitIgnoreSpec.from_lines(project.exclude).match_file
    found = set(walk(project.root, "", excluded)) if project.install != "index" else set()
    written = (path.name for path in project.root.iterdir() if path.is_file())
    for path in sorted({*found, *filter(_WRITTEN.match_file, written)}):
        full = project.root / path
        if full.is_symlink():
            yield Source.link(f"{folder}/{path}", str(full.readlink()), mtime=epoch)
        else:
            mode, data = content(full)
            yield Source.file(f"{folder}/{path}", data, mode=mode, mtime=epoch)


def _documents(project: Project, planned: Plan) -> dict[str, bytes]:
    """Return the files of debian/ that debhelper installs, as in a package of 'debonair build', by name."""
    folder = f"usr/share/doc/{planned.control.package}"
    packed = {source.path: source.data for source in archive.sources(planned.tree)}
    return {
        "changelog": zlib.decompress(packed[f"{folder}/changelog.Debian.gz"], wbits=31),
        "copyright": packed[f"{folder}/copyright"],
        **{name: text.encode() for name, text in project.manuals.items()},
    }


def _control(planned: Plan, targets: Sequence[Target]) -> str:
    """Return debian/control (deb-src-control(5)); ``planned`` has the fields of the binary package."""
    control = planned.control
    text = control.text(installed_size=0)
    return fill(
        "packaging/source/control.in",
        {
            "app": control.package,
            "section": control.section,
            "maintainer": control.maintainer,
            "build_depends": ["debhelper-compat (= 13)", "dh-sequence-debonair", *control.depends[:2]],
            "standards": dsc.STANDARDS,
            "homepage": control.homepage,
            "architectures": sorted(target.architecture for target in targets),
            "description": text[text.index("Description:") :].rstrip("\n"),
        },
    )


def _dsc(planned: Plan, written: str, files: Mapping[str, bytes]) -> str:
    """Return the .dsc of ``files`` for ``written``, the text of debian/control."""
    control = planned.control
    source, binary = deb822.paragraphs(written)
    architectures = binary["Architecture"]
    listed = (
        f"{control.package} deb {control.section} {control.priority} arch={architectures.replace(' ', ',')}"
    )
    fields = {
        "Source": control.package,
        "Binary": control.package,
        "Architecture": architectures,
        "Version": control.version,
        "Maintainer": control.maintainer,
        "Homepage": control.homepage,
        "Standards-Version": dsc.STANDARDS,
        "Build-Depends": source["Build-Depends"],
        "Package-List": f"\n{listed}",
    }
    return dsc.text(fields, files)
