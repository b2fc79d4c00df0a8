"""The publisher on this machine: keys, pins, clock and name, for the verbs of ``debonair repo``."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from debonair.cli.output import show
from debonair.errors import Error
from debonair.host.progress import say, warn
from debonair.host.terminal import plain

if TYPE_CHECKING:
    from debonair.repository.pins import Pins
    from debonair.repository.publish import Edit, Repository
    from debonair.repository.state import Suite

DAY = 86400


def where(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a verb the option that names the place of a repository."""
    return click.option(
        "--repository",
        "-r",
        metavar="PLACE",
        envvar="DEBONAIR_REPOSITORY",
        default=".",
        show_default=True,
        show_envvar=True,
        help="Use the repository in this folder, bucket, or folder on another machine.",
    )(function)


def change(
    place: str, verb: str, edit: Edit, nothing: str, *, dry_run: bool = False, yes: bool = True
) -> Repository:
    """Apply ``edit`` and print what it changed, or the sentence ``nothing``; return the repository.

    With ``dry_run``, only print what it would change. Ask a person first, unless ``yes``.
    """
    from debonair.repository.excerpt import shown

    warn_of_time()
    opened = repository(place)
    if dry_run:
        _, would = opened.rehearse(edit)
        for line in would or [nothing]:
            show(shown(line))
        unchanged()
        return opened
    if not yes and attended():
        _, would = opened.rehearse(edit)
        if would:
            confirm(place, [shown(line) for line in would])
    what: Sequence[str] = opened.change(verb, edit)
    for line in what or [nothing]:
        show(shown(line))
    return opened


def named(place: str) -> tuple[str, ...]:
    """Return the words that name the repository in ``place`` again, if it is not the usual one."""
    return () if place == os.environ.get("DEBONAIR_REPOSITORY", ".") else ("-r", place)


def attended() -> bool:
    """Return whether a person can be asked. A script or a timer has no terminal, and agrees."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def confirm(place: str, lines: Sequence[str]) -> None:
    """Show a person the ``lines`` that a change consists of, and continue only if the person agrees."""
    for line in lines:
        show(f"  {line}", err=True)
    click.confirm(plain(f"Make this change in {place}?"), abort=True, err=True)


def unchanged() -> None:
    """Tell that a rehearsal is over."""
    say("Nothing was changed.")


def warn_of_time() -> None:
    """Print a warning if SOURCE_DATE_EPOCH, perhaps left by a build, will date the index."""
    import time

    from debonair.repository.release import stamp

    if abs((dated := clock()) - time.time()) > DAY:
        warn(f"SOURCE_DATE_EPOCH is set: signatures are now dated {stamp(dated)}.")


def repository(where: str) -> Repository:
    """Return the repository in the place ``where``, without reading it yet."""
    from debonair.repository import signing
    from debonair.repository.publish import Repository
    from debonair.repository.storage import locate
    from debonair.repository.trust import Trust

    storage = locate.storage(where, os.environ, clock=clock)
    trust = Trust(storage, locate.identity(where), pins(), signing.Gpg(None).signers)
    return Repository(storage, signer, trust, clock=clock, who=who())


def signer(name: str) -> Any:
    """Return the signer of the repository ``name``: its own keys, or else the user's keys."""
    from debonair.repository.signing import Gpg

    home = keys(name)
    return Gpg(home if home.exists() else None)


def keys(name: str) -> Path:
    """Return the folder of the private keys of the repository ``name``."""
    return _config() / "repositories" / name / "gnupg"


def pins() -> Pins:
    """Return the records that this account keeps of the repositories that it has seen."""
    from debonair.repository.pins import Pins

    return Pins(_config() / "places")


def nothing(opened: Repository) -> bool:
    """Tell whether there is certainly no repository.

    Only then may its key be deleted: a repository that might exist needs it.
    """
    from debonair.repository import state

    try:
        return opened.storage.read(state.HEAD, state.HEAD_MOST) is None
    except Error:
        return False


def discard(home: Path) -> None:
    """Remove a key that signs nothing, because its repository was not created."""
    import shutil

    shutil.rmtree(home.parent, ignore_errors=True)


def suites() -> list[Suite]:
    """Return the suites that have targets."""
    from debonair import target
    from debonair.repository.edits import versions

    return versions.suites(
        {each.name: (each.release, each.architectures) for each in target.suites().values()}
    )


def released() -> set[int]:
    """Return the numbers of the Debian releases that are published and have targets."""
    from debonair import target

    return {each.release for each in target.suites().values() if each.released}


def clock() -> int:
    """Return the time that signatures are dated with, in seconds since the epoch."""
    from debonair.host.clock import now

    return now(os.environ)


def who() -> str:
    """Return the account and the machine, or the value of DEBONAIR_PUBLISHER, such as the name of a CI."""
    import getpass
    import platform

    if chosen := os.environ.get("DEBONAIR_PUBLISHER"):
        return chosen
    try:
        account = getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as in a container
        account = str(os.getuid())
    return f"{account}@{platform.node()}"


def _config() -> Path:
    base = os.environ.get("XDG_CONFIG_HOME") or str(Path(os.environ.get("HOME", "/")) / ".config")
    return Path(base) / "debonair"
