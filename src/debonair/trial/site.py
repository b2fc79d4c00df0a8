"""The page of an app on trial: where it is served, whether it is healthy, and how it is shown."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from debonair.debian.rootfs.machine import Machine, Reply
from debonair.errors import TrialError
from debonair.host.progress import erase, ticking
from debonair.host.terminal import plain
from debonair.trial.advice import advice
from debonair.trial.page_text import first_lines, page

HEALTHY_WITHIN = 30.0
"""Seconds for an app to become healthy, on a machine that is not emulated."""
_SITE_WITHIN = 5.0  # seconds for nginx to load a new site
_NGINX_ITSELF = b"<title>Welcome to nginx!</title>"
_MADE_BY_NGINX = re.compile(rb"<center>nginx(/[\d.]+)?</center>")
_AWAY = frozenset({502, 503, 504})
"""The answers of nginx as long as the app does not listen yet."""
FIRST_LINES = 8
"""Lines of an error page."""


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


def healthy(machine: Machine, package: str, site: Site, *, within: float = HEALTHY_WITHIN) -> Reply:
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


def answered(
    machine: Machine, package: str, site: Site, path: str, *, within: float = HEALTHY_WITHIN
) -> Reply:
    """Request ``path`` of ``site`` until the app answers, whatever the status; return the answer.

    Only nginx's own answers are waited for, for ``within`` seconds: an app that answers 404 or 500 will not
    change its mind. Raises ``TrialError`` with the output of the services if there is no answer of the app.
    """
    began = time.monotonic()
    while True:
        waited = time.monotonic() - began
        try:
            found = site.get(machine, path, timeout=max(within - waited, 1))
        except TrialError as silent:
            problem = silent.message
        else:
            patience = within if found.status in _AWAY else _SITE_WITHIN
            if not _of_nginx(found) or (waited > patience and _NGINX_ITSELF not in found.body):
                return found
            problem = f"the last answer was {found.status} {found.reason}"
            if _NGINX_ITSELF in found.body:
                problem = "nginx shows its own welcome page instead of the app's site"
        if waited > within or machine.broken(package):
            raise TrialError(
                f"{site.address}{path} did not answer: {problem}.\n\n{machine.evidence(package)}"
            )
        time.sleep(0.1)


def _of_nginx(found: Reply) -> bool:
    """Return whether nginx itself has written the answer ``found``."""
    return _NGINX_ITSELF in found.body or bool(found.status >= 400 and _MADE_BY_NGINX.search(found.body))


def show(
    machine: Machine,
    package: str,
    site: Site,
    release: Mapping[str, object],
    *,
    within: float = HEALTHY_WITHIN,
    whole: bool = True,
) -> None:
    """Wait until ``package`` answers, and print its page, if the ``whole`` is wanted.

    Raises ``TrialError`` with the answer and the app's output if it is not healthy, or if the page is an
    error of the app (5xx).
    """
    began = time.monotonic()
    with ticking(f"Waiting for the page of {package}"):
        found = answered(machine, package, site, site.health, within=within)
    waited = time.monotonic() - began
    if found.status >= 400:
        raise _error(machine, package, headline(site, site.health, found), found, release)
    if site.health != "/":
        answer = f"{found.status} {found.reason}"
        if whole:
            write(f"GET {site.address}{site.health} -> {answer}, up after {waited:.1f} s")
        found = site.get(machine, "/")
        if found.status >= 500:
            raise _error(machine, package, headline(site, "/", found), found, release)
    if not whole:
        return
    write(f"{headline(site, '/', found)} in {found.seconds * 1000:.0f} ms")
    write(indented(page(found).splitlines()))


def _error(
    machine: Machine, package: str, title: str, found: Reply, release: Mapping[str, object]
) -> TrialError:
    """Return the error for the answer ``found``: its first lines and, if the app failed, its output."""
    lines = [title, indented(first_lines(found, FIRST_LINES))]
    log = machine.evidence(package) if found.status >= 500 else ""
    hint = advice(f"answers {found.status}\n{log}", release)
    return TrialError("\n".join([*lines, *(["", log] if log else [])]), hint=hint)


def headline(site: Site, path: str, found: Reply) -> str:
    """Return the line that names a request and its answer."""
    return f"GET {site.address}{path} -> {found.status} {found.reason}".rstrip()


def indented(lines: Sequence[str]) -> str:
    """Return ``lines`` as a block below a headline."""
    return "\n".join(f"  {line}" for line in lines)


def write(text: str) -> None:
    """Write ``text`` to standard output, where strangers' characters cannot control a terminal."""
    erase()
    sys.stdout.write(plain(text) + "\n")
    sys.stdout.flush()
