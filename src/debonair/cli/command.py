"""The commands of the command line: help in groups, with examples, and options that every verb takes.

``-v`` and ``-q`` work before the verb and after it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import click

from debonair.cli.output import complain, show
from debonair.errors import Error
from debonair.host import interruption, progress, run


class Shown(click.Command):
    """A command that prints an ``Error`` as a message and a hint, and exits with its code."""

    def invoke(self, context: click.Context) -> Any:
        """Run the verb, and print a message for every failure that a user can cause."""
        try:
            with interruption.guarded():
                return super().invoke(context)
        except Error as error:
            complain(error)
            context.exit(error.exit_code)
        except KeyboardInterrupt:
            self._end(context)
        except click.Abort:  # at a question, click replaces KeyboardInterrupt
            if not interruption.begun.is_set():
                raise
            show("", err=True)
            self._end(context)
        except BrokenPipeError:  # the reader, such as head, has seen enough
            # Python flushes stdout once more at exit, which would fail again.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            context.exit(0)

    @staticmethod
    def _end(context: click.Context) -> NoReturn:
        """End after an interruption."""
        show("Interrupted.", err=True)
        context.exit(interruption.status())


class Verb(click.Command):
    """A command with ``examples``, each a line to type, and with ``-v`` and ``-q``."""

    def __init__(self, *words: Any, examples: Sequence[str] = (), **more: Any) -> None:
        super().__init__(*words, **more)
        self.examples = tuple(examples)

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Return the command's own parameters, then ``-v`` and ``-q``, then ``--help``."""
        found = super().get_params(ctx)
        own = len(self.params)
        return [*found[:own], _VERBOSE, _QUIET, *found[own:]]

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples, unwrapped, because they are typed or pasted."""
        super().format_epilog(ctx, formatter)
        if self.examples:
            with formatter.section("Examples"):
                for line in self.examples:
                    formatter.write(f"{'':{formatter.current_indent}}{line}\n")


class Verbs(Verb, click.Group):
    """A command with several verbs, which its help lists in groups, in the order of work."""

    command_class = Verb

    def __init__(self, *words: Any, **more: Any) -> None:
        super().__init__(*words, **more)
        self.sections: dict[str, tuple[str, ...]] = {}

    def add_section(self, title: str, *verbs: click.Command) -> None:
        """Add ``verbs``, and list them below ``title``."""
        for verb in verbs:
            self.add_command(verb)
        self.sections[title] = tuple(str(verb.name) for verb in verbs)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the verbs in the order of work."""
        del ctx
        return list(self.commands)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write a section for each group of verbs; every verb has one whole sentence."""
        del ctx
        widest = max(map(len, self.commands))
        for title, names in self.sections.items():
            rows = [(f"{name:<{widest}}", summary(self.commands[name])) for name in names]
            with formatter.section(title):
                formatter.write_dl(rows)


class Program(Shown, Verbs):
    """The whole command line, which each run starts neither verbose nor quiet."""

    def make_context(self, *words: Any, **more: Any) -> click.Context:
        """Parse the command line."""
        run.verbose = progress.quiet = False
        return super().make_context(*words, **more)


def summary(command: click.Command) -> str:
    """Return the first sentence of a command's help."""
    return " ".join((command.help or "").split("\n\n")[0].split())


def _be_verbose(context: click.Context, option: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click's
    del context, option
    run.verbose = run.verbose or value


def _be_quiet(context: click.Context, option: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click's
    del context, option
    progress.quiet = progress.quiet or value


_VERBOSE = click.Option(
    ["--verbose", "-v"],
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_be_verbose,
    help="Print every program before it runs.",
)
_QUIET = click.Option(
    ["--quiet", "-q"],
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_be_quiet,
    help="Print only results, warnings and errors.",
)
