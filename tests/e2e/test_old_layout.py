"""Debs of the layout in which /run/APP was the app's: they upgrade, and can be gone back to, unnoticed."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import late
import olddebs
import pytest
from debians import Boot, Builder
from late import Late
from traffic import Traffic, under_load

from debonair.debian.rootfs.container import Container

pytestmark = [pytest.mark.boot, pytest.mark.long]

SUITE = "trixie"
REST = 3.0  # seconds of load before and after each switch
LEFT = ("/run/late", "/usr/lib/late", "/etc/late", "/var/lib/late", "/usr/lib/systemd/system")
KEPT = re.compile(r"/usr/lib/late/releases/(?:[^/ ]*1\.0[^/ ]*|switch\.json|\.lock)")
"""What is there for a rollback, and what was noted of the switch."""


@pytest.fixture(scope="module")
def releases(build: Builder, tmp_path_factory: pytest.TempPathFactory) -> tuple[Late, Late, Late]:
    """Release 1.0 in the old layout, and 1.1 and 1.2 in that of today."""
    folder = tmp_path_factory.mktemp("releases")
    first, second, third = late.releases(folder, build, f"{SUITE}-amd64", 3)
    return olddebs.old(first, tmp_path_factory.mktemp("old")), second, third


def assert_unnoticed(traffic: Traffic) -> None:
    assert [answer.describe() for answer in traffic.failed] == []
    assert traffic.mixed == []
    assert traffic.stale == []


def found(machine: Container) -> set[str]:
    """Return all that is there of the app: paths with kind, mode and owners; units; and its account."""
    listed = machine.run(["find", *LEFT, "-printf", "%p %y %M %u:%g\n"], check=False).stdout.splitlines()
    # of a link, which has no mode, it does not matter who made it
    lines = (line.partition(" l ")[0] for line in listed)
    paths = {line for line in lines if "late" in line and not KEPT.match(line)}
    units = machine.run(["systemctl", "list-units", "--all", "--plain", "--no-legend", "late*"]).stdout
    account = machine.run(["getent", "passwd", "late"]).stdout.split(":")
    expires = machine.run(["getent", "shadow", "late"]).stdout.split(":")[7]
    masters = machine.run(["sh", "-c", "cat /proc/[0-9]*/mountinfo | grep -o ' /run/late[^ ]*' | sort -u"])
    return {
        *paths,
        *(f"unit {line.split()[0]} {line.split()[2]}" for line in units.splitlines()),
        f"home {account[5]} shell {account[6].strip()} expires {expires}",
        *(f"mount {line}" for line in masters.stdout.split()),
    }


def reboot(machine: Container) -> None:
    """Reboot ``machine``, and wait until uWSGI has opened the last of its sockets."""
    machine.reboot()
    stats = "/run/late/sockets/web/app.stats"
    deadline = time.monotonic() + 60
    while machine.run(["test", "-S", stats], check=False).status:
        assert time.monotonic() < deadline, f"uWSGI has not opened {stats}"
        time.sleep(0.2)


def strays(machine: Container) -> str:
    """Return the processes of the app's user that are in no unit of the app."""
    program = (
        "find /proc -maxdepth 1 -name '[0-9]*' -user late -exec cat {}/cgroup {}/cmdline ';' | tr '\\0' ' '"
    )
    lines = machine.run(["sh", "-c", program], check=False).stdout.splitlines()
    groups = [line for line in lines if "::/" in line]
    assert groups, "no process of the app runs"
    return "\n".join(group for group in groups if "/late.service" not in group)


def test_it_upgrades_and_goes_back_under_load(
    boot: Boot, releases: tuple[Late, Late, Late], show: Callable[[str], None]
) -> None:
    old, second, third = releases
    with boot(SUITE) as machine:
        late.begin(machine, old)
        with under_load(machine, seconds=300) as traffic:
            time.sleep(REST)
            late.upgrade(machine, traffic, [second])
            time.sleep(REST)
            late.upgrade(machine, traffic, [old])  # which is a downgrade
            time.sleep(REST)
            late.upgrade(machine, traffic, [third])
            time.sleep(REST)
        assert strays(machine) == ""
        assert machine.run(["late", "status"], check=False).status == 0
    show(traffic.table("old layout, upgrade, downgrade, upgrade"))
    assert_unnoticed(traffic)
    assert set(traffic.served()) == {"1.0", "1.1", "1.2"}


def test_it_rolls_back_to_a_release_of_the_old_layout_under_load(
    boot: Boot, releases: tuple[Late, Late, Late], show: Callable[[str], None]
) -> None:
    """The release that was served before the upgrade stays on the machine to go back to."""
    old, second, _ = releases
    with boot(SUITE) as machine:
        late.begin(machine, old)
        with under_load(machine, seconds=300) as traffic:
            time.sleep(REST)
            late.upgrade(machine, traffic, [second])
            late.rollback(machine, traffic, 2)
            time.sleep(REST)
    show(traffic.table("old layout, upgrade and rollbacks"))
    assert_unnoticed(traffic)
    assert set(traffic.served()) == {"1.0", "1.1"}


def test_nothing_is_left_over(boot: Boot, releases: tuple[Late, Late, Late]) -> None:
    """After an upgrade there is what a first installation makes, and after a reboot too."""
    old, second, _ = releases
    with boot(SUITE) as machine:
        late.begin(machine, second)
        fresh = found(machine)
        reboot(machine)
        rebooted = found(machine)
    with boot(SUITE) as machine:
        late.begin(machine, old)
        late.install(machine, second)
        assert found(machine) - fresh == set()
        assert fresh - found(machine) == set()
        assert strays(machine) == ""
        reboot(machine)
        assert found(machine) - rebooted == set()
        assert rebooted - found(machine) == set()


def test_a_downgrade_leaves_what_the_old_one_made(boot: Boot, releases: tuple[Late, Late, Late]) -> None:
    """After the way back the old release works as it did: restarted, after a reboot, and removed."""
    old, second, _ = releases
    with boot(SUITE) as machine:
        late.begin(machine, old)
        fresh = {path for path in found(machine) if path.startswith("/run/late")}
        late.install(machine, second)
        late.install(machine, old)
        assert late.served(machine) == "1.0"
        deadline = time.monotonic() + 60
        while left := {path for path in found(machine) if path.startswith("/run/late")} - fresh:
            assert time.monotonic() < deadline, left
            time.sleep(1)
        machine.reboot()
        deadline = time.monotonic() + 30
        while late.served(machine) != "1.0":
            assert time.monotonic() < deadline, "it is not served after a reboot"
            time.sleep(0.2)
        machine.run(["apt-get", "purge", "--yes", "late"])
        assert machine.run(["find", "/run/late", "/usr/lib/late", "/etc/late"], check=False).stdout == ""


def test_a_first_release_that_was_asleep_or_stopped_upgrades(
    boot: Boot, releases: tuple[Late, Late, Late]
) -> None:
    """A service that its owner stopped stays stopped, and starts with the new release."""
    old, second, _ = releases
    with boot(SUITE) as machine:
        late.begin(machine, old)
        machine.run(["systemctl", "stop", "late"])
        late.install(machine, second)
        assert machine.run(["systemctl", "is-active", "late"], check=False).stdout.strip() == "inactive"
        machine.run(["systemctl", "start", "late"])
        deadline = time.monotonic() + 30
        while late.served(machine) != "1.1":
            assert time.monotonic() < deadline, "it is not served"
            time.sleep(0.2)
        assert machine.run(["late", "status"], check=False).status == 0
