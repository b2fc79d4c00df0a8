"""The help of the app's command, and its answers to mistakes, both with examples to type."""

from __future__ import annotations

import argparse
import difflib
from typing import Any, NoReturn

from text import say

_MISTAKE = 2  # the exit status of a wrong command line


class Parser(argparse.ArgumentParser):
    """A parser whose help, and whose answer to wrong or missing words, end with examples."""

    def __init__(self, *, examples: tuple[str, ...], **options: Any) -> None:
        super().__init__(**options)
        self.formatter_class = argparse.RawDescriptionHelpFormatter
        self.epilog = "\n".join(["Examples:", *(f"  {example}" for example in examples)])

    def error(self, message: str) -> NoReturn:
        """Print what is wrong with the command line and what it can be, and end with status 2."""
        say(f"{self.prog}: {_plain(message)}", error=True)
        say(self.format_usage().strip(), error=True, lines=True)
        for action in self._actions:
            if isinstance(action.choices, dict):
                for choice in action._choices_actions:  # type: ignore[attr-defined] # noqa: SLF001
                    say(f"  {choice.dest:10} {choice.help}", error=True)
        say(str(self.epilog), error=True, lines=True)
        say(f"More about it: {self.prog} --help", error=True)
        raise SystemExit(_MISTAKE)

    def parse_known_args(  # type: ignore[override]
        self, args: list[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Refuse what this verb does not know, with its own examples and not those of the whole command."""
        found, more = super().parse_known_args(args, namespace)
        if more:
            self.error(f"'{more[0]}' is not one of its words")
        return found, more

    def _check_value(self, action: argparse.Action, value: str) -> None:
        """Refuse ``value`` if it is no verb; name the verb that is meant, if one is near."""
        if isinstance(action.choices, dict) and value not in action.choices:
            near = difflib.get_close_matches(value, action.choices, 1)
            meant = f"; do you mean '{near[0]}'?" if near else ""
            raise argparse.ArgumentError(None, f"there is no {action.metavar} '{value}'{meant}")
        super()._check_value(action, value)


def _plain(message: str) -> str:
    """Return argparse's ``message`` in the words of the usage line."""
    _, missing, names = message.partition("the following arguments are required: ")
    return f"{names.partition(',')[0]} is missing" if missing else message
