"""How a Debian is had: the best way that is granted, and what its apt finds."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest
from programs import Programs, stand_in

from debonair.deb import archive
from debonair.debian.apt import Suite
from debonair.debian.mirror import Mirror
from debonair.debian.rootfs import bed, chroot, container, emulation, isolation, namespace
from debonair.debian.rootfs.bed import Bed
from debonair.debian.rootfs.container import BootError, Container
from debonair.debian.rootfs.isolation import Degree
from debonair.debian.rootfs.privilege import Privilege
from debonair.debian.rootfs.root import Root
from debonair.errors import MachineError
from debonair.host.cache import Cache

ROOT = Privilege(root=True, mounts=True, chroots=True)
CONTAINED = Privilege(root=True, mounts=False, chroots=True)
USER = Privilege(root=False, mounts=True, chroots=True)
NOTHING = Privilege(root=True, mounts=False, chroots=False)
GRANTED = {0: Degree.USERS}
"""How a root is entered while a test runs."""


class Entered:
    """Stands in for a machine."""

    suite = "trixie"
    architecture = "amd64"
    boot_seconds = 0.55


def no_users(**_: object) -> NoReturn:
    raise MachineError("no user namespaces")


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> Programs:
    made = stand_in(monkeypatch)
    made.answer("dpkg --print-architecture", "amd64\n")
    made.answer("mmdebstrap", do=lambda words: Path(words[-2]).touch())
    monkeypatch.setattr(namespace, "users", no_users)
    monkeypatch.setattr(Root, "_unpack", lambda root, tar, folder: None)
    monkeypatch.setattr(bed, "mirror", lambda environ: Mirror(environ["DEBONAIR_MIRROR"]))
    return made


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Containers boot and chroots are entered; their names are kept."""
    seen: list[str] = []

    @contextmanager
    def boot(
        root: Path, *, suite: str, architecture: str, name: str, settings: Mapping[str, str]
    ) -> Iterator[Entered]:
        assert root.is_dir()
        assert suite
        assert bool(settings) == (architecture != "amd64"), "only what is emulated is told to go without"
        seen.append(name)
        yield Entered()

    @contextmanager
    def enter(tar: Path, *, suite: str, architecture: str, name: str, degree: Degree) -> Iterator[Entered]:
        assert tar.is_file()
        assert (suite, architecture, degree) == ("trixie", "amd64", GRANTED[0])
        seen.append(name)
        yield Entered()

    monkeypatch.setattr(container, "boot", boot)
    monkeypatch.setattr(chroot, "enter", enter)
    monkeypatch.setattr(isolation, "granted", lambda privilege: GRANTED[0])
    monkeypatch.setitem(GRANTED, 0, Degree.USERS)
    return seen


def made(tmp_path: Path, privilege: Privilege) -> Bed:
    return Bed(Cache(tmp_path), {"DEBONAIR_MIRROR": "http://m.test"}, privilege)


