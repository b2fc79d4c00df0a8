from __future__ import annotations

from collections.abc import Callable, Iterator

import click
import pytest
from click.testing import CliRunner

from debonair.cli import dh
from debonair.cli.main import main


def commands(command: click.Command, words: str) -> Iterator[tuple[str, click.Command]]:
    """Yield ``command``, whose command line is ``words``, and every verb below it, at any depth."""
    yield words, command
    if isinstance(command, click.Group):
        for name, below in command.commands.items():
            yield from commands(below, f"{words} {name}")


COMMANDS = {
    **dict(commands(main, "debonair")),
    "dh_debonair": dh.lay_out,
    "dh_debonair_scripts": dh.add_scripts,
}
"""Every command by its command line, such as ``debonair repo add``."""


def helped(words: str) -> str:
    """Return the help of a command, 80 columns wide, as its user sees it."""
    program, *verbs = words.split()
    command = COMMANDS[program]
    done = CliRunner().invoke(
        command, [*verbs, "--help"], prog_name=program, terminal_width=80, max_content_width=80
    )
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.parametrize("words", COMMANDS)
def test_the_help(words: str, golden: Callable[[str, str], None]) -> None:
    golden(f"help/{words.replace(' ', '-')}", helped(words))


@pytest.mark.parametrize("words", COMMANDS)
def test_an_option_explains_itself(words: str) -> None:
    """Every visible option has sentences, which end before the default."""
    for option in COMMANDS[words].params:
        if isinstance(option, click.Option) and not option.hidden:
            text = (option.help or "").partition("  [default: ")[0]
            assert text[:1].isupper(), option.name
            assert text.endswith("."), option.name


@pytest.mark.parametrize("words", [name for name, one in COMMANDS.items() if isinstance(one, click.Group)])
def test_a_list_of_verbs_has_whole_sentences(words: str) -> None:
    assert "..." not in helped(words).partition("Commands:")[2]
