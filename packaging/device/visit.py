"""The way of a visitor to the app: nginx, the configuration that it accepts and has loaded, and its port.

Choices of an admin, such as a redirect, a password or another port, are not a problem.
"""

from __future__ import annotations

import os
import re
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import call
import probe
from call import Deadline
from nginx_site import Site
from person import sudo
from release import Release
from system_emperor import emperor_of
from text import printable

_PATIENCE = 10.0  # seconds for nginx, or for a page through it
_SOON = 2.0  # seconds for an answer that nginx gives without the app
_DUMP = 8_000_000  # bytes of nginx's whole configuration
_CLOCK = 2.0  # seconds by which the start of a process is uncertain: the kernel knows its own in whole ones
_AGAIN = 1.0  # seconds after which a reload that has just been asked for has happened
_ANSWER = 1000  # bytes of an answer
WHICH = "/.well-known/debonair-app"
"""The path at which nginx tells programs on this machine which app has the site."""
_NAMED = re.compile(rb"HTTP/1\.[01] 200 .*?\r\n\r\n([a-z0-9][a-z0-9+.-]{0,99})\n", re.DOTALL)
_LISTENS = "0A"  # state of a socket in /proc/net/tcp
_LISTEN = re.compile(r"(?:(?:\*|0\.0\.0\.0|127\.0\.0\.1|localhost):)?(\d{1,5})")
_PROTOCOLS = {"ssl", "quic", "proxy_protocol"}


@dataclass(frozen=True)
class Door:
    """Where a visitor on this machine finds the app: a port, and a name that the site answers to."""

    port: int
    host: str
    tls: bool = False

    @property
    def scheme(self) -> str:
        """The scheme of its addresses."""
        return "https" if self.tls else "http"

    @property
    def authority(self) -> str:
        """The name with the port, if that is not the usual one (RFC 3986)."""
        return self.host if self.port == (443 if self.tls else 80) else f"{self.host}:{self.port}"


def problems(site: Site, release: Release, page: probe.Page) -> list[str]:
    """Return what keeps visitors from the app, although nginx runs and the site is enabled.

    ``page`` is the answer of the app itself, without nginx. Each problem ends with what to type.
    """
    text = ""
    if os.geteuid() == 0:
        status, text = call.call("/usr/sbin/nginx", "-T", seconds=_PATIENCE, errors=True, most=_DUMP)
        if status in {call.MISSING, call.TIMED_OUT}:
            text = ""
        elif status:
            return [f"nginx refuses its configuration, and keeps an older one: {_error(text)}: {reload()}"]
    if problem := _excluded(site, text):
        return [problem]
    if _changed_since(site):
        return [f"{site.file} has changed since nginx loaded it: {reload()}"]
    door = door_of(_text(site.file), release)
    if door and page.status and page.healthy and (problem := closed(site, release, door)):
        return [problem]
    return []


def _error(text: str) -> str:
    """Return the error in the output ``text`` of nginx about its configuration."""
    error = next((line for line in text.splitlines() if "[emerg]" in line), text.strip())
    return printable(re.sub(r"^.*?\[emerg\] (\d+#\d+: )?", "", error))


def _excluded(site: Site, text: str) -> str:
    """Return why nginx's configuration ``text`` (of ``nginx -T``) does not include the app, if so."""
    package, own = site.home.package, _text(site.file)
    part = f"{site.home.current}/nginx/server.conf"
    if not text:
        used = site.includes(own) or f"/run/{package}/" in own
    else:
        files = re.findall(r"(?m)^# configuration file (.*):$", text)
        used = any(
            re.fullmatch(rf"\S*/usr/lib/{re.escape(package)}/\S+/server\.conf", file) for file in files
        )
        used = used or re.search(rf"(?m)^[^#\n]*unix:/run/{re.escape(package)}/", text) is not None
        links = {str(site.link), *map(str, site.links())}
        if not used and not links.intersection(files) and site.includes(own):
            return (
                f"{site.nginx}/nginx.conf does not include {site.link}: write the line "
                f"'include {site.link.parent}/*;' into its http block, then: {reload()}"
            )
    if used:
        return ""
    return (
        f"{site.file} does not include the app: write the line 'include {part};' into its server block, "
        f"then: {reload()}"
    )


def _changed_since(site: Site) -> bool:
    """Return whether the site changed after nginx loaded its configuration, which starts new workers."""
    for wait in (_AGAIN, 0.0):
        loaded = max(map(_started, probe.children("nginx.service")), default=0.0)
        try:
            changed = max(site.file.stat().st_mtime, site.entry.lstat().st_mtime)
        except OSError:
            return False
        if not loaded or changed <= loaded + _CLOCK or changed > time.time() + _CLOCK:
            return False
        time.sleep(wait)
    return True


