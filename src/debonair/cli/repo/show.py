"""The verbs of ``debonair repo`` that change nothing: list, history and serve."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import click

from debonair.cli.command import Verb
from debonair.cli.options import as_json
from debonair.cli.output import show
from debonair.cli.repo import publisher
from debonair.cli.repo.options import FILE
from debonair.cli.repo.publisher import where
from debonair.errors import RepositoryError
from debonair.host.terminal import plain


@click.command(
    cls=Verb,
    examples=(
        "debonair repo list",
        "debonair repo list --json -r host:apt",
    ),
    name="list",
)
@as_json
@where
def list_(*, as_json: bool, repository: str) -> None:
    """List the packages that each suite offers."""
    import msgspec

    from debonair.repository import landing_page
    from debonair.repository.excerpt import shown

    found = landing_page.packages(publisher.repository(repository).draft())
    if as_json:
        show(json.dumps(msgspec.to_builtins(found), indent=2))
        return
    rows = landing_page.as_table(found)
    widths = [max([len(row[at]) for row in rows], default=0) for at in range(4)]
    for row in rows:
        cells = [shown(cell).ljust(width) for cell, width in zip(row, [*widths, 0], strict=True)]
        show("  ".join(cells).rstrip())


@click.command(
    cls=Verb,
    examples=(
        "debonair repo history",
        "debonair repo history --json",
    ),
)
@as_json
@where
def history(*, as_json: bool, repository: str) -> None:
    """Show every change with its author and time, the newest first."""
    import msgspec

    from debonair.repository import history as log
    from debonair.repository.excerpt import shown
    from debonair.repository.release import stamp

    opened = publisher.repository(repository)
    changes = log.read(opened.storage, opened.draft().head.history)
    if as_json:
        show(json.dumps(msgspec.to_builtins(list(changes)), indent=2))
        return
    for change in changes:
        show(f"{change.generation:>5}  {stamp(change.date)}  {shown(change.who)}  {shown(change.verb)}")
        for line in change.what:
            show(f"       {shown(line)}")


@click.command(
    cls=Verb,
    examples=(
        "debonair repo serve",
        "debonair repo serve --host 0.0.0.0 --port 80",
    ),
)
@click.option(
    "--port",
    metavar="PORT",
    type=click.IntRange(0, 65535),
    default=8080,
    show_default=True,
    help="Listen on this TCP port.",
)
@click.option(
    "--host",
    metavar="ADDRESS",
    default="127.0.0.1",
    show_default=True,
    help="Listen on this address; 0.0.0.0 for all interfaces.",
)
@click.option(
    "--logins",
    metavar="FILE",
    type=FILE,
    help="Require a login from this file with a line name:password for each user.  [default: no login]",
)
@where
def serve(*, port: int, host: str, logins: Path | None, repository: str) -> None:
    """Serve the repository over HTTP until Ctrl-C."""
    from debonair.host import run
    from debonair.repository import http_server, state
    from debonair.repository.storage import locate
    from debonair.repository.storage.folder import Folder

    root = locate.folder(repository)
    if Folder(root).size(state.HEAD) is None:
        raise RepositoryError(
            f"There is no repository in {root}: {state.HEAD} is missing.",
            hint="Name the repository's folder with --repository, or create a repository: debonair repo "
            "init DIR --name NAME",
        )
    accounts = http_server.logins(logins) if logins else frozenset()
    log = (lambda line: show(plain(line), err=True)) if run.verbose else (lambda _: None)
    with http_server.server(root, host, port, accounts=accounts, log=log) as bound:
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, bound.end)
        show(f"http://{host}:{bound.server_port}/ serves {repository} until you press Ctrl-C.", err=True)
        try:
            bound.serve_forever(poll_interval=0.2)
        except KeyboardInterrupt:
            show("Ended.", err=True)
