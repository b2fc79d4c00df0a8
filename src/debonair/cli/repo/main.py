"""``debonair repo``: its verbs. No logic: each reads its arguments, asks ``repository``, and prints."""

from __future__ import annotations

import click

from debonair.cli.repo import keys, maintain, publish, show


@click.group()
def repo() -> None:
    """Publish debs in a signed apt repository: static files, for any web server."""


for _verb in (
    *(maintain.init, maintain.prune),
    *(publish.add, publish.publish, publish.promote, publish.rollout, publish.rollback),
    *(show.list_, show.history, show.serve),
    *keys.VERBS,
):
    repo.add_command(_verb)