def _started(pid: int) -> float:
    """Return when a process started, in seconds since the epoch; 0 if it is unknown (proc(5))."""
    try:
        ticks = Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()[19]
        boot = re.search(r"(?m)^btime (\d+)$", Path("/proc/stat").read_text("ascii"))
        return int(boot[1]) + int(ticks) / os.sysconf("SC_CLK_TCK") if boot else 0.0
    except (OSError, ValueError, IndexError):
        return 0.0


def reload() -> str:
    """Return the command that makes nginx read its configuration, if that has no mistake."""
    return f"{sudo()}nginx -t && {sudo()}systemctl reload nginx"


def ports(text: str, *, tls: bool = False) -> list[int]:
    """Return the ports of a site on which this machine can ask over plain HTTP, or only with ``tls``."""
    found, spoken = [], {"ssl"} if tls else set()
    for listen in re.findall(r"(?m)^[^#\n]*?\blisten\s+([^;]+);", text):
        address, *words = listen.split()
        if (port := _LISTEN.fullmatch(address)) and _PROTOCOLS.intersection(words) == spoken:
            found.append(int(port[1]))
    return list(dict.fromkeys(found))


def door_of(text: str, release: Release) -> Door | None:
    """Return where the server block of the app in the site ``text`` answers; None if that is unclear."""
    words = names(block := block_of(text, release))
    plain = plain_names(words)
    host = release.host if release.host in plain or not plain else plain[0]
    found = [Door(port, host, tls) for tls in (False, True) for port in ports(block, tls=tls)]
    return found[0] if found else None


def block_of(text: str, release: Release) -> str:
    """Return the server block of the app in the site ``text``; empty if it is not exactly one."""
    blocks = re.split(r"(?m)^\s*server\s*\{", text)
    mine = [block for block in blocks[1:] if f"/usr/lib/{release.package}/" in block]
    return mine[0] if len(mine) == 1 else ""


def names(block: str) -> list[str]:
    """Return the names, and the expressions of names, that a server block answers to."""
    found = re.search(r"(?m)^[^#\n]*?\bserver_name\s+([^;]+);", block)
    return found[1].split() if found else []


def plain_names(words: list[str]) -> list[str]:
    """Return those of the names that are host names, not expressions or variables."""
    return [name for name in words if re.fullmatch(r"[\w-]+(\.[\w-]+)*", name) and name != "_"]


def closed(site: Site, release: Release, door: Door) -> str:
    """Return why a visitor does not get the page that the app answers, if so."""
    where = f"{door.scheme}://127.0.0.1:{door.port}{release.health}"
    status, problem = ask(door, release.health)
    if (other := app_at(door)) and other != site.home.package:
        return f"port {door.port} shows {other} at the name {door.host}, which both have: {sudo()}nginx -T"
    if status in range(1, 500):
        # Another site may have the name and the port; in an edited site, it may be the owner's own answer.
        strange = status in {404, 421} and _text(site.file) == _text(site.written)
        return (
            f"{where} answers {status} for {door.host}, which is not the app: {sudo()}nginx -T"
            if strange
            else ""
        )
    time.sleep(_AGAIN)  # nginx, or the app, may have been restarted just now
    status, problem = ask(door, release.health)
    if status < 500 and not problem:
        return ""
    began = time.monotonic()
    page = probe.page(emperor_of(site.home).serving(release), timeout=_PATIENCE)
    seconds = time.monotonic() - began
    quick = page.healthy and seconds < _SOON
    if not quick and page.healthy is not None:
        how = f"needs {seconds:.0f} seconds for an answer" if page.healthy else page.describe()
        logs = f"{sudo()}{site.home.package} logs"
        return f"the app {how} on its own socket, so nginx is not the cause. Its messages: {logs}"
    but = ", but the app answers on its own socket" if quick else ""
    if status >= 500:
        return f"{where} answers {status} through nginx{but}: {sudo()}tail /var/log/nginx/error.log"
    return f"{where} does not answer ({problem}){but}: {sudo()}systemctl restart nginx"


