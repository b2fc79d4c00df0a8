"""The sandbox that code of others runs in, made by the kernel of this machine in each way that there is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

import debonair
from debonair.errors import LockError, MachineError
from debonair.host import sandbox
from debonair.host.run import run
from debonair.resources import resource

USER = 1234
PYTHON = Path("/usr/bin/python3").resolve()


def ask(kind: str, code: str, variables: Mapping[str, str] = {}) -> str:
    """Return what Python code in the sandbox says, made by a user that is none here."""
    text = (
        "import sys; from pathlib import Path; from debonair.host.sandbox import Sandbox\n"
        f"made = Sandbox({kind!r}, Path({str(PYTHON)!r}), Path('/usr'))\n"
        f"out, output = made.run([{str(PYTHON)!r}, '-c', {code!r}], b'', {dict(variables)!r})\n"
        "print(output)"
    )
    paths = [str(Path(debonair.__file__).parents[1]), sysconfig.get_path("purelib")]
    become = ["setpriv", "--reuid", str(USER), "--regid", str(USER), "--clear-groups"]
    words = [*(become if os.getuid() == 0 else ()), "env", f"PYTHONPATH={os.pathsep.join(paths)}"]
    return run([*words, "TOKEN=secret", "HOME=/nonexistent", PYTHON, "-c", text]).stdout


def here(code: str) -> str:
    """Return what Python code says in the sandbox that this machine allows this very user."""
    found, why = sandbox.find()
    assert found, why
    return found.run([str(found.python), "-c", code], b"", {"PATH": "/usr/bin:/bin"})[1]


@pytest.mark.parametrize("kind", ["unshare", "bwrap"])
class TestOfAUser:
    def test_nothing_of_the_user_is_left(self, kind: str) -> None:
        output = ask(
            kind, "import os; print(sorted(os.environ), os.listdir('/'), os.listdir('/proc/1/fd'))"
        )
        assert "TOKEN" not in output
        assert "home" not in output
        assert "var" not in output

    def test_nothing_may_be_done(self, kind: str) -> None:
        output = ask(kind, "print(open('/proc/self/status').read())")
        for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            assert f"{name}:\t{'0' * 16}" in output
        assert "NoNewPrivs:\t1" in output

    def test_no_namespace_can_be_made_in_it(self, kind: str) -> None:
        output = ask(kind, "import os; os.system('unshare --user true; echo $?')")
        assert "No space left" in output
        assert output.strip().endswith("1")

    def test_only_the_memory_can_be_written(self, kind: str) -> None:
        output = ask(
            kind,
            "import os\nfor line in open('/proc/mounts'):\n"
            "    source, place, kind, flags, *_ = line.split()\n"
            "    if 'rw' in flags.split(',') and kind not in ('tmpfs', 'devtmpfs', 'proc', 'devpts'):\n"
            "        print('writable', line)",
        )
        assert "writable" not in output


class TestOfThisUser:
    def test_root_of_this_machine_is_not_root_inside(self) -> None:
        output = here("print(open('/proc/self/uid_map').read())")
        inside, outside, count = output.split()
        assert (inside, count) == ("0", "1")
        assert outside != "0"

    def test_the_kernel_cannot_be_set(self) -> None:
        code = "import os\nfor name in ('kernel/core_pattern', 'kernel/hostname', 'vm/drop_caches'):\n"
        code += "    print(os.access('/proc/sys/' + name, os.W_OK))"
        assert here(code).split() == ["False"] * 3

    def test_what_it_says_cannot_tell_a_terminal_anything(self) -> None:
        output = here(r"print('\x1b]0;title\x07\x9b2Jred\u202e')")
        assert "red" in output
        assert not {*output} & {"\x1b", "\x07", "\x9b", "\u202e"}

    def test_a_failure_has_the_last_line(self) -> None:
        with pytest.raises(LockError, match=r"^ValueError: no$"):
            here("raise ValueError('no')")

    def test_it_ends_in_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sandbox, "_SECONDS", 2)
        with pytest.raises(LockError, match="It did not finish within"):
            here("import time; time.sleep(600)")

    def test_no_file_grows_for_ever(self) -> None:
        output = here(
            "import resource as r\nprint(r.getrlimit(r.RLIMIT_FSIZE), r.getrlimit(r.RLIMIT_NPROC))\n"
            "print(r.getrlimit(r.RLIMIT_CORE))"
        )
        assert str(1 << 31) in output
        assert "(0, 0)" in output

    def test_it_ends_with_who_made_it(self, tmp_path: Path) -> None:
        """Killed, as by a runner of CI that has lost its patience, Debonair can end nothing any more."""
        mark = f"orphan-{tmp_path.name}-{os.getpid()}"
        code = (
            "from debonair.host import sandbox; made, _ = sandbox.find()\n"
            f"made.run([str(made.python), '-c', 'import time; time.sleep(600)', {mark!r}], b'', {{}})"
        )
        process = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)

        def inside() -> list[int]:
            return [pid for pid in _named(mark) if pid != process.pid]

        until(lambda: len(inside()) > 1)
        process.send_signal(signal.SIGKILL)
        process.wait()
        until(lambda: not inside())


def until(true: Callable[[], bool]) -> None:
    """Wait for what comes true soon; a minute is far more than it takes."""
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def _named(mark: str) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if mark.encode() in path.read_bytes():
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


def test_where_none_can_be_made_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "find", lambda: (None, "unshare: Operation not permitted"))
    with pytest.raises(
        MachineError, match=r"purely 1\.0 is built by code of others.*not permitted"
    ) as caught:
        sandbox.needed({}, "purely 1.0 is built")
    assert "--allow-unsandboxed-sdists" in caught.value.hint
    made = sandbox.needed({sandbox.VARIABLE: "1"}, "purely 1.0 is built")
    out, output = made.run([sys.executable, "-c", "import os; print(sorted(os.environ))"], b"", {"A": "1"})
    assert "'A'" in output
    assert "HOME" not in output
    assert out == b""


@pytest.mark.parametrize("name", ["sandbox.sh", "confined.sh"])
def test_shellcheck_finds_nothing(name: str) -> None:
    path = resource(f"packaging/sdist/{name}")
    assert run(["shellcheck", "--shell=sh", "--severity=style", path], check=False).stdout == ""
