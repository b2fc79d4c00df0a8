"""The verbs of ``debonair repo`` about versions: what is offered, to whom."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from debonair.cli.repo import publisher
from debonair.cli.repo.options import CHANNEL, FILE, PERCENT, channel_option, suite_option
from debonair.cli.repo.publisher import where

if TYPE_CHECKING:
    from debonair.repository.publish import Edit


@click.command()
@click.argument("debs", nargs=-1, required=True, type=FILE)
@channel_option
@suite_option
@click.option(
    "--percent", type=PERCENT, metavar="N", default=100, help="The share of machines that may take it."
)
@where
def add(debs: tuple[Path, ...], *, channel: str, suite: str | None, percent: int, repository: str) -> None:
    """Publish each DEB in the suite that its version names (+deb13)."""
    edit = _added(debs, channel_name=channel, suite=suite, percent=percent)
    publisher.change(repository, "add", edit, "It is there already.")


@click.command()
@click.argument("debs", nargs=-1, required=True, type=FILE)
@channel_option
@suite_option
@click.option(
    "--percent", type=PERCENT, metavar="N", default=100, help="The share of machines that may take it."
)
@click.option(
    "--to",
    "--repository",
    "-r",
    "repository",
    metavar="URL",
    envvar="DEBONAIR_REPOSITORY",
    default=".",
    help="Where the repository is: a bucket, another machine, a folder; else DEBONAIR_REPOSITORY.",
)
def publish(
    debs: tuple[Path, ...], *, channel: str, suite: str | None, percent: int, repository: str
) -> None:
    """Add each DEB to the repository that clients read, and upload what that is missing."""
    edit = _added(debs, channel_name=channel, suite=suite, percent=percent)
    opened = publisher.change(repository, "publish", edit, "It is there already.")
    if url := opened.draft().head.url:
        click.echo(f"Clients read it at {url}")


@click.command()
@click.argument("app")
@click.argument("version")
@click.option("--to", type=CHANNEL, default="stable", show_default=True, help="The channel that gets it.")
@click.option("--from", "source", type=CHANNEL, default="testing", show_default=True, help="That has it.")
@suite_option
@click.option(
    "--percent", type=PERCENT, metavar="N", default=100, help="The share of machines that may take it."
)
@where
def promote(
    app: str, version: str, *, to: str, source: str, suite: str | None, percent: int, repository: str
) -> None:
    """Offer VERSION of APP in another channel too."""
    from debonair.repository.edits import versions

    edit = versions.promote(app, version, source=source, to=to, suite=suite, percent=percent)
    publisher.change(repository, "promote", edit, "It is there already.")


@click.command()
@click.argument("app")
@click.argument("version")
@click.option("--percent", type=PERCENT, metavar="N", help="The share of machines that may take it.")
@click.option("--halt", is_flag=True, help="No further machine takes it; those that have it keep it.")
@channel_option
@suite_option
@where
def rollout(
    app: str,
    version: str,
    *,
    percent: int | None,
    halt: bool,
    channel: str,
    suite: str | None,
    repository: str,
) -> None:
    """Offer VERSION of APP to a share of the machines first, or halt that."""
    from debonair.repository.edits import versions

    if (percent is None) != halt:
        raise click.UsageError("Say either --percent N or --halt.")
    edit = versions.rollout(app, version, percent=percent, channel_name=channel, suite=suite)
    publisher.change(repository, "rollout", edit, "It is so already.")


@click.command()
@click.argument("app")
@click.argument("version", required=False)
@channel_option
@suite_option
@where
def rollback(app: str, version: str | None, *, channel: str, suite: str | None, repository: str) -> None:
    """Take APP back to VERSION, or to the one before, on every machine that follows."""
    from debonair.repository.edits import versions

    edit = versions.rollback(app, version, channel_name=channel, suite=suite)
    publisher.change(repository, "rollback", edit, "It is so already.")


def _added(debs: Sequence[Path], **where: Any) -> Edit:
    """Return the edit that publishes ``debs``, which are read away from the key."""
    from debonair.deb import reader_pool

    with reader_pool.Pool() as pool:  # its first process begins while the rest is imported
        from debonair.repository.edits import versions
        from debonair.repository.pool import apart

        return versions.add(debs, publisher.suites, reader=apart(pool), **where)
