"""The verbs of ``debonair repo``.

They contain no logic: each reads its arguments, calls ``repository``, and prints the result.
"""

from __future__ import annotations

import click

from debonair.cli.command import Verbs
from debonair.cli.repo import keys, maintain, publish, show


@click.group(
    cls=Verbs,
    examples=(
        "debonair repo init /srv/apt --name acme",
        "debonair repo add -r /srv/apt dist/*.deb",
    ),
)
def repo() -> None:
    """Publish debs in a signed apt repository.

    The repository consists of static files, which any web server can serve.
    """


repo.add_section("Create a repository", maintain.init, keys.bootstrap, keys.trust)
repo.add_section("Publish debs", publish.add, publish.publish)
repo.add_section("Choose what machines get", publish.promote, publish.rollout, publish.rollback)
repo.add_section("Look inside", show.list_, show.history, keys.verify, show.serve)
repo.add_section("Maintain it", keys.renew, keys.rotate_key, maintain.prune)
