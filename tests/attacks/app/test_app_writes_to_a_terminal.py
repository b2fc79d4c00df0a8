"""The attacker wants to write to root's terminal, where text is commands: colours, titles, answers."""

from __future__ import annotations

import re
import unicodedata

import pytest
from puppets import DATA, NAME, SITE, Puppet

from debonair import trial

pytestmark = pytest.mark.boot

ESCAPES = (
    "\x1b]0;owned\x07 \x1b[2J\x1b[31m \x9b31m \x9d0;owned\x9c \x1bP+q\x1b\\ \x08\x08\x7f \x00"
    " \u202e \u2066 \u200b \x0b\x0c \x85 \u2028 \r puppet: serving 9.9"
)
LONG = "y" * 5_000_000
MOST = 64_000
"""Characters that apt shows of one release that was refused, by far."""


def plain(text: str) -> None:
    """Assert that a terminal shows ``text`` and does nothing else; apt's own progress is left out."""
    # dpkg writes to a terminal that apt made for it, where a line ends with both
    text = re.split(r"Setting up|Removing", text, maxsplit=1)[-1].replace("\r\n", "\n")
    allowed = {"\n", "\t"}
    found = {
        hex(ord(one))
        for one in text
        if one not in allowed and unicodedata.category(one) in {"Cc", "Cf", "Zl", "Zp", "Cs"}
    }
    assert found == set(), ascii(text)[-4000:]


def shown(puppet: Puppet, output: str) -> None:
    """Assert that neither apt nor the app's command shows what the app wrote as it is."""
    plain(output)
    assert len(output) < MOST
    for words in (["status"], ["status", "--json"], ["releases"]):
        done = puppet.machine.run([NAME, *words], check=False, timeout=60)
        plain(done.stdout + done.stderr)
        assert len(done.stdout + done.stderr) < MOST
    note = puppet.machine.read("/usr/lib/puppet/releases/switch.json") or ""
    assert len(note) < MOST


WAYS = {
    "by what it prints at import": "import os\nprint({0!r}, flush=True)\nos._exit(1)",
    "by its error at import": "raise RuntimeError({0!r})",
    "by its exception's name": "raise type({0!r}.replace(chr(0), ''), (Exception,), {{}})('no')",
    "by nothing but words": "raise RuntimeError('words')",
    "by bytes that are no text": "import os\nos.write(2, b'\\xff\\x1b[31m\\x9b31m\\n')\nraise RuntimeError",
    "by overwriting its line": "import os\nos.write(2, b'\\rpuppet: serving 9.9    ')\nraise RuntimeError",
}


@pytest.mark.parametrize("way", WAYS)
def test_a_release_that_is_refused(puppet: Puppet, way: str) -> None:
    done = puppet.upgrade(WAYS[way].format(ESCAPES))
    assert "was refused" in done.stdout + done.stderr
    shown(puppet, done.stdout + done.stderr)


ILL = {
    "text": f"import sys; print({ESCAPES!r}, file=sys.stderr); return {ESCAPES!r}, 500",
    "bytes that are no text": "os.write(2, b'\\xff\\xfe\\x1b[31m\\n' * 9); return 'ill', 500",
    "an error": f"raise RuntimeError({ESCAPES!r})",
}


@pytest.mark.parametrize("what", ILL)
def test_a_release_that_is_ill_in_service(puppet: Puppet, what: str) -> None:
    done = puppet.upgrade(edit=lambda app: app.replace('return "well"', ILL[what]))
    assert "was refused" in done.stdout + done.stderr
    shown(puppet, done.stdout + done.stderr)


def test_a_migration(puppet: Puppet) -> None:
    puppet.keep("words", ESCAPES.replace("\x00", ""))
    done = puppet.upgrade(settings=f'migrate = "cat {DATA}/words; false"')
    assert "was refused" in done.stdout + done.stderr
    shown(puppet, done.stdout + done.stderr)


def test_by_its_data_folder_at_an_upgrade(puppet: Puppet) -> None:
    """Flask reads config.py of the data folder, which the attacker wrote."""
    puppet.keep("config.py", f"raise RuntimeError({ESCAPES!r})")
    done = puppet.upgrade()
    assert "was refused" in done.stdout + done.stderr
    shown(puppet, done.stdout + done.stderr)


def test_by_its_messages_in_the_journal(puppet: Puppet) -> None:
    """journalctl escapes control characters, but not those that hide text or turn its direction."""
    hidden = "\u202egnp.exe \u2066 \u200b end"
    puppet(f"import sys; print({hidden!r}, file=sys.stderr, flush=True); result = ''")
    puppet.machine.run(["journalctl", "--sync"], timeout=30)
    output = puppet.machine.run(["script", "-qec", f"{NAME} logs", "/dev/null"], timeout=60).stdout
    assert "\\u202egnp.exe \\u2066 \\u200b end" in output
    plain(output)


def test_by_the_names_of_its_files(puppet: Puppet) -> None:
    puppet(
        f"""
        for place in [*places(), {DATA!r}]:
            for name in ("\\x1b[31mred", "new\\nline", "\\u202ereversed"):
                open(os.path.join(place, name), "w").close()
            for name in (b"/\\xff\\x9b31m.sqlite3", b"/x\\npuppet: forged\\nforged line.sqlite3"):
                open(os.fsencode(place) + name, "w").write("SQLite format 3\\0")
        """
    )
    done = puppet.upgrade(settings='migrate = "true"')
    shown(puppet, done.stdout + done.stderr)
    assert "forged line" in done.stdout + done.stderr
    assert "\npuppet: forged line" not in done.stdout + done.stderr
    puppet.machine.run(["systemctl", "restart", NAME], check=False)
    trial.healthy(puppet.machine, NAME, SITE)
    done = puppet.machine.run(["apt-get", "remove", "--yes", NAME], check=False, timeout=100)
    plain(done.stdout + done.stderr)
    puppet.upgrade()


