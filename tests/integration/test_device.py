"""The programs of the Pi, with systemd and the kernel as judges."""

from __future__ import annotations

import os
import pwd
import time
from pathlib import Path

import environment
import pi
import pytest
import task

from debonair.host.run import run

GENERATOR = Path("/usr/lib/systemd/user-environment-generators/30-systemd-environment-d-generator")


def as_systemd_reads(text: str, names: list[str], folder: Path) -> dict[str, str]:
    """Return the variables of ``text`` as systemd itself reads it, whose answer a shell can read.

    Asked is the reader of environment.d(5), which is that of EnvironmentFile= but for expanding variables.
    """
    (folder / "environment.d").mkdir()
    (folder / "environment.d/1.conf").write_text(text)
    (folder / "answer").write_text(run([GENERATOR], env={"XDG_CONFIG_HOME": str(folder)}).stdout)
    print_all = 'set -a; . "$0"; for name; do eval "printf \'%s\\\\0\' \\"\\$$name\\""; done'
    output = run(["env", "-i", "/bin/sh", "-c", print_all, folder / "answer", *names]).stdout
    return dict(zip(names, output.split("\0")[:-1], strict=True))


@pytest.mark.parametrize(
    "text",
    [
        "A=b\n",
        " A = b c \n;B=1\n# B=2\n\nB=c",
        "A='x' \"y\" z'w'\nB=it's\n",
        "A=x'y'\"z\"\nB='a  b'\n",
        "A=a\\ b\\ \nB=a\\\\ \n",
        "A=one\\\ntwo\nB=2\n",
        'A="a\\"b\\\\c\\nd\\\ne"\nB=\'a\\b\'\n',
        "junk\nA=x # y\nexport B=1\nB=2\n",
        "A=first\nB=1\nA=last\n",
    ],
)
def test_a_file_of_settings_is_read_as_systemd_reads_it(text: str, tmp_path: Path) -> None:
    found = environment.parse(text)
    assert found
    assert found == as_systemd_reads(text, sorted(found), tmp_path)


@pytest.mark.parametrize(
    "value", ["plain", " two  blanks ", 'a "b"', "it's", "a\\b\\", "5 $ `id`", "a#b;c", "é€", "x=y", "\\n"]
)
def test_systemd_reads_what_was_set(value: str, tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text("# mine\nOTHER='1'\nNAME=before\n")
    environment.write(file, {"NAME": value})
    found = as_systemd_reads(file.read_text(), ["NAME", "OTHER"], tmp_path)
    assert found == {"NAME": value, "OTHER": "1"}


def test_a_command_that_is_late_ends_with_all_that_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = pi.home(tmp_path)
    release = pi.serve(home, "1.0")
    me = pwd.getpwuid(os.geteuid())
    monkeypatch.setattr(pwd, "getpwnam", lambda _: me)
    marker = home.data / "written"
    script = f"(sleep 3; echo late > {marker}) & echo started; wait"
    began = time.monotonic()
    status, output = task.as_app(home, release, ["/bin/sh", "-c", script], seconds=1)
    assert (status, output) == (124, "started\nit did not finish within 1 seconds")
    time.sleep(max(0.0, began + 3.5 - time.monotonic()))
    assert not marker.exists()
