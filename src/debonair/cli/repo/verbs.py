"""The verbs of ``debonair repo``. No logic: each reads its arguments, asks ``apt/``, and prints."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from debonair.cli.repo import keys, publisher
from debonair.cli.repo.publisher import DAY, where
from debonair.errors import RepositoryError
from debonair.host.terminal import plain

if TYPE_CHECKING:
    from debonair.repository.publish import Edit

_FILE = click.Path(path_type=Path, dir_okay=False)
_CHANNEL = click.Choice(["stable", "testing"])
_PERCENT = click.IntRange(0, 100)


class _Days(click.ParamType[int]):
    """A time in days: ``90d`` or ``90``."""

    name = "days"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        found = re.fullmatch(r"(\d{1,5})d?", str(value))
        if found is None:
            self.fail(f"'{value}' is not a number of days, such as 90d.", param, ctx)
        return int(found[1])


def _channel(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--channel", type=_CHANNEL, default="stable", show_default=True, help="Whose suites are meant."
    )(function)


def _suite(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.option("--suite", metavar="SUITE", help="Only this suite of Debian, such as trixie.")(
        function
    )


@click.group()
def repo() -> None:
    """Publish debs in a signed apt repository: static files, for any web server."""


@repo.command()
@click.argument("place")
@click.option(
    "--name", metavar="NAME", required=True, help="Its name for ever, such as acme: Origin of its suites."
)
@click.option(
    "--url", metavar="URL", default="", help="Where clients will read it, such as https://apt.example.org."
)
@click.option(
    "--key", metavar="FINGERPRINT", help="Sign by this key of your own GnuPG home, not by a new one."
)
@click.option(
    "--valid-days",
    metavar="DAYS",
    type=click.IntRange(1, 3650),
    default=14,
    show_default=True,
    help="For how long clients believe an index that is not signed anew; renew --timer signs it.",
)
def init(place: str, *, name: str, url: str, key: str | None, valid_days: int) -> None:
    """Make a repository, with its key, and an empty suite for each Debian and channel.

    PLACE is a folder; one of another machine (host:path, ssh://host/path); or a bucket (s3://bucket/folder,
    gs://bucket/folder, az://container/folder).
    """
    from debonair.repository import bootstrap, state
    from debonair.repository.edits import versions
    from debonair.repository.signing import Gpg
    from debonair.repository.trust import gone

    bootstrap.check_name(name)
    url = bootstrap.check_url(url) if url else ""
    repository = publisher.repository(place)
    publisher.warn_of_time()
    if repository.storage.read(state.HEAD) is None:
        now = publisher.clock()
        home = None if key else publisher.keys(name)
        signer = Gpg(home)
        if (pin := repository.trust.pins.load(repository.trust.place)) is not None:
            raise gone(repository.storage, pin)
        if home is not None and home.exists():
            raise RepositoryError(
                f"There are keys of a repository '{name}' already, in {home}.",
                hint="Use another name; or move that folder away, if that repository is no more.",
            )
        made = signer.adopt(key, now=now) if key else signer.create(f"{name} archive key", now=now)
        head = state.Head(state.FORMAT, name, 0, "", (made,), valid_days, {}, url=url)
        try:
            repository.create(head, versions.first(publisher.suites()))
        except BaseException:
            if home is not None and publisher.nothing(repository):
                publisher.discard(home)
            raise
        click.echo(f"{place}: repository '{name}'")
        click.echo(f"Key:  {made.fingerprint}")
        click.echo(f"Kept: {home or 'in your GnuPG home'}; make a copy of it in a safe place")
        click.echo(
            f"Next: debonair repo renew --timer  signs it anew before {valid_days} days are over", err=True
        )
        if not url:
            click.echo(
                "Next: debonair repo bootstrap --url https://...  says where clients read it", err=True
            )
        return
    repository.create(state.Head(state.FORMAT, name, 0, "", (), valid_days, {}), versions.first(()))


@repo.command()
@click.argument("debs", nargs=-1, required=True, type=_FILE)
@_channel
@_suite
@click.option(
    "--percent", type=_PERCENT, metavar="N", default=100, help="The share of machines that may take it."
)
@where
def add(debs: tuple[Path, ...], *, channel: str, suite: str | None, percent: int, repository: str) -> None:
    """Publish each DEB in the suite that its version names (+deb13)."""
    edit = _added(debs, channel_name=channel, suite=suite, percent=percent)
    publisher.change(repository, "add", edit, "It is there already.")


@repo.command()
@click.argument("debs", nargs=-1, required=True, type=_FILE)
@_channel
@_suite
@click.option(
    "--percent", type=_PERCENT, metavar="N", default=100, help="The share of machines that may take it."
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


@repo.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@where
def list_(*, as_json: bool, repository: str) -> None:
    """List what each suite offers."""
    import msgspec

    from debonair.repository import landing_page
    from debonair.repository.excerpt import shown

    found = landing_page.packages(publisher.repository(repository).draft())
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(found), indent=2))
        return
    rows = landing_page.as_table(found)
    widths = [max([len(row[at]) for row in rows], default=0) for at in range(4)]
    for row in rows:
        cells = [shown(cell).ljust(width) for cell, width in zip(row, [*widths, 0], strict=True)]
        click.echo("  ".join(cells).rstrip())


@repo.command()
@click.argument("app")
@click.argument("version")
@click.option("--to", type=_CHANNEL, default="stable", show_default=True, help="The channel that gets it.")
@click.option("--from", "source", type=_CHANNEL, default="testing", show_default=True, help="That has it.")
@_suite
@click.option(
    "--percent", type=_PERCENT, metavar="N", default=100, help="The share of machines that may take it."
)
@where
def promote(
    app: str, version: str, *, to: str, source: str, suite: str | None, percent: int, repository: str
) -> None:
    """Offer VERSION of APP in another channel too."""
    from debonair.repository.edits import versions

    edit = versions.promote(app, version, source=source, to=to, suite=suite, percent=percent)
    publisher.change(repository, "promote", edit, "It is there already.")


@repo.command()
@click.argument("app")
@click.argument("version")
@click.option("--percent", type=_PERCENT, metavar="N", help="The share of machines that may take it.")
@click.option("--halt", is_flag=True, help="No further machine takes it; those that have it keep it.")
@_channel
@_suite
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


@repo.command()
@click.argument("app")
@click.argument("version", required=False)
@_channel
@_suite
@where
def rollback(app: str, version: str | None, *, channel: str, suite: str | None, repository: str) -> None:
    """Take APP back to VERSION, or to the one before, on every machine that follows."""
    from debonair.repository.edits import versions

    edit = versions.rollback(app, version, channel_name=channel, suite=suite)
    publisher.change(repository, "rollback", edit, "It is so already.")


@repo.command()
@click.option(
    "--keep",
    metavar="N",
    type=click.IntRange(1),
    default=3,
    show_default=True,
    help="Newest versions to keep.",
)
@click.option(
    "--older-than",
    metavar="DAYS",
    type=_Days(),
    default="90d",
    show_default=True,
    help="Keep what was offered in as many days: a machine may need it still.",
)
@where
def prune(*, keep: int, older_than: int, repository: str) -> None:
    """Remove debs that no suite has offered for long, and what unfinished publishers left."""
    from debonair.repository import sweep
    from debonair.repository.edits import versions
    from debonair.repository.excerpt import shown

    opened = publisher.repository(repository)
    for line in opened.change("prune", versions.prune(keep=keep, older_than=older_than * DAY)):
        click.echo(shown(line))
    gone = sweep.sweep(opened.draft(), older_than=older_than * DAY)
    click.echo(f"{len(gone)} files removed, {sum(each.size for each in gone) / 1e6:.1f} MB")


@repo.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@where
def history(*, as_json: bool, repository: str) -> None:
    """Show who changed what, and when, the newest first."""
    import msgspec

    from debonair.repository import history as log
    from debonair.repository.excerpt import shown
    from debonair.repository.release import stamp

    opened = publisher.repository(repository)
    for change in log.read(opened.storage, opened.draft().head.history):
        if as_json:
            click.echo(json.dumps(msgspec.to_builtins(change)))
        else:
            click.echo(
                f"{change.generation:>5}  {stamp(change.date)}  {shown(change.who)}  {shown(change.verb)}"
            )
            for line in change.what:
                click.echo(f"       {shown(line)}")


@repo.command()
@click.option(
    "--port", metavar="PORT", type=click.IntRange(0, 65535), default=8080, show_default=True, help="Of TCP."
)
@click.option(
    "--host",
    metavar="ADDRESS",
    default="127.0.0.1",
    show_default=True,
    help="Whose requests: 0.0.0.0 for all.",
)
@click.option(
    "--logins",
    metavar="FILE",
    type=_FILE,
    help="File with lines name:password; without it anybody may read.",
)
@where
def serve(*, port: int, host: str, logins: Path | None, repository: str) -> None:
    """Serve the repository by HTTP until Ctrl-C."""
    from debonair.host import run
    from debonair.repository import http_server, state
    from debonair.repository.storage import locate
    from debonair.repository.storage.folder import Folder

    root = locate.folder(repository)
    if Folder(root).size(state.HEAD) is None:
        raise RepositoryError(
            f"There is no repository in {root}: {state.HEAD} is missing.",
            hint="Name its folder with --repository, or make one: debonair repo init DIR --name NAME",
        )
    accounts = http_server.logins(logins) if logins else frozenset()
    log = (lambda line: click.echo(plain(line), err=True)) if run.verbose else (lambda _: None)
    with http_server.server(root, host, port, accounts=accounts, log=log) as bound:
        click.echo(
            f"http://{host}:{bound.server_port}/ serves {repository}; it stays until Ctrl-C.", err=True
        )
        try:
            bound.serve_forever(poll_interval=0.2)
        except KeyboardInterrupt:
            click.echo("Ended.", err=True)


def _added(debs: Sequence[Path], **where: Any) -> Edit:
    """Return the edit that publishes ``debs``, which are read away from the key."""
    from debonair.deb import reader_pool

    with reader_pool.Pool() as pool:  # its first process begins while the rest is imported
        from debonair.repository import pool as facts
        from debonair.repository.edits import versions

        return versions.add(debs, publisher.suites, reader=facts.apart(pool), **where)


for _verb in keys.VERBS:
    repo.add_command(_verb)
