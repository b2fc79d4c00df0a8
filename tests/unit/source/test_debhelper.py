"""What is laid into a package that debhelper builds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from samples import sample_project

from debonair import build
from debonair import project as projects
from debonair.cli import dh
from debonair.deb import tree
from debonair.deb.control import Control
from debonair.deb.tree import Source
from debonair.errors import ProjectError, TargetError
from debonair.host import run
from debonair.host.run import Completed
from debonair.project import Project
from debonair.source import debhelper
from debonair.source.debhelper import Package
from debonair.tree import Plan

TIME = 1_700_000_000
CONTROL = """\
Source: guestbook
Build-Depends: debhelper-compat (= 13),
 dh-sequence-debonair

Package: guestbook
Architecture: any
Depends: ${debonair:Depends}

Package: guestbook-doc
Architecture: all
"""
PLANNED = Plan(
    Control("guestbook", "1.4.2-1", "amd64", "Ada <ada@example.org>", "x", depends=("python3", "libc6")),
    tree.assemble(
        [
            tree.layer(
                "app",
                [
                    Source.file("usr/lib/guestbook/dist/run", b"#!/bin/sh\n", mode=0o755, mtime=TIME),
                    Source.link("usr/bin/guestbook", "../lib/guestbook/dist/run", mtime=TIME),
                    Source.file("usr/share/doc/guestbook/copyright", b"ours", mtime=TIME),
                    Source.file("usr/share/doc/guestbook/changelog.Debian.gz", b"ours", mtime=TIME),
                    Source.file("usr/share/doc/guestbook/README.Debian", b"ours", mtime=TIME),
                    Source.file("usr/share/lintian/overrides/guestbook", b"ours", mtime=TIME),
                ],
            )
        ],
        mtime=TIME,
    ),
    {},
    TIME,
)
SNIPPETS = """\
# Automatically added by dh_installsysusers/13.24.2
systemd-sysusers guestbook.conf
# Automatically added by dh_installtmpfiles/13.24.2
systemd-tmpfiles --create guestbook.conf
# Automatically added by dh_installsystemd/13.24.2
deb-systemd-helper enable 'guestbook.service'
"""


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A source package whose changelog says 1.4.2-1, on a trixie of amd64."""

    def answer(words: Sequence[str]) -> Completed:
        answers = {"Version": "1.4.2-1\n", "Timestamp": f"{TIME}\n", "DEB_HOST_ARCH": "amd64\n"}
        return Completed(0, answers[words[-1]], "")

    monkeypatch.setattr(run, "run", answer)
    (tmp_path / "debian").mkdir()
    (tmp_path / "debian/control").write_text(CONTROL)
    (tmp_path / "debian/changelog").write_text("")
    return tmp_path


@pytest.fixture
def package(source: Path) -> Package:
    return debhelper.find(source, sample_project(root=source))


