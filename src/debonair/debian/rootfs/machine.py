"""A Debian that runs: its commands, files and pages, however it was started."""

from __future__ import annotations

import base64
import os
import shlex
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from debonair.errors import TrialError
from debonair.host import run

_WRITE = 'mkdir -p "$(dirname "$1")" && cat >"$1" && chmod "$2" "$1"'
_GET = 'exec 3>&1; exit "$({ { curl "$@"; echo $? >&4; } | base64 -w0 >&3; } 4>&1)"'
"""The output is the page in base64, and the exit status that of curl; no file is written."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer of a web server."""

    status: int
    reason: str
    headers: Mapping[str, str]
    """Values by lower-case name; a comma joins the values of a repeated header."""
    body: bytes
    seconds: float

    @property
    def text(self) -> str:
        """Return the body as text."""
        return self.body.decode(errors="replace")


class Machine(ABC):
    """A running Debian of a ``suite`` and an ``architecture``."""

    suite: str
    architecture: str
    systemd = True
    """True if systemd runs in it, so that packages can start and switch their services."""

    @property
    @abstractmethod
    def prefix(self) -> tuple[str, ...]:
        """The words that run the command after them inside, with this process's environment."""

    @property
    @abstractmethod
    def network(self) -> tuple[str, ...]:
        """The words that run a program of this machine with only the network of the Debian."""

    @property
    @abstractmethod
    def alive(self) -> bool:
        """Return whether it still runs."""

    @abstractmethod
    def serve(self, package: str) -> None:
        """Ensure that the services of the installed ``package`` and nginx run. Raises ``TrialError``."""

    @abstractmethod
    def broken(self, package: str) -> bool:
        """Return whether a service of ``package`` has ended and will not come up by waiting."""

    @abstractmethod
    def evidence(self, package: str) -> str:
        """Return the output of the services of ``package``, for a person who must find the cause."""

    def words(self, argv: Sequence[str | Path]) -> list[str]:
        """Return the words that run ``argv`` inside, with a clean environment."""
        clean = {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": "/root",
            "LANG": "C.UTF-8",
            "DEBIAN_FRONTEND": "noninteractive",
            "TERM": os.environ.get("TERM", "dumb"),
        }
        pairs = [f"{name}={value}" for name, value in clean.items()]
        return [*self.prefix, "env", "-i", *pairs, *(str(word) for word in argv)]

    def run(
        self,
        argv: Sequence[str | Path],
        *,
        stdin: bytes | None = None,
        check: bool = True,
        timeout: float | None = None,
    ) -> run.Completed:
        """Run ``argv`` inside as root; arguments and errors are those of ``debonair.host.run.run``."""
        return run.run(self.words(argv), stdin=stdin, check=check, timeout=timeout)

    def attend(self, argv: Sequence[str]) -> int:
        """Run ``argv`` inside on this process's own terminal; return its exit status."""
        return run.attend(self.words(argv))

    @property
    def way_in(self) -> str:
        """Return the line to type in another terminal for a shell inside."""
        return shlex.join([*self.prefix, "bash", "-l"])

    def write(self, path: str, data: bytes, *, mode: int = 0o644) -> None:
        """Write ``data`` to the absolute ``path`` inside and create its folders; root owns them."""
        self.run(["sh", "-c", _WRITE, "sh", path, f"{mode:o}"], stdin=data)

    def copy_in(self, source: Path, destination: str) -> None:
        """Copy the file ``source`` to the absolute path ``destination`` inside, with its mode."""
        self.write(destination, source.read_bytes(), mode=source.stat().st_mode & 0o7777)

    def read(self, path: str) -> str | None:
        """Return the text of the file ``path`` inside, or None if there is none."""
        found = self.run(["cat", path], check=False)
        return None if found.status else found.stdout

    def get(
        self,
        path: str = "/",
        *,
        headers: Mapping[str, str] | None = None,
        data: Mapping[str, str] | None = None,
        port: int = 80,
        timeout: float = 30,
        options: Sequence[str] = (),
    ) -> Reply:
        """Request ``path`` from the web server inside, on ``port`` of its loopback.

        ``data`` are the fields of a form to post; ``options`` are further ones of curl(1). Redirections are
        not followed. Raises ``TrialError`` if there is no answer within ``timeout`` seconds.
        """
        argv = ["sh", "-c", _GET, "sh", "--silent", "--show-error", "--include", "--http1.1"]
        argv += ["--max-time", f"{timeout:g}", "--write-out", "%{stderr}\n%{time_total}"]
        for name, value in (headers or {}).items():
            argv += ["--header", f"{name}: {value}"]
        for name, value in (data or {}).items():
            argv += ["--data-urlencode", f"{name}={value}"]
        asked = self.run([*argv, *options, f"http://127.0.0.1:{port}{path}"], check=False)
        message, _, seconds = asked.stderr.rpartition("\n")
        if asked.status:
            raise TrialError(f"GET {path} got no answer: {message.strip() or asked.stderr.strip()}")
        try:
            return reply(base64.b64decode(asked.stdout), float(seconds))
        except ValueError as strange:  # from a server, or a curl, that the deb installed
            raise TrialError(f"GET {path} got an answer that is not HTTP/1.1: {strange}") from strange


def reply(data: bytes, seconds: float) -> Reply:
    """Return the answer in ``data``, the bytes of an HTTP/1.1 reply; RFC 9112.

    Interim replies (100 Continue) before it are skipped. The body is everything after the headers. Raises
    ``ValueError`` if it is not a reply.
    """
    while True:
        head, _, body = data.partition(b"\r\n\r\n")
        first, *rest = head.decode("latin-1").split("\r\n")
        _, status, reason = (first + "  ").split(" ", 2)
        if not status.startswith("1"):
            break
        data = body
    headers: dict[str, str] = {}
    for line in rest:
        name, _, value = line.partition(":")
        name, value = name.lower(), value.strip()
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return Reply(int(status), reason.strip(), headers, body, seconds)


def services(machine: Machine, package: str) -> list[str]:
    """Return the names of the service units that run the installed ``package``, without templates.

    These are its own units, or Debian's emperor if the package is a vassal of that. The unit that publishes
    the app's name in the network is not among them: the app runs without it.
    """
    listed = machine.run(["dpkg-query", "--listfiles", package], check=False).stdout.split("\n")
    paths = (PurePosixPath(line) for line in listed if "/systemd/system/" in line)
    names = {path.name for path in paths if path.suffix == ".service" and "@" not in path.name}
    units = sorted(names - {f"{package}.local.service"})
    vassal = machine.read(f"/etc/uwsgi-emperor/vassals/{package}.ini")
    return units if vassal is None else [*units, "uwsgi-emperor.service"]
