"""The app's sandbox for what does not run in its service: the unit's settings, as a drop-in in /run."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import call
from release import Home, Release

_UNITS = Path("run/systemd/system")
_PRIVATE_PIDS = 257  # the first systemd that knows PrivatePIDs=
_LIFE = re.compile(
    r"""
    Type | Exec \w+ | Restart \w* | NotifyAccess | KillMode | KillSignal | FinalKillSignal | SendSIG \w+
    | Timeout \w+ | RuntimeMaxSec | RemainAfterExit | GuessMainPID | PIDFile | BusName | Watchdog \w+
    | StartLimit \w+ | SuccessExitStatus | OOMPolicy | NonBlocking | Sockets | FileDescriptor \w+
    | Standard (?: Input | Output | Error ) | TTY \w+ | WorkingDirectory
    """,
    re.VERBOSE,
)
"""Settings of a service that say when and how it runs (systemd.service(5)), not what it may do."""


def settings(text: str) -> str:
    """Return a drop-in with those settings of a unit's file that bound what its processes may do.

    They come in their order, empty assignments too, as systemd reads them (systemd.unit(5)).
    """
    section, kept = "", ["[Service]"]
    for line in map(str.strip, re.sub(r"\\\n", " ", text).split("\n")):
        if line.startswith("["):
            section = line
            continue
        name, equals, _ = line.partition("=")
        if section == "[Service]" and equals and name[0] not in "#;" and not _LIFE.fullmatch(name.strip()):
            kept.append(line)
    return "\n".join([*kept, ""])


def unseen() -> str:
    """Return the setting that hides other processes of the app's user; empty where systemd has none."""
    _, said = call.call("systemctl", "--version")
    version = re.match(r"systemd (\d+)", said)
    return "PrivatePIDs=yes" if version and int(version[1]) >= _PRIVATE_PIDS else ""


def apart() -> str:
    """Return the setting by which a program cannot signal other processes of the app's user.

    They are out of its sight, or where systemd cannot do that yet, no signal is sent.
    """
    return unseen() or "SystemCallFilter=~kill tkill tgkill pidfd_send_signal"


def put(home: Home, release: Release, unit: str, *, trial: bool = False, more: str = "") -> None:
    """Give the sandbox of ``release`` to the transient ``unit``, before it is started.

    The drop-ins that the admin has made for the app's service count too. The service of a ``trial`` sees
    its own folder of sockets, and not that of the release that is served.
    """
    folder = home.root / _UNITS / f"{unit}.d"
    remove(home, unit)
    folder.mkdir(parents=True)
    if release.emperor == "system":  # it has no unit: its programs are bound to its user all the same
        texts = [f"[Service]\nUser={release.user}\nNoNewPrivileges=yes\n"]
    else:
        texts = list(_texts(home, release))
    if not trial:  # a command has no business with the sockets of what is served
        more = f"InaccessiblePaths=-{home.run}/sockets\n{more}"
    if more.strip():
        texts.append(f"[Service]\n{more.strip()}\n")
    for number, text in enumerate(texts):
        seen = text.replace(f"{home.run}/sockets/next", f"{home.run}/sockets/web") if trial else text
        (folder / f"{number:02}.conf").write_text(settings(seen), encoding="utf-8")


def remove(home: Home, unit: str) -> None:
    """Take the sandbox of the transient ``unit`` away, after its end."""
    shutil.rmtree(home.root / _UNITS / f"{unit}.d", ignore_errors=True)


@contextmanager
def of(home: Home, release: Release, unit: str, *, more: str = "") -> Iterator[None]:
    """Let the transient ``unit`` have the sandbox of ``release`` meanwhile, with ``more`` settings."""
    put(home, release, unit, more=more)
    try:
        yield
    finally:
        remove(home, unit)


def _texts(home: Home, release: Release) -> Iterator[str]:
    """Yield the unit of ``release`` and the admin's drop-ins for it, in the order in which they count."""
    file = release.folder / "systemd" / f"{home.package}.service"
    if not file.is_file():  # a release of the time before: what is installed fits best
        file = home.lib / "dist/systemd" / file.name
    yield file.read_text(encoding="utf-8")
    for path in call.shown(file.name, "DropInPaths").split():
        try:
            yield Path(path).read_text(encoding="utf-8")
        except (OSError, ValueError):
            continue
