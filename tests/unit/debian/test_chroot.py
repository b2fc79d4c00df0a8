"""A Debian without systemd: how it is entered, and how the services of a deb are run in it."""

from __future__ import annotations

import os
import signal
import tempfile
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import NoReturn

import pytest
from programs import Process, Programs, stand_in

from debonair.debian.rootfs import chroot, isolation, namespace
from debonair.debian.rootfs.chroot import Chroot
from debonair.debian.rootfs.isolation import Degree, Room
from debonair.debian.rootfs.privilege import Privilege
from debonair.errors import MachineError, TrialError

ROOT = Privilege(root=True, mounts=True, chroots=True)
USER = Privilege(root=False, mounts=True, chroots=True)
CONTAINED = Privilege(root=True, mounts=False, chroots=True)
NOTHING = Privilege(root=True, mounts=False, chroots=False)

FILES = "/usr/lib/systemd/system/app.service\n/usr/lib/tmpfiles.d/app.conf\n/usr/bin/app\n"
UNIT = """\
[Service]
User=app
StateDirectory=app
ConfigurationDirectory=app
Environment=A=1
EnvironmentFile=-/etc/app/env
ExecStartPre=/bin/prepare ${KEY}
ExecStartPre=-+/bin/maybe
ExecStart=/usr/bin/uwsgi-core --ini x.ini
"""


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Programs:
    made = stand_in(monkeypatch)
    made.output = "namespaces are made\n"
    made.answer("dpkg-query --listfiles app", FILES)
    made.answer(
        r"cat .*app\.conf", "# no\n\nd /run/app 2750 app www-data -\nd /run/plain\nL /x - - - - /y\n"
    )
    made.answer(r"cat /etc/app/env", "KEY='a b'\n")
    made.answer("sh -c .*app.service", UNIT)
    made.answer("id -gn app", "app\n")
    made.answer("id -G app", "990 991\n")
    monkeypatch.setattr(namespace, "children", lambda pid, **_: [pid + 1])
    monkeypatch.setattr(namespace, "users", lambda **_: nullcontext(("nsenter", "-t", "7", "-U", "--")))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    return made