@pytest.fixture
def planned(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """What the plan was made with."""
    asked = dict[str, object]()

    def plan(project: Project, target: object, **more: object) -> Plan:
        asked.update(project=project, target=target, **more)
        return PLANNED

    monkeypatch.setattr(build, "plan", plan)
    return asked


def lay_out(package: Package, target: str = "trixie-amd64", **environ: str) -> list[str]:
    debhelper.lay_out(package, wheels=package.source / "wheels", target=target, environ=environ)
    return sorted(
        path.relative_to(package.folder).as_posix()
        for path in package.folder.rglob("*")
        if not path.is_dir() or path.is_symlink()
    )


def test_the_package_of_the_project_is_found(package: Package) -> None:
    assert (package.version, package.architecture) == ("1.4.2-1", "any")
    assert package.folder == package.source / "debian/guestbook"


def test_a_project_that_is_no_package_of_it(source: Path) -> None:
    with pytest.raises(ProjectError, match=r"debian/control has no package 'visitors'") as caught:
        debhelper.find(source, sample_project(root=source, package="visitors"))
    assert "It has guestbook, guestbook-doc" in caught.value.hint


def test_a_folder_that_is_no_source_package(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="not the folder of a Debian source package"):
        debhelper.find(tmp_path, sample_project(root=tmp_path))


def test_the_files_lie_in_its_folder(package: Package, planned: dict[str, object]) -> None:
    assert lay_out(package) == [
        "usr/bin/guestbook",
        "usr/lib/guestbook/dist/run",
        "usr/share/doc/guestbook/README.Debian",
        "usr/share/doc/guestbook/copyright",
    ]
    run = package.folder / "usr/lib/guestbook/dist/run"
    assert (run.stat().st_mode & 0o777, run.stat().st_mtime) == (0o755, TIME)
    assert (package.folder / "usr/bin/guestbook").readlink() == Path("../lib/guestbook/dist/run")
    assert (package.folder / "usr/lib").stat().st_mtime == TIME
    assert lay_out(package), "and again, over what is there"
    assert planned["version"] == "1.4.2-1"


def test_what_lies_in_debian_is_debhelpers(package: Package, planned: dict[str, object]) -> None:
    for name in ("copyright", "guestbook.README.Debian"):
        (package.source / "debian" / name).write_text("theirs")
    assert lay_out(package) == ["usr/bin/guestbook", "usr/lib/guestbook/dist/run"]
    assert planned


def test_what_it_needs_is_a_substitution(package: Package, planned: dict[str, object]) -> None:
    substvars = package.source / "debian/guestbook.substvars"
    substvars.write_text("misc:Depends=\ndebonair:Depends=old\n")
    lay_out(package)
    assert substvars.read_text() == "misc:Depends=\ndebonair:Depends=python3, libc6\n"
    assert planned


def test_the_time_is_the_changelogs_unless_it_is_said(package: Package, planned: dict[str, object]) -> None:
    lay_out(package)
    environ = planned["environ"]
    assert isinstance(environ, dict)
    assert environ["SOURCE_DATE_EPOCH"] == str(TIME)
    lay_out(package, SOURCE_DATE_EPOCH="7")
    environ = planned["environ"]
    assert isinstance(environ, dict)
    assert environ["SOURCE_DATE_EPOCH"] == "7"
    assert environ["UV_CACHE_DIR"].startswith(str(package.source / "debian/.debhelper/"))


def test_compiled_files_are_not_for_all_architectures(package: Package, planned: dict[str, object]) -> None:
    with pytest.raises(ProjectError, match=r"has 'Architecture: all', but contains compiled files\."):
        lay_out(replace(package, architecture="all"))
    assert planned


def test_the_target_is_this_machines(
    package: Package, planned: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "read_text", reading("VERSION_CODENAME=trixie\n"))
    lay_out(package, target="", DEB_HOST_ARCH="armhf")
    assert getattr(planned["target"], "name", "") == "trixie-armv7"
    lay_out(package, target="")
    assert getattr(planned["target"], "name", "") == "trixie-amd64"
    monkeypatch.setattr(Path, "read_text", reading("ID=debian\n"))
    with pytest.raises(
        TargetError,
        match=r"This machine runs Debian without a code name \(amd64\), for which there is no target.",
    ) as caught:
        lay_out(package, target="")
    assert "--target" in caught.value.hint


def reading(release: str) -> Callable[..., str]:
    """Return what reads a file, but for /etc/os-release, which is ``release``."""
    read = Path.read_text

    def text(path: Path, encoding: str | None = None) -> str:
        return release if path == Path("/etc/os-release") else read(path, encoding=encoding)

    return text


@pytest.mark.parametrize("name", ["preinst", "postinst", "prerm", "postrm"])
def test_what_debhelper_did_is_not_done_again(
    name: str, package: Package, golden: Callable[[str, str], None]
) -> None:
    package.file("postinst.debhelper").write_text(SNIPPETS)
    package.file("prerm.debhelper").write_text("deb-systemd-invoke stop 'guestbook.service'\n")
    package.file("postrm.debhelper").write_text("deb-systemd-helper purge 'guestbook.service'\n")
    debhelper.scripts(package)
    golden(f"debhelper/{name}", package.file(f"{name}.debhelper").read_text())


def test_what_debhelper_did_for_another_unit_is_done_for_ours(package: Package) -> None:
    package.file("postinst.debhelper").write_text(SNIPPETS.replace("guestbook.", "other."))
    debhelper.scripts(package)
    text = package.file("postinst.debhelper").read_text()
    assert "systemd-sysusers guestbook.conf" in text
    assert "deb-systemd-helper enable 'guestbook.service'" in text
    stopped = package.file("prerm.debhelper").read_text()
    units = "'guestbook.service' 'guestbook.next.service' 'guestbook.local.service'"
    assert f"for unit in {units}; do" in stopped


def test_overrides_are_added_to_dh_lintians(package: Package) -> None:
    overrides = package.folder / "usr/share/lintian/overrides/guestbook"
    overrides.parent.mkdir(parents=True)
    overrides.write_text("guestbook: theirs\n")
    debhelper.scripts(package)
    assert overrides.read_text().startswith("guestbook: theirs\n#")
    assert "guestbook: embedded-library" in overrides.read_text()


@pytest.mark.parametrize(
    ("words", "acts"),
    [
        ([], True),
        (["-a"], True),
        (["-i"], False),
        (["-a", "-i"], True),
        (["-pguestbook", "-O--buildsystem=none"], True),
        (["-pguestbook-doc"], False),
        (["--no-package=guestbook"], False),
        (["--no-act"], False),
        (["-v", "--wheels", "w", "--target", "trixie-amd64"], True),
    ],
)
def test_the_programs_act_on_what_debhelper_says(
    words: list[str], acts: object, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    acted = list[str]()
    monkeypatch.chdir(source)
    monkeypatch.setattr(projects, "load", lambda root: sample_project(root=root))
    monkeypatch.setattr(debhelper, "lay_out", lambda package, **_: acted.append(package.version))
    monkeypatch.setattr(debhelper, "scripts", lambda package: acted.append(package.version))
    done = CliRunner().invoke(dh.lay_out, words)
    assert done.exit_code == 0, done.output
    assert acted == ["1.4.2-1"] * bool(acts)
    options = [word for word in words if word not in {"--wheels", "w", "--target", "trixie-amd64"}]
    assert CliRunner().invoke(dh.add_scripts, options).exit_code == 0
    assert acted == ["1.4.2-1"] * 2 * bool(acts)


def test_an_error_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(dh.lay_out, [])
    assert (done.exit_code, done.stderr.startswith("Error: There is no project")) == (3, True)
