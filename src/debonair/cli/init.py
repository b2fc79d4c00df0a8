"""``debonair init``."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import click

from debonair.cli.command import Verb
from debonair.cli.options import directory
from debonair.cli.output import show
from debonair.host.terminal import plain


@click.command(
    cls=Verb,
    examples=(
        "debonair init",
        "debonair init --yes --wsgi shop.web:app",
        "debonair init --import uwsgi.ini --import nginx.conf",
    ),
)
@directory
@click.option("--yes", "-y", is_flag=True, help="Ask no questions; use the best guess.")
@click.option(
    "--wsgi",
    metavar="MODULE:CALLABLE",
    default="",
    help="Serve this application.  [default: the one found in the code]",
)
@click.option(
    "--import",
    "foreign",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    multiple=True,
    help="Import settings from this file of uWSGI (FILE:SECTION), nginx, Heroku or Docker (repeatable).",
)
@click.option(
    "--patch",
    is_flag=True,
    help="Change the Django settings that do not work on the Pi, as the report describes.",
)
def init(directory: Path, wsgi: str, foreign: tuple[Path, ...], *, yes: bool, patch: bool) -> None:
    """Inspect a project and write the settings that 'build' needs.

    Your code is read, never imported or run. Existing settings are kept. Without a terminal, no questions
    are asked, as with --yes.
    """
    from debonair.init import model, proposal, report
    from debonair.init.discovery import code_change

    asked = None if yes or not interactive() else ask
    draft = proposal.draft(directory.absolute(), os.environ, entry=wsgi, foreign=foreign, ask=asked)
    show(report.found(draft), nl=False)
    if asked and draft.has_guesses:
        draft = model.answered(draft, asked)
        show("")
    if not draft.present:
        model.write(draft)
    show(report.text(draft))
    if draft.changes and (patch or (asked and _agrees(len(draft.changes)))):
        for sentence in code_change.make(draft.root, draft.changes):
            show(sentence)
        show("")
    elif draft.changes:
        show("To make these changes of the Django settings, type: debonair init --patch\n")
    show(report.next_steps(draft), nl=False)


def _agrees(count: int) -> bool:
    """Ask whether to make ``count`` changes of the code."""
    what = f"these {count} changes" if count > 1 else "this change"
    return click.confirm(f"Make {what} of the Django settings now?", default=True)


def interactive() -> bool:
    """Return whether somebody can answer questions."""
    return sys.stdin.isatty()


def ask(
    question: str, answers: Sequence[str], default: str, check: Callable[[str], str] = lambda _: ""
) -> str:
    """Ask a question until the answer is valid, and return the answer.

    The answer must be one of ``answers``. If that is empty, every text without a problem in ``check`` is
    valid.
    """
    while not answers:
        answer = str(click.prompt(plain(question), default=plain(default) or None))
        if not (wrong := check(answer)):
            return answer
        show(f"  {wrong}")
    for number, answer in enumerate(answers, 1):
        show(f"  {number}  {answer}")
    number = click.prompt(
        question, type=click.IntRange(1, len(answers)), default=answers.index(default) + 1
    )
    return answers[number - 1]
