"""The verbs of ``debonair repo`` that decide which versions are offered to which machines."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from debonair.cli.command import Verb
from debonair.cli.output import advise, show
from debonair.cli.repo import publisher
from debonair.cli.repo.options import (
    CHANNEL,
    FILE,
    PERCENT,
    channel_option,
    percent_option,
    reviewed,
    suite_option,
)
from debonair.cli.repo.publisher import where

if TYPE_CHECKING:
    from debonair.repository.publish import Edit


@click.command(
    cls=Verb,
    examples=(
        "debonair repo add dist/*.deb",
        "debonair repo add --channel testing dist/*.deb",
        "debonair repo add --percent 10 dist/*.deb",
    ),
)
@click.argument("debs", nargs=-1, required=True, type=FILE)
@channel_option
@suite_option
@percent_option
@where
@reviewed
def add(
    debs: tuple[Path, ...],
    *,
    channel: str,
    suite: str | None,
    percent: int,
    repository: str,
    dry_run: bool,
    yes: bool,
) -> None:
    """Publish each DEB in the suite that its version names (+deb13)."""
    edit = _added(debs, channel_name=channel, suite=suite, percent=percent)
    publisher.change(
        repository, "add", edit, "This version is already published.", dry_run=dry_run, yes=yes
    )
    if not dry_run:
        advise("debonair", "repo", "bootstrap", *publisher.named(repository))


@click.command(
    cls=Verb,
    examples=("debonair repo publish dist/*.deb --to s3://acme-apt",),
)
@click.argument("debs", nargs=-1, required=True, type=FILE)
@channel_option
@suite_option
@percent_option
@click.option(
    "--to",
    "--repository",
    "-r",
    "repository",
    metavar="PLACE",
    envvar="DEBONAIR_REPOSITORY",
    default=".",
    show_default=True,
    show_envvar=True,
    help="Publish to this repository: a bucket, a folder, or a folder on another machine.",
)
@reviewed
def publish(
    debs: tuple[Path, ...],
    *,
    channel: str,
    suite: str | None,
    percent: int,
    repository: str,
    dry_run: bool,
    yes: bool,
) -> None:
    """Add each DEB to the repository that clients read.

    Only the files that the repository lacks are uploaded.
    """
    edit = _added(debs, channel_name=channel, suite=suite, percent=percent)
    opened = publisher.change(
        repository, "publish", edit, "This version is already published.", dry_run=dry_run, yes=yes
    )
    if not dry_run and (url := opened.draft().head.url):
        show(f"Clients read it at {url}")


@click.command(
    cls=Verb,
    examples=(
        "debonair repo promote guestbook 1.4",
        "debonair repo promote guestbook 1.4 --percent 10",
    ),
)
@click.argument("app")
@click.argument("version")
@click.option("--to", type=CHANNEL, default="stable", show_default=True, help="Promote to this channel.")
@click.option(
    "--from",
    "source",
    type=CHANNEL,
    default="testing",
    show_default=True,
    help="Promote from this channel.",
)
@suite_option
@percent_option
@where
@reviewed
def promote(
    app: str,
    version: str,
    *,
    to: str,
    source: str,
    suite: str | None,
    percent: int,
    repository: str,
    dry_run: bool,
    yes: bool,
) -> None:
    """Offer VERSION of APP in another channel, too."""
    from debonair.repository.edits import versions

    edit = versions.promote(app, version, source=source, to=to, suite=suite, percent=percent)
    publisher.change(
        repository, "promote", edit, "This version is already published.", dry_run=dry_run, yes=yes
    )
    if not dry_run and percent < 100:
        words = ("debonair", "repo", "rollout", app, version, "--percent", 100)
        advise(*words, "--channel", to, *publisher.named(repository))


@click.command(
    cls=Verb,
    examples=(
        "debonair repo rollout guestbook 1.4 --percent 50",
        "debonair repo rollout guestbook 1.4 --halt",
    ),
)
@click.argument("app")
@click.argument("version")
@click.option(
    "--percent", type=PERCENT, metavar="N", help="Offer the version to N percent of the machines."
)
@click.option(
    "--halt",
    is_flag=True,
    help="Stop offering the version to further machines. Machines that have it keep it.",
)
@channel_option
@suite_option
@where
@reviewed
def rollout(
    app: str,
    version: str,
    *,
    percent: int | None,
    halt: bool,
    channel: str,
    suite: str | None,
    repository: str,
    dry_run: bool,
    yes: bool,
) -> None:
    """Offer VERSION of APP to a share of the machines first.

    With --halt, stop a rollout.
    """
    from debonair.repository.edits import versions

    if (percent is None) != halt:
        raise click.UsageError("Use one of --percent N and --halt.")
    edit = versions.rollout(app, version, percent=percent, channel_name=channel, suite=suite)
    publisher.change(
        repository,
        "rollout",
        edit,
        "Nothing to change: the rollout already has this state.",
        dry_run=dry_run,
        yes=yes,
    )
    if not dry_run and percent is not None and percent < 100:
        words = ("debonair", "repo", "rollout", app, version, "--percent", 100)
        advise(*words, "--channel", channel, *publisher.named(repository))


@click.command(
    cls=Verb,
    examples=(
        "debonair repo rollback guestbook",
        "debonair repo rollback guestbook 1.3",
    ),
)
@click.argument("app")
@click.argument("version", required=False)
@channel_option
@suite_option
@where
@reviewed
def rollback(
    app: str,
    version: str | None,
    *,
    channel: str,
    suite: str | None,
    repository: str,
    dry_run: bool,
    yes: bool,
) -> None:
    """Roll APP back to VERSION, or to the previous version.

    Every subscribed machine then goes back to it.
    """
    from debonair.repository.edits import versions

    edit = versions.rollback(app, version, channel_name=channel, suite=suite)
    publisher.change(
        repository,
        "rollback",
        edit,
        "Nothing to change: this version is already offered.",
        dry_run=dry_run,
        yes=yes,
    )


def _added(debs: Sequence[Path], **where: Any) -> Edit:
    """Return the edit that publishes ``debs``.

    Processes that cannot reach the key read the debs, because strangers may have built them.
    """
    from debonair.deb import reader_pool

    with reader_pool.Pool() as pool:  # its first process starts while this one imports the rest
        from debonair.debian import offered
        from debonair.host.cache import Cache
        from debonair.repository.edits import versions
        from debonair.repository.pool import apart

        cache = Cache.of(os.environ)
        debian = partial(offered.packages, cache=cache)
        return versions.add(debs, publisher.suites, reader=apart(pool), debian=debian, **where)