def ask(door: Door, path: str) -> tuple[int, str]:
    """Request ``path`` from nginx on this machine; return the status and an empty text.

    If nothing answers, the status is 0, and the text is the reason. If the answer is not HTTP, the status
    is 0, and the text is empty.
    """
    try:
        answer = _answer(door, path, lambda answer: b"\r\n" in answer, _PATIENCE)
    except ConnectionRefusedError as refused:
        return 0, str(refused.strerror)
    except TimeoutError:
        return 0, f"no answer within {_PATIENCE:.0f} seconds"
    except OSError:
        return 0, ""
    found = re.match(rb"HTTP/1\.[01] ([1-5]\d\d)\b", answer)
    return (int(found[1]), "") if found else (0, "")


def is_named(release: Release) -> bool:
    """Return whether nginx names the app at the doors of ``release``; earlier packages did not do that."""
    return any(WHICH in _text(part) for part in (release.folder / "nginx").glob("*.conf"))


def app_at(door: Door) -> str:
    """Return the name of the app to which nginx gives the requests at ``door``; empty if it is unknown.

    nginx itself answers this, from the app's part of the site. A program behind another site may imitate
    it, so the answer must name an app that is installed here.
    """
    try:
        answer = _answer(door, WHICH, lambda _: False, _SOON)
    except OSError:
        return ""
    found = _NAMED.fullmatch(answer)
    name = found[1].decode() if found else ""
    return name if name and Path("/usr/lib", name, "dist/release.json").is_file() else ""


def _answer(door: Door, path: str, enough: Callable[[bytes], bool], seconds: float) -> bytes:
    """Return what nginx answers to a request for ``path``, until it is ``enough`` or too long."""
    deadline, answer = Deadline(seconds), b""
    asked = f"GET {path} HTTP/1.0\r\nHost: {door.authority}\r\nConnection: close\r\n\r\n"
    with _connected(door, seconds) as connection:
        connection.sendall(asked.encode())
        while not enough(answer) and len(answer) < _ANSWER:
            connection.settimeout(deadline.left(seconds) or 0.001)
            if not (part := connection.recv(_ANSWER)):
                break
            answer += part
    return answer


def _connected(door: Door, seconds: float) -> socket.socket:
    """Return a connection to nginx at ``door``. Raises ``OSError``."""
    connection = socket.create_connection(("127.0.0.1", door.port), timeout=seconds)
    if not door.tls:
        return connection
    import ssl  # noqa: PLC0415 - a Pi Zero needs long to load it, and few sites ask for it

    # This is this machine's own nginx: its certificate is for visitors, who know it by other names.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        return context.wrap_socket(connection, server_hostname=door.host)
    except ValueError as wrong:  # not a name that TLS knows
        raise OSError(str(wrong)) from None
    finally:
        connection.close()  # wrapped, it is detached already


def stopped(site: Site, state: str) -> str:
    """Return what to do about nginx, which is in ``state``; if another program has its port, name both."""
    text = _text(site.file)
    for port in [*ports(text), *ports(text, tls=True)] or [80]:
        for pid in holders(port):
            name = printable(_text(Path(f"/proc/{pid}/comm")).strip()) or "another program"
            unit = re.search(r"(?m)/([\w@.-]+\.service)$", _text(Path(f"/proc/{pid}/cgroup")))
            if name == "nginx":
                continue
            who = f"port {port} is taken by {name}" + (f" (process {pid})" if pid else "")
            end = f"{sudo()}systemctl disable --now {unit[1]} && " if unit else ""
            then = f"{end}{sudo()}systemctl start nginx"
            return f"nginx does not run ({state}), because {who}{'' if unit else '. Stop it, then'}: {then}"
    start = f"{sudo()}systemctl start nginx"
    if os.geteuid() == 0:
        status, output = call.call("/usr/sbin/nginx", "-t", "-q", seconds=_PATIENCE, errors=True)
        if status not in {0, call.MISSING, call.TIMED_OUT}:
            error = f"because it refuses its configuration: {_error(output)}"
            return f"nginx does not run ({state}), {error}. Correct that file, then: {start}"
    return f"nginx does not run ({state}): {start}"


def holders(port: int) -> list[int]:
    """Return the processes that listen on ``port``: [0] if they cannot be seen, [] if there are none."""
    inodes = set()
    for table in ("tcp", "tcp6"):
        for line in _text(Path("/proc/net", table)).splitlines()[1:]:
            words = line.split()
            if words[3] == _LISTENS and int(words[1].rpartition(":")[2], 16) == port:
                inodes.add(f"socket:[{words[9]}]")
    found = set()
    for folder in Path("/proc").glob("[1-9]*") if inodes else ():
        with suppress(OSError):
            if inodes.intersection(str(entry.readlink()) for entry in (folder / "fd").iterdir()):
                found.add(int(folder.name))
    return sorted(found) or [0] * bool(inodes)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
