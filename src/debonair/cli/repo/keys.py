"""The verbs of ``debonair repo`` for keys and trust, and for how long clients accept an index."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import click

from debonair.cli.command import Verb
from debonair.cli.options import as_json
from debonair.cli.output import show
from debonair.cli.repo import publisher
from debonair.cli.repo.options import reviewed
from debonair.cli.repo.publisher import where
from debonair.errors import RepositoryError
from debonair.host.progress import say


@click.command(
    cls=Verb,
    examples=(
        "debonair repo trust -r host:apt --name acme",
        "debonair repo trust --restored",
    ),
)
@click.option(
    "--name",
    metavar="NAME",
    help="Expect a repository of this name. Needed if this machine does not know the repository yet.",
)
@click.option(
    "--key",
    "key",
    metavar="FINGERPRINT",
    help="Trust this key.  [default: the repository's own keys on this machine]",
)
@click.option(
    "--restored", is_flag=True, help="Accept an older state, because you restored it from a backup."
)
@click.option("--take-over", is_flag=True, help="Sign the state of an earlier version of Debonair, once.")
@click.option("--forget", is_flag=True, help="Forget the key and state that this machine recorded.")
@where
def trust(
    *, name: str | None, key: str | None, restored: bool, take_over: bool, forget: bool, repository: str
) -> None:
    """Make this machine trust a repository.

    This machine records the repository's key and state, and then refuses other keys and older states.
    """
    from debonair.repository import bootstrap as bootstrap_deb
    from debonair.repository import takeover
    from debonair.repository import trust as trusted
    from debonair.repository.excerpt import shown
    from debonair.repository.signing import Gpg
    from debonair.repository.storage import locate

    opened = publisher.repository(repository)
    where_ = locate.identity(repository)
    if forget:
        there = opened.trust.pins.forget(where_)
        show(f"This machine {'has forgotten' if there else 'has never seen'} {repository}.")
        return
    pin = opened.trust.pins.load(where_)
    chosen = name or (pin.name if pin else None)
    if chosen is None:
        raise click.UsageError("Name the expected repository: --name NAME")
    bootstrap_deb.check_name(chosen)
    if pin and chosen != pin.name:
        raise RepositoryError(
            f"This machine knows the repository in {repository} as '{pin.name}', not as '{chosen}'.",
            hint="If another repository is there now, run 'debonair repo trust --forget', then repeat this "
            "command.",
        )
    if take_over:
        publisher.warn_of_time()
        signer = publisher.signer(chosen)
        for line in takeover.take_over(opened, chosen, signer, now=publisher.clock()):
            show(shown(line))
    elif restored or key or pin is None:
        ours = publisher.keys(chosen).exists()
        known = [each.fingerprint for each in pin.keys] if pin else []
        known = known or (list(Gpg(publisher.keys(chosen)).fingerprints()) if ours else [])
        fingerprints = [key.replace(" ", "").upper().removeprefix("0X")] if key else known
        new = opened.trust.first(chosen, fingerprints, now=publisher.clock(), old=restored)
        if pin and pin.generation != new.generation:
            show(f"This machine had seen change {pin.generation}; it now trusts change {new.generation}.")
    opened.trust.head()
    if (pin := opened.trust.pins.load(where_)) is not None:
        show(trusted.seen(pin))


@click.command(
    cls=Verb,
    examples=(
        "debonair repo verify",
        "debonair repo verify --json -r s3://acme-apt",
    ),
)
@as_json
@where
def verify(*, as_json: bool, repository: str) -> None:
    """Check every hash, signature and file, as a client does.

    Also list files that are not the repository's own, and apps that have no deb for the next release of
    Debian.
    """
    from debonair.repository import unsigned_files
    from debonair.repository import verify as verification
    from debonair.repository.excerpt import shown
    from debonair.repository.signing import Gpg

    draft = publisher.repository(repository).draft()
    problems = verification.verify(draft, Gpg(None))
    keys = [key.fingerprint for key in draft.head.keys]
    if as_json:
        notes = [] if problems else unsigned_files.unlisted(draft)
        notes = [*notes, *verification.without_deb_for_the_next_release(draft, publisher.released())]
        found = {"suites": draft.suites, "keys": keys, "problems": problems, "notes": notes}
        show(json.dumps({"repository": repository, **found}, indent=2))
        click.get_current_context().exit(RepositoryError.exit_code if problems else 0)
    if problems:
        raise RepositoryError(
            f"{repository} has {len(problems)} problem{'s' * (len(problems) != 1)}:\n"
            + "\n".join(f"  {problem}" for problem in problems[:50]),
        )
    foreign = unsigned_files.unlisted(draft)  # it may fail, and then nothing is healthy
    show(f"{repository}: {len(draft.suites)} suites are healthy, signed by {', '.join(keys)}")
    for note in foreign:
        show(f"Note: {shown(note, 2000)}", err=True)
    for note in verification.without_deb_for_the_next_release(draft, publisher.released()):
        show(f"Note: {shown(note)}", err=True)


@click.command(
    cls=Verb,
    examples=(
        "debonair repo rotate-key",
        "debonair repo rotate-key --finish",
    ),
    name="rotate-key",
)
@click.option(
    "--finish", is_flag=True, help="Drop the older key. All machines must have the new one by now."
)
@click.option("--key", metavar="FINGERPRINT", help="Use this existing key.  [default: a new one]")
@where
@reviewed
def rotate_key(*, finish: bool, key: str | None, repository: str, dry_run: bool, yes: bool) -> None:
    """Replace the repository's key, in two steps.

    First, this signs with a new key in addition to the old one. Later, with --finish, it signs with the new
    key alone.
    """
    from debonair.repository.edits import keys as edits

    opened = publisher.repository(repository)
    if finish:
        edit = edits.drop_keys()
        publisher.change(repository, "rotate-key", edit, "", dry_run=dry_run, yes=yes)
        return
    head = opened.draft().head
    would = (
        f"{key or 'a new key'} signs, in addition to {', '.join(each.fingerprint for each in head.keys)}"
    )
    if dry_run:
        show(would)
        publisher.unchanged()
        return
    if not yes and publisher.attended():
        publisher.confirm(repository, [would])
    signer = publisher.signer(head.name)
    now = publisher.clock()
    made = signer.adopt(key, now=now) if key else signer.create(f"{head.name} archive key", now=now)
    publisher.change(repository, "rotate-key", edits.take_key(made), "")
    say("Next, when all machines have upgraded: debonair repo rotate-key --finish")


@click.command(
    cls=Verb,
    examples=(
        "debonair repo renew",
        "debonair repo renew --timer",
    ),
)
@click.option(
    "--valid-days",
    metavar="DAYS",
    type=click.IntRange(1, 3650),
    help="Set for how many days clients accept an index from now on.",
)
@click.option("--if-due", is_flag=True, help="Do nothing unless half of that time is over in any suite.")
@click.option(
    "--reset-date",
    is_flag=True,
    help="Date suites now that were dated in the future, by a clock that was ahead.",
)
@click.option("--timer", is_flag=True, help="Only write a systemd timer that runs this verb.")
@where
def renew(*, valid_days: int | None, if_due: bool, reset_date: bool, timer: bool, repository: str) -> None:
    """Sign all suites again, so that clients accept them for longer."""
    from debonair.repository.edits import keys as edits

    if timer:
        _timer(repository)
        return
    edit = edits.renew(publisher.suites(), valid_days=valid_days, if_due=if_due, reset_date=reset_date)
    publisher.change(repository, "renew", edit, "No suite needs a new signature.")


@click.command(
    cls=Verb,
    examples=(
        "debonair repo bootstrap --url https://apt.example.org",
        "debonair repo bootstrap",
    ),
)
@click.option(
    "--url",
    metavar="URL",
    help="Set the URL at which clients read the repository, and publish the bootstrap deb.",
)
@click.option(
    "--login",
    metavar="USER",
    default="",
    help="Set the user name that the machines log in with, for a private repository.",
)
@where
def bootstrap(*, url: str | None, login: str, repository: str) -> None:
    """Print the command that subscribes a new machine."""
    from debonair.repository import bootstrap as bootstrap_deb
    from debonair.repository.edits.bootstrap import set_address

    if not login.isprintable():
        raise RepositoryError(f"'{login}' is not a valid user name.", hint="Use letters, digits and '-'.")
    opened = publisher.repository(repository)
    if url is not None:
        opened.change("bootstrap", set_address(bootstrap_deb.check_url(url)))
    head = opened.draft().head
    if not head.bootstrap:
        raise RepositoryError(
            f"The repository in {repository} has no address for clients yet.",
            hint="Set it once: debonair repo bootstrap --url https://apt.example.org",
        )
    show(bootstrap_deb.line(head, login=login))


def _timer(repository: str) -> None:
    from debonair.repository import timer
    from debonair.repository.storage import locate

    opened = publisher.repository(repository)
    name = opened.draft().head.name
    program = Path(shutil.which("debonair") or sys.argv[0]).absolute()
    where_ = (
        locate.identity(repository) if "://" not in repository and ":" not in repository else repository
    )
    base = os.environ.get("XDG_CONFIG_HOME") or str(Path(os.environ.get("HOME", "/")) / ".config")
    folder = Path(base) / "systemd/user"
    texts = timer.units(name, program, where_)
    timer.write(folder, texts)
    for each in texts:
        show(folder / each)
    unit = next(each for each in texts if each.endswith(".timer"))
    say(
        f"Next: systemctl --user daemon-reload && systemctl --user enable --now {unit}\n"
        "      sudo loginctl enable-linger $USER  keeps it running while you are logged out"
    )
