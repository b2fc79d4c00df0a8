"""An upgrade of an app on trial, under load, and a broken release that is refused."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
import textwrap
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from debonair.debian.rootfs.machine import Machine
from debonair.errors import TrialError
from debonair.host import interruption, run
from debonair.host.progress import say, ticking
from debonair.host.run import Completed
from debonair.trial import broken, load
from debonair.trial.page_text import first_lines
from debonair.trial.site import Site, headline, indented, write

_ENDS_WITHIN = 90.0
_LINES = 4
_SHOWN = 12  # lines of a refusal


@dataclass
class Requests:
    """The requests of a load, and what became of them."""

    sent: int = 0
    failed: int = 0
    slowest: float = 0.0
    """Seconds of the slowest."""
    problems: Mapping[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        """Return the counts in words."""
        slowest = f", the slowest took {self.slowest * 1000:.0f} ms" if self.sent else ""
        lines = [f"{self.sent:,} requests, {self.failed:,} failed{slowest}"]
        return "\n".join([*lines, *(f"  {count:,} times: {what}" for what, count in self.problems.items())])


@contextmanager
def loaded(machine: Machine, site: Site, path: str) -> Iterator[Requests]:
    """Request ``path`` of ``site`` again and again in the body; the counts are available after it."""
    program = "/srv/load.py"
    machine.write(program, Path(load.__file__).read_bytes())
    found = Requests()
    with tempfile.TemporaryDirectory(prefix="debonair-load.") as folder:
        output = Path(folder) / "counts"
        words = machine.words(["python3", "-IB", program, str(site.port), path, site.host])
        clients = run.start(words, output=output, stdin=subprocess.PIPE)
        try:
            yield found
        finally:
            _end(clients)
        _count(found, output.read_text(errors="replace"))


def _end(clients: subprocess.Popen[bytes]) -> None:
    """End the clients, which first finish their requests."""
    if clients.stdin:
        clients.stdin.close()
    with suppress(subprocess.TimeoutExpired):
        clients.wait(interruption.patience(_ENDS_WITHIN))
    if clients.poll() is None:
        run.end(clients)


def _count(requests: Requests, output: str) -> None:
    """Read the counts from the ``output`` of the clients. Raises ``TrialError``."""
    try:
        found = json.loads(output)
        requests.sent, requests.failed = int(found["requests"]), int(found["failed"])
        requests.slowest = float(found["slowest"])
        requests.problems = {str(what): int(count) for what, count in found["problems"].items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as strange:
        raise TrialError(f"The requests could not be counted:\n{output.strip()[-2000:]}") from strange


class Show:
    """An app that is installed and served on ``machine``, while further debs of it are installed."""

    def __init__(
        self,
        machine: Machine,
        package: str,
        site: Site,
        *,
        install: Callable[[Path | str], Completed],
        refusal: Callable[[], TrialError | None],
    ) -> None:
        self.machine = machine
        self.package = package
        self.site = site
        self._install = install
        self._refusal = refusal
        self._path = "/" if site.get(machine, "/").status < 400 else site.health
        self._before: list[str] = []

    def page(self, version: str) -> None:
        """Print the first lines of the page, which ``version`` serves."""
        found = self.site.get(self.machine, self._path)
        lines = first_lines(found, _LINES)
        shown = ["(the same page as before)"] if lines == self._before else lines
        write(f"{self.package} {version} is served:")
        write(indented([headline(self.site, self._path, found), *shown]))
        self._before = lines

    def upgrade(self, deb: Path, old: str, new: str) -> None:
        """Install ``deb`` over its earlier release, under load. Raises ``TrialError`` if that fails."""
        self.page(old)
        _, requests = self._under_load(deb)
        write(f"Upgraded to {new} under load:")
        write(indented(str(requests).splitlines()))
        if refused := self._refusal():
            raise refused
        self.page(new)
        if requests.failed:
            raise TrialError(
                f"{requests.failed:,} of {requests.sent:,} requests failed during the upgrade."
            )

    def refuse(self, deb: str, current: str) -> None:
        """Install a broken release of ``deb``, a path inside, under load; show that ``current`` stays.

        Raises ``TrialError`` if it was served, or a request failed.
        """
        with ticking("Making a broken release"):
            made, version = self._broken(deb)
        say(f"Made a broken release: {version}")
        done, requests = self._under_load(made)
        write("apt printed, and exited with status 0:")
        write(indented(told(done.stdout, self.package, shutil.get_terminal_size().columns - 4)))
        write(f"Requests meanwhile:\n{indented(str(requests).splitlines())}")
        self.page(current)
        if not self._refusal():
            raise TrialError(f"The broken release {version} was not refused.")
        if requests.failed:
            raise TrialError(f"{requests.failed:,} of {requests.sent:,} requests failed.")

    def _under_load(self, deb: Path | str) -> tuple[Completed, Requests]:
        """Install ``deb`` under load. Raises ``TrialError`` if no request was made."""
        with loaded(self.machine, self.site, self._path) as requests:
            done = self._install(deb)
        if not requests.sent:
            raise TrialError("No request was made during the installation, so none can be counted.")
        return done, requests

    def _broken(self, deb: str) -> tuple[str, str]:
        """Make a broken release of ``deb``; return its path and its version."""
        root, made = "/var/tmp/broken", f"/srv/{self.package}_broken.deb"  # noqa: S108 - of the machine's root
        try:
            self.machine.run(["dpkg-deb", "--raw-extract", deb, root])
            program = Path(broken.__file__).read_bytes()
            version = self.machine.run(["python3", "-IB", "-", root], stdin=program).stdout.strip()
            self.machine.run(["dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "--build", root, made])
        except run.CommandError as failed:
            last = failed.output.strip().rpartition("\n")[2]
            raise TrialError(f"No broken release of {self.package} could be made: {last}") from failed
        return made, version


def told(output: str, package: str, columns: int) -> list[str]:
    """Return the lines of apt's ``output`` that are about ``package``: few, and of so many ``columns``."""
    start = re.compile(rf"Setting up {re.escape(package)} |{re.escape(package)}: |  \| ")
    lines = [line.rstrip() for line in output.splitlines() if start.match(line)]
    if len(lines) > _SHOWN:
        lines[_SHOWN // 2 : -_SHOWN // 2] = [f"  ({len(lines) - _SHOWN} more lines)"]
    return [part for line in lines for part in _fitted(line, columns)]


def _fitted(line: str, columns: int) -> list[str]:
    """Return ``line`` in parts that fit into ``columns``; a line of the app's log is cut instead."""
    if line.startswith("  | "):
        return [line if len(line) <= columns else line[: columns - 3] + "..."]
    return textwrap.wrap(line, columns, subsequent_indent="  ", break_on_hyphens=False)