@pytest.fixture
def signalled(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    sent: list[tuple[int, int]] = []

    def killpg(pid: int, number: int) -> None:
        sent.append((pid, number))
        if number == signal.SIGKILL:
            raise ProcessLookupError

    monkeypatch.setattr(os, "killpg", killpg)
    return sent


def enter(degree: Degree) -> AbstractContextManager[Chroot]:
    return chroot.enter(Path("/r.tar"), suite="trixie", architecture="amd64", name="it", degree=degree)


def entered(degree: Degree) -> None:
    with enter(degree) as machine:
        machine.serve("app")


def test_in_a_user_namespace_of_an_account(
    programs: Programs, signalled: list[tuple[int, int]], tmp_path: Path
) -> None:
    entered(Degree.ACCOUNT)
    unshare = programs.started[0][0]
    assert unshare.startswith("unshare --user --map-auto --map-root-user --mount --pid --fork ")
    assert programs.was_asked("^nsenter -t 4001 -U -m -p -n -u -i -- mount -t tmpfs")
    assert programs.was_asked("^nsenter .* tar --extract .*--exclude")
    assert programs.was_asked("mount --bind /dev/null ")
    assert programs.was_asked("mount -t proc -o ro,")
    assert programs.was_asked("pivot_root")
    assert programs.was_asked("enter.py pid=4001 spaces=user,mnt,pid,net,uts,ipc bound=800005fb -- env -i")
    assert [number for _, number in signalled][:2] == [signal.SIGTERM, signal.SIGTERM]
    assert not list((tmp_path / "tmp").iterdir())


def test_in_a_user_namespace_of_root(programs: Programs, signalled: list[tuple[int, int]]) -> None:
    del signalled
    with enter(Degree.USERS) as machine:
        alike = ("-U", "--preserve-credentials")
        assert machine.network == ("nsenter", "-t", "4001", *alike, "-n", "--")
    assert programs.started[0][0].startswith("nsenter -t 7 -U -- unshare --mount --pid --fork ")


def test_in_namespaces_of_root(programs: Programs, signalled: list[tuple[int, int]]) -> None:
    del signalled
    entered(Degree.NAMESPACE)
    assert "--user" not in programs.started[0][0]
    assert programs.was_asked("^nsenter -t 4001 -m -p -n -u -i -- mount -t tmpfs")
    assert programs.was_asked("enter.py pid=4001 spaces=mnt,pid,net,uts,ipc bound=800005fb -- env -i")


def test_in_a_plain_chroot(programs: Programs, signalled: list[tuple[int, int]], tmp_path: Path) -> None:
    del signalled
    entered(Degree.CHROOT)
    assert programs.asked[0].startswith("tar --extract")
    assert not programs.was_asked("mount")
    assert programs.was_asked("enter.py root=.*/root bound=800005fb -- env -i .* true$")
    assert programs.was_asked("/usr/sbin/policy-rc.d 755")
    assert not list((tmp_path / "tmp").iterdir())


def test_services_are_run_as_their_units_say(programs: Programs, signalled: list[tuple[int, int]]) -> None:
    del signalled
    entered(Degree.CHROOT)
    assert programs.was_asked("install -d -m 2750 -o app -g www-data /run/app")
    assert programs.was_asked("install -d -m 0755 -o root -g root /run/plain")
    assert programs.was_asked("install -d -m 0755 -o app -g app /var/lib/app")
    assert programs.was_asked("install -d -m 0755 -o root -g root /etc/app")
    assert programs.was_asked(r"setpriv --reuid=app --regid=app --init-groups env -i .*/bin/prepare 'a b'$")
    assert programs.was_asked(r"TERM=\S+ env -i .*/bin/maybe$"), "a + takes the user away"
    app, nginx = (line for line, _ in programs.started)
    assert "A=1 'KEY=a b' STATE_DIRECTORY=/var/lib/app" in app
    assert app.endswith("/usr/bin/uwsgi-core --ini x.ini")
    assert nginx.endswith("/usr/sbin/nginx -g 'daemon off;'")


def test_groups_beyond_its_own(programs: Programs, signalled: list[tuple[int, int]]) -> None:
    del signalled
    programs.answer(
        "sh -c .*app.service", UNIT + "SupplementaryGroups=video\nGroup=www-data\nExecStart=+/bin/root\n"
    )
    programs.answer("test -x /usr/sbin/nginx", status=1)
    entered(Degree.CHROOT)
    assert "setpriv --reuid=app --regid=www-data --groups=990,991,video" in programs.started[0][0]
    assert "setpriv" not in programs.started[1][0]
    assert len(programs.started) == 2


def test_a_service_that_cannot_be_prepared(programs: Programs, signalled: list[tuple[int, int]]) -> None:
    del signalled
    programs.answer("/bin/prepare", "no such key", status=3)
    with pytest.raises(TrialError, match=r"ExecStartPre of app.service exited with status 3:\nno such key"):
        entered(Degree.CHROOT)


def test_an_environment_file_that_must_be_there(
    programs: Programs, signalled: list[tuple[int, int]]
) -> None:
    del signalled
    programs.answer("sh -c .*app.service", UNIT.replace("-/etc/app/env", "/etc/app/env"))
    programs.answer("cat /etc/app/env", status=1)
    with pytest.raises(TrialError, match=r"names the EnvironmentFile /etc/app/env, which does not exist\."):
        entered(Degree.CHROOT)


def test_what_is_broken_and_why(programs: Programs, signalled: list[tuple[int, int]]) -> None:
    del signalled
    programs.answer("tail -n 40 /run/trial/", "Traceback\n")
    programs.processes = [Process(polls=1, status=22), Process()]
    programs.answer("cat /var/log/nginx/error.log", "connect() failed\n")
    with enter(Degree.CHROOT) as machine:
        assert machine.alive
        assert machine.network == ()
        machine.serve("app")
        assert not machine.broken("app")
        assert machine.broken("app")
        assert machine.evidence("app") == (
            "app.service: exited with status 22\n  Traceback\n\n"
            "nginx.service: running\n  Traceback\n\n"
            "/var/log/nginx/error.log:\nconnect() failed"
        )


def test_the_best_degree_is_granted(programs: Programs) -> None:
    assert isolation.granted(USER) is Degree.ACCOUNT
    assert isolation.granted(CONTAINED) is Degree.USERS
    assert isolation.granted(ROOT) is Degree.USERS
    assert len(programs.started) == 3


@pytest.mark.parametrize(
    ("privilege", "refused", "degree"),
    [(ROOT, 1, Degree.NAMESPACE), (ROOT, 2, Degree.CHROOT), (CONTAINED, 1, Degree.CHROOT)],
)
def test_less_is_granted(
    programs: Programs,
    monkeypatch: pytest.MonkeyPatch,
    privilege: Privilege,
    refused: int,
    degree: Degree,
) -> None:
    attempts: list[Degree] = []

    def hold(stack: object, work: Path, wanted: Degree) -> int:
        assert work.is_dir()
        assert stack
        attempts.append(wanted)
        if len(attempts) <= refused:
            raise MachineError("no")
        return 1

    monkeypatch.setattr(isolation, "_hold", hold)
    assert isolation.granted(privilege) is degree
    assert not programs.started


def test_nothing_is_granted(programs: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
    def users(**_: object) -> NoReturn:
        raise MachineError("no user namespaces")

    monkeypatch.setattr(namespace, "users", users)
    with pytest.raises(
        MachineError, match=r"This process can use neither a container nor a chroot\."
    ) as refused:
        isolation.granted(NOTHING)
    assert "--privileged" in refused.value.hint
    assert not programs.started


def test_a_user_without_namespaces(programs: Programs) -> None:
    programs.output = "unshare: no line matching user in /etc/subuid\n"
    programs.processes = [Process(polls=0, status=1)]
    with pytest.raises(MachineError, match="no line matching user") as refused:
        isolation.granted(USER)
    assert "--add-subuids" in refused.value.hint


@pytest.mark.parametrize("pattern", ["^tar", " true$"])
def test_a_root_that_cannot_be_used(programs: Programs, pattern: str, tmp_path: Path) -> None:
    programs.answer(pattern, "Operation not permitted", status=2)
    with pytest.raises(MachineError, match="Operation not permitted") as refused:
        entered(Degree.CHROOT)
    assert "--privileged" in refused.value.hint
    assert not list((tmp_path / "tmp").iterdir())


def test_a_service_that_does_not_end(
    signalled: list[tuple[int, int]], programs: Programs, tmp_path: Path
) -> None:
    programs.processes = [Process(pid=77, stubborn=True), Process(pid=78)]
    machine = Chroot("trixie", "amd64", Room((str(tmp_path),), ()))
    machine.serve("app")
    machine.stop()
    assert signalled == [(77, 15), (78, 15), (77, 9), (78, 9)]