def test_a_container_is_best(
    programs: Programs, names: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    del programs
    made_of = made(tmp_path, ROOT)
    with made_of.open("trixie") as first, made_of.open("trixie") as second:
        assert isinstance(first, Entered)
        assert isinstance(second, Entered)
    assert len(set(names)) == 2, "two trials at once have two names"
    assert capsys.readouterr().err.splitlines() == [
        "Downloading and setting up the files of Debian 13 (trixie) (once); this takes half a minute.",
        "Debian 13 (trixie): booted with systemd in 0.6 s.",
        "Debian 13 (trixie): booted with systemd in 0.6 s.",
    ]


def test_another_architecture_is_emulated_and_that_is_said(
    programs: Programs, names: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def fetched(path: Path) -> None:
        (path / "usr/bin").mkdir(parents=True)
        for name in ("qemu-arm", "qemu-aarch64"):
            (path / "usr/bin" / name).touch()

    programs.output = "namespaces are made\n"
    programs.answer("apt-get .*install --simulate", "Inst qemu-user (1:10.0 Debian:13.2/stable [amd64])\n")
    programs.answer("dpkg-deb --extract", do=lambda words: fetched(Path(words[-1])))
    with made(tmp_path, ROOT).open("trixie", architecture="armhf"):
        assert len(names) == 1
    assert capsys.readouterr().err.splitlines() == [
        "Downloading qemu-user (once) to run programs for ARM.",
        (
            "qemu-user emulates armhf and cannot sandbox: the services run without a sandbox, in this "
            "trial only."
        ),
        "Downloading and setting up the files of Debian 13 (trixie) (once); this takes some minutes.",
        "Debian 13 (trixie): booted with systemd in 0.6 s.",
    ]


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        (
            (CONTAINED, Degree.USERS),
            (
                "this process cannot mount file systems (CAP_SYS_ADMIN), as in a container without "
                "--privileged"
            ),
        ),
        ((USER, Degree.ACCOUNT), "that requires root"),
    ],
)
@pytest.mark.usefixtures("programs", "names")
def test_without_a_container_the_reason_is_said(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    how: tuple[Privilege, Degree],
    reason: str,
) -> None:
    privilege, degree = how
    monkeypatch.setitem(GRANTED, 0, degree)
    with made(tmp_path, privilege).open("trixie"):
        pass
    first, _, last = capsys.readouterr().err.splitlines()
    assert first.startswith(f"No container is booted: {reason}")
    assert last == f"Debian 13 (trixie): entered {degree.value}, without systemd."


@pytest.mark.parametrize("degree", [Degree.NAMESPACE, Degree.CHROOT])
@pytest.mark.usefixtures("programs", "names")
def test_root_inside_that_is_this_machines_is_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, degree: Degree
) -> None:
    monkeypatch.setitem(GRANTED, 0, degree)
    with made(tmp_path, CONTAINED).open("trixie"):
        assert "Warning: this machine does not allow user namespaces." in capsys.readouterr().err
    with made(tmp_path, CONTAINED).enter(Root("trixie", "amd64")):
        assert "as this machine's real root" in capsys.readouterr().err


