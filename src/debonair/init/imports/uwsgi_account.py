"""The account of the options in uWSGI's configuration, and of the old machine's paths in them."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from debonair.init.imports import configuration, jobs, places, variables
from debonair.init.imports.account import WEBSOCKETS, Account
from debonair.init.imports.forms import Entry
from debonair.project import reader

_JUDGED = {"env", *configuration.VARIABLES}
"""Options whose value is a variable with its name."""
_TEMPLATE = re.compile(r"\{\{.*\}\}|\{%.*%\}|<%.*%>")
"""A line that Jinja, Ansible or ERB fills in."""


class OptionAccount:
    """The account of a configuration so far."""

    def __init__(self, root: Path, home: str) -> None:
        self.root = root
        self.machine = places.Machine(root, home)
        self.accounts: list[Account] = []
        self.warnings: list[str] = []
        self._places: dict[str, int] = {}
        """The place of the account of each option that has only one value."""
        self.websockets: tuple[str, ...] = ()
        """The warning that the site passed websockets to the app."""

    def warn(self, entry: Entry, what: str) -> None:
        """Warn of ``entry``."""
        self.warnings.append(f"{entry.file.name}:{entry.line}: {what}")

    def say(self, entry: Entry, became: str, why: str = "", *, single: str = "") -> None:
        """Account for ``entry``; the last account of an option with a ``single`` value replaces others."""
        if single in self._places:
            place = self._places[single]
            other = f"{entry.file.name}:{entry.line} replaces it"
            self.accounts[place] = replace(self.accounts[place], became="", why=other)
        if single:
            self._places[single] = len(self.accounts)
        self.accounts.append(Account(entry.file, entry.line, entry.text, became, why))

    def is_unusable(self, entry: Entry) -> bool:
        """Account for ``entry`` if its value cannot become a setting; return whether that is so."""
        if entry.ignored:
            self.say(entry, "", entry.ignored)
            if entry.missed:
                self.warn(
                    entry,
                    f"'{entry.text}' was left out: {entry.ignored}. Check whether the app needs it.",
                )
        elif wrong := reader.unfit(entry.value) or reader.unfit(entry.name):
            self.say(entry, "", f"it {wrong}")
            self.warn(entry, f"'{entry.name}' was left out, because it {wrong}. A setting is one line.")
        elif _TEMPLATE.search(entry.value):
            self.say(entry, "", "a template")
            self.warn(entry, f"'{entry.text}' was left out, because another program fills it in first.")
        elif entry.name not in _JUDGED and variables.LOGIN.search(entry.value):
            self.say(entry, "", "it has a password, which a package would publish")
            self.warn(
                entry,
                f"'{entry.name}' was left out, because it has a password, which a package would publish. "
                "Write it into /etc/APP/vassal.ini on the Pi, or read the password from a variable.",
            )
        else:
            return False
        return True

    def served_websockets(self, entry: Entry) -> None:
        """Note that uWSGI passed websockets to the app."""
        self.websockets = self.websockets or (f"{entry.file.name}:{entry.line}: {WEBSOCKETS}",)

    def command(self, entry: Entry, text: str) -> str:
        """Return a command line as it is on the Pi, and warn of what is not there."""
        command = self.machine.here(jobs.command(text))
        program = command.split()[0] if command.split() else ""
        if "/" not in program and reader.is_file(self.root / program):
            command = f"./{command}"
        if package := jobs.package(command):
            self.warn(
                entry,
                f"'{command}' runs a program of Debian's package {package}. If no other service of the Pi "
                f'runs it, add the package: depends = ["{package}"]',
            )
        self.elsewhere(entry, command)
        return command

    def elsewhere(self, entry: Entry, value: str, *, is_path: bool = False) -> str:
        """Return a reason and warn if ``value`` names a path that only the old machine had.

        With ``is_path``, each absolute path in ``value`` is that of a file.
        """
        path = self.machine.foreign(value) or (self.machine.absent(value) if is_path else "")
        if not path:
            return ""
        self.warn(
            entry,
            f"'{entry.text}' names {path}, which was on the old machine and is not in the project. Name a "
            "path in the project, relative to its folder, or one in the app's data, /var/lib/APP.",
        )
        return "a path of the old machine"


def shown(entry: Entry) -> str:
    """Return the line of an option without the value of a secret."""
    pair = entry.value if entry.name in _JUDGED else f"{entry.name}={entry.value}"
    name, _, value = (part.strip() for part in pair.partition("="))
    if not value or not variables.judge(name, value).secret:
        return entry.text
    return entry.text.replace(value, "...") if value in entry.text else f"{entry.name} = ..."
