"""The verbs of ``debonair repo`` that create a repository and keep it small."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from debonair.cli.command import Verb
from debonair.cli.options import Days
from debonair.cli.output import show
from debonair.cli.repo import publisher
from debonair.cli.repo.options import reviewed
from debonair.cli.repo.publisher import DAY, where
from debonair.errors import RepositoryError
from debonair.host.progress import say

if TYPE_CHECKING:
    from debonair.repository.storage.protocol import Found


@click.command(
    cls=Verb,
    examples=(
        "debonair repo init /srv/apt --name acme",
        "debonair repo init s3://acme-apt --name acme",
    ),
)
@click.argument("place")
@click.option(
    "--name",
    metavar="NAME",
    required=True,
    help="Set the repository's name, such as acme. apt uses it as the Origin. It cannot be changed later.",
)
@click.option(
    "--url",
    metavar="URL",
    default="",
    help="Set the URL at which clients will read the repository, such as https://apt.example.org.",
)
@click.option(
    "--key",
    metavar="FINGERPRINT",
    help="Sign with this key from your own GnuPG home.  [default: a new key]",
)
@click.option(
    "--valid-days",
    metavar="DAYS",
    type=click.IntRange(1, 3650),
    default=14,
    show_default=True,
    help="Set for how many days clients accept an index that is not signed again. "
    "'renew --timer' signs it in time.",
)
def init(place: str, *, name: str, url: str, key: str | None, valid_days: int) -> None:
    """Create a repository and its key.

    It has an empty suite for each Debian release and channel.

    PLACE is a folder, or a folder on another machine (host:path, ssh://host/path). It can also be a bucket
    (s3://bucket/folder, gs://bucket/folder, az://container/folder).
    """
    from debonair.repository import bootstrap, state
    from debonair.repository.edits.bootstrap import make_suites
    from debonair.repository.signing import Gpg
    from debonair.repository.trust import gone

    bootstrap.check_name(name)
    url = bootstrap.check_url(url) if url else ""
    repository = publisher.repository(place)
    publisher.warn_of_time()
    if repository.storage.read(state.HEAD, state.HEAD_MOST) is None:
        now = publisher.clock()
        home = None if key else publisher.keys(name)
        signer = Gpg(home)
        if (pin := repository.trust.pins.load(repository.trust.place)) is not None:
            raise gone(repository.storage, pin)
        if home is not None and home.exists():
            raise RepositoryError(
                f"{home} already has keys of a repository '{name}'.",
                hint="Choose another name. If that repository no longer exists, move the folder away.",
            )
        made = signer.adopt(key, now=now) if key else signer.create(f"{name} archive key", now=now)
        head = state.Head(state.FORMAT, name, 0, "", (made,), valid_days, {}, url=url)
        try:
            repository.create(head, make_suites(publisher.suites()))
        except BaseException:
            if home is not None and publisher.nothing(repository):
                publisher.discard(home)
            raise
        show(f"{place}: repository '{name}'")
        show(f"Key:  {made.fingerprint}")
        show(f"Kept: {home or 'in your GnuPG home'}; back it up in a safe place")
        say(f"Next: debonair repo renew --timer  renews its signature within {valid_days} days")
        if not url:
            say("Next: debonair repo bootstrap --url https://...  sets the address for clients")
        return
    # There is a repository already: create() refuses and explains it.
    repository.create(state.Head(state.FORMAT, name, 0, "", (), valid_days, {}), make_suites(()))


@click.command(
    cls=Verb,
    examples=(
        "debonair repo prune",
        "debonair repo prune --keep 5 --older-than 180d",
    ),
)
@click.option(
    "--keep",
    metavar="N",
    type=click.IntRange(1),
    default=3,
    show_default=True,
    help="Keep this many of the newest versions of each app.",
)
@click.option(
    "--older-than",
    metavar="DAYS",
    type=Days(),
    default="90d",
    show_default=True,
    help="Keep every deb that a suite offered in this time, because a machine may still need it.",
)
@where
@reviewed
def prune(*, keep: int, older_than: int, repository: str, dry_run: bool, yes: bool) -> None:
    """Remove debs that no suite has offered for a long time.

    Also remove the files of unfinished uploads.
    """
    from debonair.repository import sweep
    from debonair.repository.edits import versions
    from debonair.repository.excerpt import shown

    opened = publisher.repository(repository)
    edit = versions.prune(keep=keep, older_than=older_than * DAY)
    if dry_run or (not yes and publisher.attended()):
        draft, would = opened.rehearse(edit)
        lines = [*map(shown, would), _removed(sweep.sweep(draft, older_than=older_than * DAY), "to remove")]
        if not dry_run:
            publisher.confirm(repository, lines)
        else:
            for line in lines:
                show(line)
            publisher.unchanged()
            return
    for line in opened.change("prune", edit):
        show(shown(line))
    show(_removed(sweep.sweep(opened.draft(), older_than=older_than * DAY), "removed"))


def _removed(gone: Sequence[Found], verb: str) -> str:
    return f"{len(gone)} files {verb}, {sum(each.size for each in gone) / 1e6:.1f} MB"