def test_a_container_that_does_not_boot(
    programs: Programs,
    names: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    del programs

    def boot(*words: object, **more: object) -> NoReturn:
        raise BootError(f"no cgroups here for {more['suite']}")

    monkeypatch.setattr(container, "boot", boot)
    with made(tmp_path, ROOT).open("trixie"):
        assert len(names) == 1
    stderr = capsys.readouterr().err
    assert "No container is booted: no cgroups here for trixie." in stderr
    assert "entered in a user namespace" in stderr


def test_a_root_that_cannot_be_unpacked_for_users_of_its_own(
    programs: Programs,
    names: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    del programs

    def refuse(*_: object) -> NoReturn:
        raise namespace.Refused("The kernel refuses.")

    monkeypatch.setattr(Root, "_unpack", refuse)
    monkeypatch.setitem(GRANTED, 0, Degree.NAMESPACE)
    with made(tmp_path, ROOT).open("trixie"):
        assert len(names) == 1
    stderr = capsys.readouterr().err
    assert "No container is booted: The kernel refuses.\n" in stderr
    assert "entered in a namespace, without systemd" in stderr


def test_where_nothing_is_granted_nothing_is_fetched(programs: Programs, tmp_path: Path) -> None:
    with (
        pytest.raises(MachineError, match=r"This process can use neither a container nor a chroot\."),
        made(tmp_path, NOTHING).open("trixie"),
    ):
        pass
    assert not programs.was_asked("mmdebstrap")


@pytest.mark.parametrize("architecture", ["amd64", "armhf"])
def test_a_root_that_is_entered_is_emulated_if_it_must_be(
    programs: Programs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, architecture: str
) -> None:
    del programs
    seen: list[str] = []

    @contextmanager
    def emulating(wanted: str, host: str, *, mirror: Mirror, cache: Cache) -> Iterator[None]:
        assert (host, mirror.uri, cache) == ("amd64", "http://m.test", Cache(tmp_path))
        seen.append(f"{wanted} is emulated")
        yield
        seen.append("and no more")

    @contextmanager
    def enter(tar: Path, *, suite: str, architecture: str, **_: object) -> Iterator[Entered]:
        assert tar == tmp_path / f"roots/{root.name}.tar"
        seen.append(f"{suite} {architecture} is entered")
        yield Entered()
        seen.append("and left")

    monkeypatch.setattr(emulation, "emulating", emulating)
    monkeypatch.setattr(chroot, "enter", enter)
    monkeypatch.setattr(isolation, "granted", lambda privilege: Degree.USERS)
    root = Root("trixie", architecture, ("build-essential",))
    with made(tmp_path, ROOT).enter(root) as machine:
        assert isinstance(machine, Entered)
        seen.append("body")
    inner = [f"trixie {architecture} is entered", "body", "and left"]
    assert seen == (inner if architecture == "amd64" else ["armhf is emulated", *inner, "and no more"])


def test_where_entering_is_not_granted_nothing_is_fetched(programs: Programs, tmp_path: Path) -> None:
    with (
        pytest.raises(MachineError, match=r"This process can use neither a container nor a chroot\."),
        made(tmp_path, NOTHING).enter(Root("trixie", "amd64")),
    ):
        pass
    assert not programs.was_asked("mmdebstrap")


def test_a_container_alone_is_booted(programs: Programs, names: list[str], tmp_path: Path) -> None:
    del programs
    with made(tmp_path, ROOT).boot("trixie") as machine:
        assert isinstance(machine, Entered)
        assert len(names) == 1


def test_a_container_alone_that_does_not_boot_is_an_error(
    programs: Programs, names: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del programs

    def boot(*_: object, **__: object) -> NoReturn:
        raise BootError("no cgroups here")

    monkeypatch.setattr(container, "boot", boot)
    with pytest.raises(BootError, match="no cgroups here"), made(tmp_path, ROOT).boot("trixie"):
        pass
    assert names == []


def test_what_a_deb_needs_is_put_where_apt_finds_it(
    programs: Programs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needed = tmp_path / "libx_1_all.deb"
    needed.write_bytes(b"deb")
    asked: list[str] = []

    def fetch(suite: Suite, wanted: list[str], *, status: Path) -> tuple[Path, ...]:
        asked.extend([suite.name, *wanted, status.read_text()])
        return (needed,)

    monkeypatch.setattr(Suite, "fetch", fetch)
    fields = {"Package": "libx", "Description": "short\nlong\n."}
    monkeypatch.setattr(archive, "read_control", lambda path: dict(fields))
    programs.answer("cat /var/lib/dpkg/status", "Package: base\n")
    machine = Container(
        "trixie", "amd64", "it", root=tmp_path, console=tmp_path / "log", holder=1, group=tmp_path
    )

    assert made(tmp_path, ROOT).stock(machine, tmp_path / "app.deb") == 1
    assert asked == ["trixie", str(tmp_path / "app.deb"), "Package: base\n"]
    assert programs.was_asked("sh /var/lib/trial/libx_1_all.deb 6")
    assert programs.was_asked("sh /var/lib/trial/Packages 644$")
    assert (
        f"Package: libx\nDescription: short\n long\n .\nFilename: ./libx_1_all.deb\nSize: 3\n"
        f"SHA256: {hashlib.sha256(b'deb').hexdigest()}\n"
    ).encode() in programs.given
    assert programs.was_asked("apt-get update")

    asked.clear()
    assert made(tmp_path, ROOT).stock(machine, "certbot", "openssl") == 1
    assert asked[1:3] == ["certbot", "openssl"]

    programs.asked.clear()
    monkeypatch.setattr(Suite, "fetch", lambda *words, **more: ())
    assert made(tmp_path, ROOT).stock(machine, tmp_path / "app.deb") == 0
    assert not programs.was_asked("apt-get update")


def test_a_suite_without_a_number() -> None:
    assert bed.title("sid") == "Debian sid"
