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
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from debonair.deb import archive
from debonair.debian.apt import host_architecture
from debonair.debian.rootfs.bed import Bed
from debonair.debian.rootfs.machine import Machine
from debonair.errors import Error, MachineError, TrialError
from debonair.host import run
from debonair.host.cache import Cache
from debonair.host.progress import say, ticking
from debonair.trial import choice, first_answer, forward, stand_ins, variables
from debonair.trial.advice import advice
from debonair.trial.choice import Choice
from debonair.trial.site import HEALTHY_WITHIN, Site, show
from debonair.trial.upgrade import Show

_SLOWER = 6
"""The factor by which an emulated app may take longer."""


@dataclass(frozen=True, slots=True)
class Options:
    """The choices of a person who tries an app."""

    suite: str | None = None
    upgrade_from: Path | None = None
    """A deb of an earlier release, which is served first."""
    breaks: bool = False
    """Show that a broken release is refused."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Variables of the app."""
    port: int | None = None
    keep: bool = False
    command: Sequence[str] = ()


def try_deb(
    debs: Sequence[Path],
    options: Options,
    *,
    complain: Callable[[Error], None],
    cache: Cache,
    environ: Mapping[str, str],
) -> int:
    """Install the one of ``debs`` that fits in a fresh Debian, open its page, and run a command inside.

    A deb of another architecture is installed in a Debian of that architecture, emulated by qemu-user.

    The option ``port`` of this machine's loopback leads to the page while the command runs, or with
    ``keep`` until Ctrl-C. Progress goes to standard error, the page to standard output.

    If the deb does not install or its page does not answer, this raises ``TrialError``. But with a command,
    or ``keep``, the machine is there to find out why, so ``complain`` gets the error. Returns the exit
    status of the command, else that of the error, else 0. Raises ``MachineError``, which names what is
    missing, if this machine cannot run a Debian at all.
    """
    deb = choice.choose(debs, suite=options.suite, architecture=host_architecture())
    old = choice.earlier(options.upgrade_from, deb) if options.upgrade_from else None
    bed = Bed(cache, environ)
    architecture = "" if deb.architecture == "all" else deb.architecture
    status = 0
    with bed.open(deb.suite, architecture=architecture) as machine, ExitStack() as stack:
        if (old or options.breaks) and not machine.systemd:
            raise MachineError(
                "An upgrade under load needs a Debian with systemd, which this machine did not boot.",
                hint='Run it as root: sudo env PATH="$PATH" debonair try ...',
            )
        try:
            _try(bed, machine, deb, old, options)
        except TrialError as wrong:
            if not (options.command or options.keep):
                raise
            complain(wrong)
            status = wrong.exit_code
        if options.port is not None:
            site = Site.of(release_of(machine, deb.package))
            stack.enter_context(forwarded(machine, options.port, inside=site.port if site else 80))
            served = not status or not _is_missing(machine, f"/usr/lib/{deb.package}/current")
            where = "it" if served else "its nginx, but nothing serves the app"
            say(f"http://127.0.0.1:{options.port}/ on this machine leads to {where}.")
        if options.command:
            status = machine.attend(options.command)
        if options.keep:
            _keep(machine)
        return status


def _try(bed: Bed, machine: Machine, deb: Choice, old: Choice | None, options: Options) -> None:
    """Install ``deb``, or ``old`` and then ``deb``, and show its page. Raises ``TrialError``."""
    first, changes = old or deb, bool(old or options.breaks)
    variables.put(machine, deb.package, options.variables)
    with first_answer.shown(machine, deb.package):
        install(bed, machine, first.path)
    if refused := _refused(machine, first):
        raise refused
    machine.serve(deb.package)
    release = release_of(machine, deb.package)
    if options.variables and not release:
        raise TrialError(
            f"{first.path.name} was not built by Debonair, so it does not read the variables that you set.",
            hint="Set them in the way of that package: leave out -e and --env-file, and add: -- bash",
        )
    site = Site.of(release)
    if site:
        show(machine, deb.package, site, release, within=patience(machine), whole=not changes)
        for line in addresses(machine, deb.package) if not changes else ():
            say(line)
    elif changes:
        raise TrialError(f"{first.path.name} serves no page to which requests could be sent.")
    elif not options.command:
        say(f"This package serves no page. To run one of its commands: debonair try {deb.path} -- COMMAND")
    if site and changes:
        _change(bed, machine, deb, old, site, breaks=options.breaks)


def _change(
    bed: Bed, machine: Machine, deb: Choice, old: Choice | None, site: Site, *, breaks: bool
) -> None:
    """Upgrade from ``old`` to ``deb`` under load, then, if it ``breaks``, to a broken release."""
    shown = Show(
        machine,
        deb.package,
        site,
        install=lambda path: (
            install(bed, machine, path) if isinstance(path, Path) else _apt_install(machine, path)
        ),
        refusal=lambda: _refused(machine, deb),
    )
    if old:
        shown.upgrade(deb.path, old.version, deb.version)
    if breaks:
        shown.refuse(f"/srv/{deb.path.name}", deb.version)


def _refused(machine: Machine, deb: Choice) -> TrialError | None:
    """Return the error if the installed release of ``deb`` was refused."""
    if not (problem := refusal(machine, deb.package)):
        return None
    return TrialError(
        f"{deb.path.name} is installed, but is not served:\n{problem}",
        hint=advice(problem, release_of(machine, deb.package)),
    )


def patience(machine: Machine) -> float:
    """Return the seconds within which an app on ``machine`` must answer."""
    return HEALTHY_WITHIN * (1 if machine.architecture == host_architecture() else _SLOWER)


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
    done = _apt_install(machine, inside, *(f"/srv/{path.name}" for path in debs[1:]), more=more)
    for note in stand_ins.notes(names, release_of(machine, fields["Package"])):
        say(note)
    return done


def _apt_install(machine: Machine, inside: str, *others: str, more: int = 0) -> run.Completed:
    """Install the deb at the path ``inside`` and ``others``, with ``more`` packages of the mirror.

    Raises what ``install`` does.
    """
    began = time.monotonic()
    with ticking(f"Installing {PurePosixPath(inside).name}"):
        done = machine.run(["apt-get", "install", "--yes", inside, *others], check=False)
    if done.status:
        last_lines = "\n".join((done.stdout + done.stderr).strip().splitlines()[-40:])
        raise TrialError(
            f"'apt-get install {inside}' exited with status {done.status} on {machine.suite}:\n{last_lines}"
        )
    took = time.monotonic() - began
    along = f", with {more} other package{'s'[: more != 1]}" if more else ""
    say(f"apt-get install {inside}: done in {took:.1f} s{along}.")
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


def _is_missing(machine: Machine, path: str) -> bool:
    return machine.run(["test", "-e", path], check=False).status != 0


def _document(machine: Machine, path: str) -> dict[str, object]:
    """Return the JSON object in the file ``path`` of ``machine``, empty if there is no such file."""
    text = machine.read(path)
    try:
        found = json.loads(text or "{}")
    except (ValueError, RecursionError) as broken:
        raise TrialError(f"{path} is not JSON: {broken}.") from broken
    return found if isinstance(found, dict) else {}


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