def test_by_a_line_of_megabytes(puppet: Puppet) -> None:
    done = puppet.upgrade(f"print('y' * {len(LONG)}, flush=True)\nraise RuntimeError('z' * {len(LONG)})")
    assert "was refused" in done.stdout + done.stderr
    shown(puppet, done.stdout + done.stderr)
    assert max(len(line) for line in (done.stdout + done.stderr).splitlines()) < 2000


def test_by_the_terminal_of_the_owner_after_a_command(puppet: Puppet) -> None:
    """What a command of the owner left behind would write to the terminal, and read what is typed there."""
    left = "(sleep 3; echo written by what was left) &"
    script = f"{NAME} run sh -c '{left}'; sleep 6; echo end"
    done = puppet.machine.run(["script", "-qec", script, "/dev/null"], check=False, timeout=60)
    assert "end" in done.stdout
    assert "written by what was left" not in done.stdout


def test_by_typing_on_the_terminal_of_the_owner(puppet: Puppet) -> None:
    """A process that has the owner's terminal may open it, and push characters into what is typed there."""
    puppet.keep(
        "push.py",
        """
        import fcntl, os, sys
        own = os.ttyname(0) if os.isatty(0) else ""
        for one in b"touch /root/typed\\n":
            try:
                fcntl.ioctl(0, 0x5412, bytes([one]))
            except OSError as refused:
                print("refused:", refused)
                break
        print("terminal:", own or "none")
        """,
    )
    script = f"echo owner: $(tty); {NAME} run /usr/bin/python3 {DATA}/push.py; sleep 1"
    output = puppet.machine.run(["script", "-qec", script, "/dev/null"], check=False, timeout=60).stdout
    words = dict(line.strip().split(": ", 1) for line in output.splitlines() if ": " in line)
    assert words["terminal"] != words["owner"], output


KEEP = """
import os, sys
found = [os.ttyname(number) for number in (0, 1, 2) if os.isatty(number)]
with open("/var/lib/puppet/terminals", "w") as file:
    file.write(repr(found))
print("out", sys.stdin.readline().strip(), flush=True)
print("err", file=sys.stderr)
"""
MIXED = {
    "| cat": "puppet run python3 {0} | cat",
    "> file": "puppet run python3 {0} > /root/out; cat /root/out",
    "2> file": "puppet run python3 {0} 2> /root/err; cat /root/err",
    "< file": "puppet run python3 {0} < /root/in",
    "in a pipe": "puppet run python3 {0} < /root/in | cat",
    "in the background": "puppet run python3 {0} < /root/in > /root/out & wait; cat /root/out",
}


@pytest.mark.parametrize("how", MIXED)
def test_by_keeping_the_terminal_of_the_owner(puppet: Puppet, how: str) -> None:
    """A terminal that a process was given may be passed to one that stays, and asks for a password."""
    puppet.keep("keep.py", KEEP)
    puppet.machine.write("/root/in", b"typed\n")
    script = "echo owner: $(tty)\n" + MIXED[how].format(f"{DATA}/keep.py")
    output = puppet.machine.run(
        ["script", "-qec", f"sh -c '{script}'", "/dev/null"], stdin=b"typed\n", check=False, timeout=60
    ).stdout
    assert "out typed" in output, output
    assert "err" in output, output
    assert puppet.machine.read(f"{DATA}/terminals") == "[]", output


def test_a_command_in_a_pipe_of_nobodys(puppet: Puppet) -> None:
    """As from cron: what is no terminal reaches the command as it is, in any size."""
    line = f"head -c 3000000 /dev/zero | {NAME} run sh -c 'cat; echo err >&2; exit 7' 2>&1 | wc -c"
    assert puppet.machine.run(["sh", "-c", line], timeout=60).stdout.strip() == "3000004"
    assert puppet.machine.run([NAME, "run", "sh", "-c", "exit 7"], check=False, timeout=60).status == 7


TYPE = """
import os, pty, signal, sys, time
signal.signal(signal.SIGINT, signal.SIG_DFL)  # whoever runs the tests may ignore it
pid, fd = pty.fork()
if not pid:
    os.execvp("sh", ["sh", "-c", sys.argv[1]])
output, begun = b"", time.monotonic()
try:
    while part := os.read(fd, 1000):
        output += part
        if b"began" in part:
            time.sleep(1)
            os.write(fd, bytes([3]))
except OSError:
    pass
print(output.decode(), time.monotonic() - begun)
sys.exit(b"began" not in output or time.monotonic() - begun > 30)
"""


def test_a_command_in_a_pipe_is_ended_by_the_keyboard(puppet: Puppet) -> None:
    """Ctrl-C ends it, and the one who typed has the terminal again."""
    line = f'{NAME} run sh -c "echo began; sleep 100" | cat'
    done = puppet.machine.run(["python3", "-c", TYPE, line], check=False, timeout=90)
    assert done.status == 0, done.stdout + done.stderr
    assert not [one for one in puppet.processes() if "sleep 100" in one]
