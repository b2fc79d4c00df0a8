from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator

import click
import pytest
from click.testing import CliRunner

from debonair.cli import dh
from debonair.cli.command import Verb, Verbs
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


GROUPS = [name for name, one in COMMANDS.items() if isinstance(one, Verbs)]
VERBS = [name for name, one in COMMANDS.items() if isinstance(one, Verb)]
EXAMPLES = [(words, line) for words in VERBS for line in getattr(COMMANDS[words], "examples", ())]


def helped(words: str, columns: int = 80) -> str:
    """Return the help of a command as its user sees it on a terminal of that width."""
    program, *verbs = words.split()
    command = COMMANDS[program]
    width = columns - 2  # click leaves a margin
    done = CliRunner().invoke(command, [*verbs, "--help"], prog_name=program, terminal_width=width)
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


@pytest.mark.parametrize("words", GROUPS)
def test_every_verb_of_a_group_is_in_one_section_with_its_whole_sentence(words: str) -> None:
    group = COMMANDS[words]
    assert isinstance(group, Verbs)
    listed = [name for names in group.sections.values() for name in names]
    assert listed == list(group.commands)
    text = " ".join(helped(words, 60).split())
    for name, command in group.commands.items():
        sentence = " ".join((command.help or "").partition("\n\n")[0].split())
        assert f"{name} {sentence}" in text


@pytest.mark.parametrize("words", VERBS)
def test_every_verb_has_examples_and_the_common_options(words: str) -> None:
    text = helped(words)
    assert re.search(r"\nExamples:\n  debonair ", text)
    assert "  -v, --verbose" in text
    assert "  -q, --quiet" in text


@pytest.mark.parametrize("words", COMMANDS)
def test_the_help_fits_on_a_narrow_terminal(words: str) -> None:
    assert max(len(line) for line in helped(words, 60).splitlines()) <= 60


@pytest.mark.parametrize(("words", "line"), EXAMPLES)
def test_an_example_is_a_valid_command_line(words: str, line: str) -> None:
    """The parser of the verb that it is of, or of a verb of that group, accepts it."""
    assert line.startswith(f"{words} ") or line == words
    context = click.Context(main)
    command: click.Command = main
    rest = shlex.split(line.partition(" > ")[0])[1:]
    while isinstance(command, click.Group):
        command, context = command.commands[rest[0]], click.Context(command, parent=context)
        rest = rest[1:]
    with command.make_context(command.name, rest, parent=context):
        pass
