"""The verbs of ``debonair repo``.

They contain no logic: each reads its arguments, calls ``repository``, and prints the result.
"""

from __future__ import annotations

import click

from debonair.cli.repo import keys, maintain, publish, show


@click.group()
def repo() -> None:
    """Publish debs in a signed apt repository.

    The repository consists of static files, which any web server can serve.
    """


for _verb in (
    *(maintain.init, maintain.prune),
    *(publish.add, publish.publish, publish.promote, publish.rollout, publish.rollback),
    *(show.list_, show.history, show.serve),
    *keys.VERBS,
):
    repo.add_command(_verb)
