"""The variables that the service gives to the app, for a command that runs beside the service."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from durable import flush
from person import sudo
from release import Release

_KEPT = ("TERM", "COLORTERM", "TZ", "NO_COLOR")
_ASSIGNMENT = re.compile(
    r"""
    [ \t]* (?P<name> [A-Za-z_][A-Za-z0-9_]* ) [ \t]* =
    (?P<quoted> (?: [ \t]* (?: '[^']*' | "(?: [^"\\] | \\. )*" ) )* )
    [ \t]*
    (?P<plain> (?: [^\\\r\n] | \\. )*? )
    [ \t]* (?: [\r\n] | \Z )
    """,
    re.DOTALL | re.VERBOSE,
)
_OTHER = re.compile(r"[ \t]*[#;][^\r\n]*[\r\n]?|(?:[^\\\r\n]|\\.)*[\r\n]?|.", re.DOTALL)
_QUOTED = re.compile(r"'([^']*)'|\"((?:[^\"\\]|\\.)*)\"", re.DOTALL)


class EncodingError(OSError):
    """A file of settings that systemd does not read, because a byte of it is not UTF-8."""


def read(file: Path) -> str:
    """Return the text of a file of settings. Raises ``OSError``, also for a byte that is not UTF-8."""
    return _checked(file, file.read_bytes())


def lenient(file: Path) -> str:
    """Return the same text, with a surrogate for each byte that is not UTF-8 (PEP 383)."""
    return file.read_bytes().decode("utf-8", "surrogateescape")


def _checked(file: Path, data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as wrong:
        line = data.count(b"\n", 0, wrong.start) + 1
        raise EncodingError(
            f"{file}, line {line}: byte 0x{data[wrong.start]:02x} is not UTF-8, so systemd ignores the "
            f"whole file. Write that line again: {sudo()}nano {file}"
        ) from None


def settings_file(release: Release) -> Path:
    """Return the file of the admin's settings for the app, which systemd reads (systemd.exec(5))."""
    return Path(f"/etc/{release.package}/env")


def place(release: Release) -> Path:
    """Return the working directory of the processes of ``release``.

    Python and many programs look for modules and settings there, so it belongs to root: an attacker can
    have left both in the data folder.
    """
    return release.folder / ("app" if release.import_path else "venv")


def given(release: Release, caller: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of ``release`` without the admin's, and those of ``caller`` for a terminal."""
    state = f"/var/lib/{release.package}"
    found = {name: caller[name] for name in _KEPT if name in caller}
    found |= {
        "HOME": state,
        "LANG": "C.UTF-8",
        "LOGNAME": release.user,
        "PATH": f"{release.venv}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "PYTHONNOUSERSITE": "1",  # HOME is the data folder, where an attacker may have left packages
        "SHELL": "/bin/sh",
        "STATE_DIRECTORY": state,
        "USER": release.user,
        "VIRTUAL_ENV": str(release.venv),
    }
    if release.wsgi:
        found["FLASK_APP"] = str(place(release) / release.wsgi)
    if release.import_path:
        found["PYTHONPATH"] = ":".join(str(release.folder / path) for path in release.import_path)
    return {**found, **release.environment}


def variables(release: Release, caller: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of the app's service, and those of ``caller`` that a terminal needs.

    Raises ``OSError`` if the admin's file exists and cannot be read.
    """
    file = settings_file(release)
    admins = parse(read(file)) if file.exists() else {}
    return {**given(release, caller), **admins}


def parse(text: str) -> dict[str, str]:
    """Return the variables of a file as systemd reads it (systemd.exec(5), EnvironmentFile=)."""
    return {name: value for name, value, _ in _pieces(text) if name}


def write(file: Path, pairs: Mapping[str, str], *, without: Collection[str] = ()) -> None:
    """Set the variables ``pairs`` in a file that systemd reads, and remove those in ``without``.

    A variable that is set already keeps its place, below its comment, and the rest stays unchanged. Raises
    ``OSError``, also for a byte in the rest that is not UTF-8.
    """
    file = file.resolve()
    pieces = list(_pieces(lenient(file)))
    last = {name: number for number, (name, _, _) in enumerate(pieces) if name}
    text = ""
    for number, (name, _, piece) in enumerate(pieces):
        if name in pairs and number == last[name]:
            text += _line(name, pairs[name])
        elif not name or name not in {*pairs, *without}:
            text += piece
    added = [_line(name, value) for name, value in pairs.items() if name not in last]
    text += ("\n" if added and text and not text.endswith("\n") else "") + "".join(added)
    _checked(file, text.encode("utf-8", "surrogateescape"))
    found = file.stat()
    replace(file, text, mode=stat.S_IMODE(found.st_mode), user=found.st_uid, group=found.st_gid)


def replace(file: Path, text: str, *, mode: int, user: int, group: int) -> None:
    """Replace the content of ``file`` by ``text``; after a power cut it has the new or the old one."""
    new = file.with_name(f".{file.name}.new")
    new.unlink(missing_ok=True)
    new.touch(mode=0o600)
    os.chown(new, user, group)
    new.chmod(mode)
    with new.open("w", encoding="utf-8") as written:
        written.write(text)
        written.flush()
        os.fsync(written.fileno())
    new.replace(file)
    flush(file.parent)


def _pieces(text: str) -> Iterator[tuple[str, str, str]]:
    """Yield all of ``text`` in pieces, each with the name and the value that it sets, or with neither."""
    position = 0
    while position < len(text):
        found = _ASSIGNMENT.match(text, position)
        if found:
            yield found["name"], _quoted(found["quoted"]) + _plain(found["plain"]), found[0]
        else:
            found = _OTHER.match(text, position)
            assert found  # noqa: S101 - the pattern accepts any character
            yield "", "", found[0]
        position = found.end()


def _quoted(text: str) -> str:
    """Return the text between quotes; several quoted parts may follow each other."""
    return "".join(
        single or re.sub(r"\\(\n|[\"\\`$])", lambda found: found[1].strip("\n"), double)
        for single, double in _QUOTED.findall(text)
    )


def _plain(text: str) -> str:
    """Return text outside of quotes, where a quote is an ordinary character."""
    return re.sub(r"\\(.)", lambda found: found[1].strip("\n"), text, flags=re.DOTALL)


def _line(name: str, value: str) -> str:
    return f'{name}="{_escaped(value)}"\n'


def _escaped(value: str) -> str:
    return re.sub(r'(["\\`$])', r"\\\1", value)
