"""``debonair try``: start a real Debian within about a second, install a deb in it, and open its page.

The end-to-end tests use the same Debians.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from debonair.deb import archive
from debonair.debian.apt import host_architecture
from debonair.debian.rootfs.bed import Bed
from debonair.debian.rootfs.machine import Machine, Reply
from debonair.errors import MachineError, TrialError
from debonair.host import run
from debonair.host.cache import Cache
from debonair.host.progress import say
from debonair.host.terminal import plain
from debonair.trial import choice, forward, stand_ins
from debonair.trial.advice import advice

_HEALTHY_WITHIN = 30.0
_NGINX_ITSELF = b"<title>Welcome to nginx!</title>"
_BODY_LINES = 40
_BODY_COLUMNS = 160


@dataclass(frozen=True, slots=True)
class Site:
    """The address at which a package serves its pages, from its release.json."""

    health: str = "/"
    """The path that answers with a status below 400 when the app is healthy."""
    host: str = ""
    """A name that the site answers to; empty if it answers to any."""
    port: int = 80

    @classmethod
    def of(cls, release: Mapping[str, object]) -> Site | None:
        """Return the site of a ``release``, None if it serves no page. Raises ``TrialError``."""
        served = release.get("wsgi") != "" or release.get("server") == "command"
        if "health" not in release or not served:
            return None
        port = release.get("port", 80)
        if not isinstance(port, int) or not 0 < port < 65536:
            raise TrialError(f"The release.json of the deb has the port {port!r}, which is not valid.")
        return cls(str(release["health"]), str(release.get("host", "")), port)

    @property
    def address(self) -> str:
        """The URL of the site inside, without a path."""
        return "http://127.0.0.1" + (f":{self.port}" if self.port != 80 else "")

    def get(self, machine: Machine, path: str, *, timeout: float = 30) -> Reply:
        """Request a ``path`` of the site from ``machine``, within ``timeout`` s. Raises ``TrialError``."""
        named = {"Host": self.host} if self.host else {}
        return machine.get(path, headers=named, port=self.port, timeout=timeout)


def try_deb(
    debs: Sequence[Path],
    *,
    suite: str | None,
    port: int | None,
    keep: bool,
    command: Sequence[str],
    cache: Cache,
    environ: Mapping[str, str],
) -> int:
    """Install the one of ``debs`` that fits in a fresh Debian, open its page, and run ``command`` inside.

    A deb of another architecture is installed in a Debian of that architecture, emulated by qemu-user.

    ``port`` of this machine's loopback leads to the page while ``command`` runs, or with ``keep`` until
    Ctrl-C. Progress goes to standard error, the page to standard output. Returns the exit status of
    ``command``, else 0. Raises ``TrialError`` if the deb does not install or its page does not answer.
    Raises ``MachineError``, which names what is missing, if this machine cannot run a Debian at all.
    """
    deb = choice.choose(debs, suite=suite, architecture=host_architecture())
    bed = Bed(cache, environ)
    architecture = "" if deb.architecture == "all" else deb.architecture
    with bed.open(deb.suite, architecture=architecture) as machine, ExitStack() as stack:
        install(bed, machine, deb.path)
        if problem := refusal(machine, deb.package):
            raise TrialError(
                f"{deb.path.name} is installed, but is not served:\n{problem}",
                hint=advice(problem, release_of(machine, deb.package)),
            )
        machine.serve(deb.package)
        release = release_of(machine, deb.package)
        site = Site.of(release)
        if site:
            _show(machine, deb.package, site)
            for line in addresses(machine, deb.package):
                say(line)
        elif not command:
            say(
                f"This package serves no page. To run one of its commands: debonair try {deb.path} -- "
                "COMMAND"
            )
        if port is not None:
            stack.enter_context(forwarded(machine, port, inside=site.port if site else 80))
            say(f"http://127.0.0.1:{port}/ on this machine leads to it.")
        status = machine.attend(command) if command else 0
        if keep:
            _keep(machine)
        return status


def install(bed: Bed, machine: Machine, deb: Path) -> run.Completed:
    """Install ``deb`` and its dependencies on ``machine`` with its apt, and print that.

    Returns apt's output. Raises ``TrialError`` with the end of it if apt fails.
    """
    fields = archive.read_control(deb)
    named = (fields.get(field, "") for field in ("Pre-Depends", "Depends"))
    names = stand_ins.needed(named, machine.suite)
    with tempfile.TemporaryDirectory(prefix="debonair-stand-ins.") as folder:
        debs = [deb, *stand_ins.debs(names, Path(folder))]
        more = bed.stock(machine, *debs)
        for path in debs:
            machine.copy_in(path, f"/srv/{path.name}")
    stand_ins.settle(machine)
    inside = f"/srv/{deb.name}"
    began = time.monotonic()
    words = [f"/srv/{path.name}" for path in debs]
    done = machine.run(["apt-get", "install", "--yes", *words], check=False)
    if done.status:
        last_lines = "\n".join((done.stdout + done.stderr).strip().splitlines()[-40:])
        raise TrialError(
            f"'apt-get install {inside}' exited with status {done.status} on {machine.suite}:\n{last_lines}"
        )
    took = time.monotonic() - began
    others = f", with {more} other package{'s'[: more != 1]}" if more else ""
    say(f"apt-get install {inside}: done in {took:.1f} s{others}.")
    for note in stand_ins.notes(names, release_of(machine, fields["Package"])):
        say(note)
    return done


def addresses(machine: Machine, package: str) -> list[str]:
    """Return lines with the addresses of the installed ``package``, inside and on a Pi."""
    try:
        found = json.loads(machine.run([package, "status", "--json"], check=False).stdout or "{}")
        urls = [str(url) for url in found["addresses"]]
    except (ValueError, RecursionError, KeyError, TypeError):  # of a version without addresses
        return []
    lines = [f"Its addresses inside: {', '.join(urls)}"] if urls else []
    unit = f"/usr/lib/systemd/system/{package}.local.service"
    if urls and machine.read(unit) is not None:
        lines.append(f"On a Pi with Avahi, it also answers at http://{package}.local/.")
    return lines


def release_of(machine: Machine, package: str) -> dict[str, object]:
    """Return the release.json of the installed ``package``, empty if it serves no page."""
    return _document(machine, f"/usr/lib/{package}/dist/release.json")


def refusal(machine: Machine, package: str) -> str:
    """Return why the installed release of ``package`` was refused, with the end of its log, or nothing."""
    match _document(machine, f"/usr/lib/{package}/releases/switch.json").get("refused"):
        case {"version": str(version), "why": str(why), "log": str(log)}:
            lines = [f"  | {line}" for line in log.splitlines()]
            return "\n".join([f"{package} {version} was refused: {why}", *lines])
    return ""


def _document(machine: Machine, path: str) -> dict[str, object]:
    """Return the JSON object in the file ``path`` of ``machine``, empty if there is no such file."""
    text = machine.read(path)
    try:
        found = json.loads(text or "{}")
    except (ValueError, RecursionError) as broken:
        raise TrialError(f"{path} is not JSON: {broken}.") from broken
    return found if isinstance(found, dict) else {}


def healthy(machine: Machine, package: str, site: Site, *, within: float = _HEALTHY_WITHIN) -> Reply:
    """Request the health of ``site`` until it is healthy, for ``within`` seconds; return the answer.

    Raises ``TrialError`` with the output of the services of ``package`` if it does not become healthy.
    """
    deadline = time.monotonic() + within
    while True:
        try:
            found = site.get(machine, site.health, timeout=max(deadline - time.monotonic(), 1))
            if found.status < 400 and _NGINX_ITSELF not in found.body:
                return found
            answer = f"the last answer was {found.status} {found.reason}"
            if _NGINX_ITSELF in found.body:
                answer = "nginx shows its own welcome page instead of the app's site"
        except TrialError as silent:
            answer = silent.message
        if time.monotonic() > deadline or machine.broken(package):
            raise TrialError(
                f"{site.address}{site.health} did not become healthy: {answer}.\n"
                "\n"
                f"{machine.evidence(package)}",
            )
        time.sleep(0.1)


def page(found: Reply) -> str:
    """Return the body of an answer as text for people, shortened to a screenful."""
    kind = found.headers.get("content-type", "")
    if not kind.startswith(("text/", "application/json")):
        return f"({kind or 'no content type'}, {len(found.body)} bytes)"
    lines = [line.rstrip() for line in found.text.splitlines() if line.strip()]
    shown = [line if len(line) <= _BODY_COLUMNS else line[: _BODY_COLUMNS - 3] + "..." for line in lines]
    if len(shown) > _BODY_LINES:
        shown[_BODY_LINES:] = [f"({len(shown) - _BODY_LINES} more lines)"]
    return "\n".join(shown)


@contextmanager
def forwarded(machine: Machine, port: int, *, inside: int = 80) -> Iterator[None]:
    """Forward ``port`` of this machine's loopback to port ``inside`` of ``machine``'s in the body.

    Raises ``MachineError`` if the port is in use or not permitted.
    """
    with socket.socket() as listening, tempfile.TemporaryDirectory(prefix="debonair-port.") as work:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind(("127.0.0.1", port))
        except OSError as refused:
            raise MachineError(
                f"Port {port} of 127.0.0.1 is not available: {refused.strerror}.",
                hint="Choose another port: --port 8000",
            ) from refused
        listening.listen(64)
        number = listening.fileno()
        program = [sys.executable, "-I", forward.__file__, str(number), str(inside)]
        joined = run.start([*machine.network, *program], output=Path(work) / "log", pass_fds=(number,))
        try:
            yield
        finally:
            joined.terminate()
            with suppress(subprocess.TimeoutExpired):
                joined.wait(timeout=5)


def _show(machine: Machine, package: str, site: Site) -> None:
    """Wait until ``package`` is healthy, and print its page."""
    began = time.monotonic()
    found = healthy(machine, package, site)
    waited = time.monotonic() - began
    if site.health != "/":
        answer = f"{found.status} {found.reason}"
        _print(f"GET {site.address}{site.health} -> {answer}, up after {waited:.1f} s")
        found = site.get(machine, "/")
    _print(f"GET {site.address}/ -> {found.status} {found.reason} in {found.seconds * 1000:.0f} ms")
    _print("\n".join(f"  {line}" for line in page(found).splitlines()))


def _print(text: str) -> None:
    sys.stdout.write(plain(text) + "\n")
    sys.stdout.flush()


def _keep(machine: Machine) -> None:
    """Wait until Ctrl-C, or until the machine ends by itself."""
    say(
        "It runs until you press Ctrl-C. To open a shell in it, type in another terminal of the same "
        "user:\n"
        f"  {machine.way_in}"
    )
    with suppress(KeyboardInterrupt):
        while machine.alive:
            time.sleep(0.2)
    say("The trial has ended and leaves nothing on this machine.")
