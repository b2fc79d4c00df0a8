"""The app's sandbox for commands outside its service: the unit's settings, as a drop-in in /run."""

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
"""Settings of a service that define when and how it runs (systemd.service(5)), not its rights."""


def settings(text: str) -> str:
    """Return a drop-in with the settings of a unit's file that limit its processes.

    They keep their order, with empty assignments, as systemd reads them (systemd.unit(5)).
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
    """Return the setting that hides other processes of the app's user; empty if systemd lacks it."""
    _, output = call.call("systemctl", "--version")
    version = re.match(r"systemd (\d+)", output)
    return "PrivatePIDs=yes" if version and int(version[1]) >= _PRIVATE_PIDS else ""


def apart() -> str:
    """Return the setting that keeps a program from signalling other processes of the app's user.

    It hides them; if systemd does not support that yet, it forbids the signals.
    """
    return unseen() or "SystemCallFilter=~kill tkill tgkill pidfd_send_signal"


def put(home: Home, release: Release, unit: str, *, trial: bool = False, more: str = "") -> None:
    """Give the sandbox of ``release`` to the transient ``unit``, before it is started.

    The admin's drop-ins for the app's service apply too. The service of a ``trial`` sees its own folder of
    sockets, and not that of the release that is served.
    """
    folder = home.root / _UNITS / f"{unit}.d"
    remove(home, unit)
    folder.mkdir(parents=True)
    if release.emperor == "system":  # it has no unit; its programs are still limited to its user
        texts = [f"[Service]\nUser={release.user}\nNoNewPrivileges=yes\n"]
    else:
        texts = list(_texts(home, release))
    if not trial:  # a command does not need the sockets of the served release
        more = f"InaccessiblePaths=-{home.run}/sockets\n{more}"
    if more.strip():
        texts.append(f"[Service]\n{more.strip()}\n")
    for number, text in enumerate(texts):
        seen = text.replace(f"{home.run}/sockets/next", f"{home.run}/sockets/web") if trial else text
        (folder / f"{number:02}.conf").write_text(settings(seen), encoding="utf-8")


def remove(home: Home, unit: str) -> None:
    """Remove the sandbox of the transient ``unit``, after its end."""
    shutil.rmtree(home.root / _UNITS / f"{unit}.d", ignore_errors=True)


@contextmanager
def of(home: Home, release: Release, unit: str, *, more: str = "") -> Iterator[None]:
    """Give the transient ``unit`` the sandbox of ``release`` in the body, with ``more`` settings."""
    put(home, release, unit, more=more)
    try:
        yield
    finally:
        remove(home, unit)


def _texts(home: Home, release: Release) -> Iterator[str]:
    """Yield the unit of ``release`` and the admin's drop-ins for it, in the order in which they apply."""
    file = release.folder / "systemd" / f"{home.package}.service"
    if not file.is_file():  # a release from before units were part of it: the installed unit fits best
        file = home.lib / "dist/systemd" / file.name
    yield file.read_text(encoding="utf-8")
    for path in call.shown(file.name, "DropInPaths").split():
        try:
            yield Path(path).read_text(encoding="utf-8")
        except (OSError, ValueError):
            continue
