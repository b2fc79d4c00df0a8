"""Convert an existing uWSGI configuration to Debonair's settings."""

from __future__ import annotations

import difflib
import re
import tomllib
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from debonair.init.imports import configuration, jobs, places, variables
from debonair.init.imports.account import Account, Imported
from debonair.init.imports.application import served
from debonair.init.imports.forms import Entry
from debonair.project import reader
from debonair.project.settings import PROCESSES, Option
from debonair.resources import resource
from debonair.tree.service import literals

_CALLED = {
    **dict.fromkeys(("module", "wsgi"), "module"),
    **dict.fromkeys(("wsgi-file", "file"), "wsgi-file"),
    "callable": "callable",
}
_GUESSES = 5
"""The most unknown options for which similar names are searched."""
_FALSE = {"0", "false", "no", "off"}
_ROUTE = r"(?:final-|error-|response-)?route\S* .*?\b"
_PLUGIN_OF = {
    _ROUTE + r"(redirect|rewrite|basicauth|static|expires|cache|http|uwsgi)[\w-]*:": r"router_\1",
    _ROUTE + "(gzip):": r"transformation_\1",
    r"cheaper-algo (busyness|backlog2)$": r"cheaper_\1",
    r"cheaper-(busyness)-": r"cheaper_\1",
}
"""Options that uWSGI from pip has built in, and Debian's uwsgi-core has in a plugin, with its name."""
_OPTIONAL = ("ksm", "mule")
"""Options with an optional value."""
_NO_OPTION = "not an option of Debian's uWSGI or its Python plugin"
_HTTP = re.compile(r"https?\d*(-|$)")
_LISTENS = {
    **dict.fromkeys(("socket", "uwsgi-socket"), "uwsgi"),
    **dict.fromkeys(("http", "http-socket", "http11-socket"), "http"),
}
_PYTHON = re.compile(r"python\d*|https?|router_http")
"""The plugins that the vassal already has, and those that nginx replaces."""


def read(path: Path, root: Path) -> Imported:
    """Return the settings in the uWSGI configuration ``path`` of the project in ``root``.

    Its suffix tells whether it is ini, YAML, XML or JSON; included files are read, too. Raises
    ``ProjectError`` with file and line if a file cannot be read.
    """
    return converted(configuration.read(path, places.boundary(path, root)), path, root)


def converted(found: list[Entry], path: Path, root: Path) -> Imported:
    """Return the settings in the options ``found`` of the file ``path``."""
    reading = _Reader(root, found)
    for entry in found:
        reading.take(entry)
    return reading.result(path)


@cache
def _reasons() -> tuple[dict[str, str], dict[str, str]]:
    """Return the reasons for dropping options, and those of options for development, by name."""
    tables = tomllib.loads(resource("packaging/uwsgi/owned.toml").read_text())
    dropped, development = (
        {name: why for why, names in tables[key].items() for name in names}
        for key in ("dropped", "development")
    )
    return literals.refused() | dropped, development


@cache
def _options() -> frozenset[str]:
    """Return the names of all options of Debian's uWSGI and its plugin for Python."""
    table = tomllib.loads(resource("packaging/uwsgi/options.toml").read_text())
    return frozenset(table["names"].split()) | {*PROCESSES}


class _Reader:
    """The settings of a configuration so far."""

    def __init__(self, root: Path, found: list[Entry]) -> None:
        self.root = root.resolve()
        self.placeholders = configuration.placeholders(found)
        self.plugged = any(entry.name in {"plugins", "plugin"} for entry in found)
        folders = [entry.value for entry in found if entry.name == "chdir" and not entry.ignored]
        self.home = folders[-1] if folders else ""
        self.accounts: list[Account] = []
        self.warnings: list[str] = []
        self.listens: dict[str, str] = {}
        self.called: dict[str, str] = {}
        self.options: dict[str, list[Option]] = {}
        self.secret: dict[Path, None] = {}
        """The files that contain a secret, in order."""
        self.needed: list[str] = []
        """The plugins of Debian's uwsgi-core that the options need."""
        self.static: dict[str, str] = {}
        self.guesses = 0
        self.environment: dict[str, str] = {}
        self.workers: dict[str, str] = {}
        self.timers: dict[str, dict[str, str]] = {}
        self.takers = {
            **dict.fromkeys((*_CALLED, "mount"), self._callable),
            **dict.fromkeys(("static-map", "static-map2"), self._static),
            **dict.fromkeys(("pythonpath", "python-path", "pp"), self._pythonpath),
            **dict.fromkeys(("plugins", "plugin", "need-plugins", "need-plugin"), self._plugins),
            **dict.fromkeys(("attach-daemon", "attach-daemon2"), self._worker),
            **dict.fromkeys(("cron", "unique-cron"), self._timer),
            "env": self._variable,
        }

    def take(self, entry: Entry) -> None:
        """Convert one option."""
        shown = _shown(entry)
        if shown != entry.text:
            self.secret[entry.file] = None
        entry = replace(entry, text=shown)
        name = entry.name
        if name not in _options() and (dashed := name.replace("_", "-")) in _options():
            name = dashed
        dropped, development = _reasons()
        if entry.ignored:
            self._say(entry, "", entry.ignored)
            if entry.missed:
                self._warn(
                    entry,
                    f"'{entry.text}' was left out: {entry.ignored}. Check whether the app needs it.",
                )
        elif wrong := reader.unfit(entry.value) or reader.unfit(entry.name):
            self._say(entry, "", f"it {wrong}")
            self._warn(entry, f"'{entry.name}' was left out, because it {wrong}. A setting is one line.")
        elif taker := self.takers.get(name):
            taker(entry)
        elif name in development:
            self._say(entry, "", development[name])
            if entry.value.lower() not in _FALSE:
                self._warn(
                    entry, f"'{name}' was left out, because it is for development: {development[name]}."
                )
        elif name in dropped or _HTTP.match(name):
            if name in _LISTENS:
                self.listens[places.address(entry.value.partition(",")[0])] = _LISTENS[name]
            self._say(entry, "", dropped.get(name, dropped["http-socket"]))
        elif name in _options() or name.startswith("cheaper-busyness-"):
            self._pass(entry, name)
        else:
            self._unknown(entry)

    def result(self, path: Path) -> Imported:
        """Return all settings from the file ``path`` and those that it includes."""
        if "cheaper" in self.options and "processes" not in self.options:
            del self.options["cheaper"]
            self.warnings.append("'cheaper' was left out, because it has no effect without 'processes'.")
        if not self.plugged:
            why = "Debian's uWSGI needs it to load an app, so the vassal already has it"
            self.accounts.append(Account(path, 0, "(no plugins = python3)", "", why))
        plugins = [*self.options.pop("plugins", []), *dict.fromkeys(self.needed)]
        options = {"plugins": plugins, **self.options} if plugins else self.options
        tables = {
            "uwsgi": {name: values if values[1:] else values[0] for name, values in options.items()},
            "static": self.static,
            "service": {"environment": self.environment} if self.environment else {},
            "workers": self.workers,
            "timers": self.timers,
        }
        called, warning = served(self.root, self.called, self.home)
        if warning:
            self.warnings.append(warning)
        settings: dict[str, Any] = {"wsgi": called} if called else {}
        settings |= {key: table for key, table in tables.items() if table}
        if inside := [path for path in self.secret if path.resolve().is_relative_to(self.root)]:
            settings["exclude"] = [f"/{path.resolve().relative_to(self.root)}" for path in inside]
            why = "it has secrets, which a package would publish"
            self.accounts += [Account(path, 0, "(the file itself)", "exclude", why) for path in inside]
        return Imported(tuple(self.accounts), settings, tuple(dict.fromkeys(self.warnings)), self.listens)

    def _warn(self, entry: Entry, what: str) -> None:
        self.warnings.append(f"{entry.file.name}:{entry.line}: {what}")

    def _say(self, entry: Entry, became: str, why: str = "") -> None:
        self.accounts.append(Account(entry.file, entry.line, entry.text, became, why))

    def _callable(self, entry: Entry) -> None:
        name, value = _CALLED.get(entry.name.replace("_", "-"), ""), entry.value
        if not name:
            url, _, value = (part.strip() for part in value.partition("="))
            name = "wsgi-file" if value.partition(":")[0].endswith(".py") else "module"
            if url.strip("/"):
                self._warn(
                    entry,
                    f"the app was at {url}, and is now at /. Check its links.",
                )
        self.called.setdefault(name, value)
        dashed = entry.name.replace("_", "-")
        self._say(
            entry,
            "wsgi",
            "" if dashed == entry.name else f"uWSGI ignored it, because it knows only {dashed}",
        )

    def _variable(self, entry: Entry) -> None:
        name, _, value = (part.strip() for part in entry.value.partition("="))
        verdict = variables.judge(name, value)
        if verdict.warning:
            self.warnings.append(verdict.warning)
        if verdict.kept and ("$(" in value or "%(" in value):
            self._pass(entry, "env")
            return
        why = verdict.why
        if verdict.kept:
            self.environment[name] = self._here(value)
            why = self._elsewhere(entry, value)
        self._say(entry, f"service.environment.{name}" if verdict.kept else "", why)

    def _static(self, entry: Entry) -> None:
        url, _, folder = (part.strip() for part in entry.value.partition("="))
        became, why = places.static(self.root, self.static, url, folder, self.home)
        self._say(entry, became, why)

    def _pythonpath(self, entry: Entry) -> None:
        found = places.inside(self.root, entry.value, self.home)
        if found in {".", "src"}:
            self._say(entry, "", "the app's own folder is already on the path")
        elif found is None:
            self._say(entry, "", "it is not in the project")
            self._warn(
                entry,
                f"'{entry.value}' is not in the project, and was left out. Move its modules into the "
                "project, or add them to the requirements.",
            )
        else:
            self.options.setdefault("pythonpath", []).append(found)
            self._say(entry, "uwsgi.pythonpath", "relative to the app's folder")

    def _plugins(self, entry: Entry) -> None:
        names = [name.strip() for name in entry.value.split(",")]
        others = ",".join(name for name in names if name and not _PYTHON.fullmatch(name))
        if not others:
            self._say(entry, "", "the vassal has the Python plugin, and needs no other")
            return
        self.options.setdefault("plugins", []).append(others)
        self._say(entry, "uwsgi.plugins", "in addition to the Python plugin, which the vassal has")
        self._warn(
            entry,
            f"the app needs uWSGI's plugins {others}. If Debian's uwsgi-core lacks one, add its package: "
            'depends = ["uwsgi-plugin-gevent-python3"]',
        )

    def _worker(self, entry: Entry) -> None:
        if entry.name == "attach-daemon2":
            self._pass(entry, entry.name)
            return
        if self._too_many(entry):
            return
        command = jobs.command(entry.value)
        name = jobs.name(command, self.workers)
        self.workers[name] = command
        self._say(entry, f"workers.{name}", "a separate service, beside the app's")

    def _timer(self, entry: Entry) -> None:
        *when, text = entry.value.split(maxsplit=5) or [""]
        calendar = jobs.calendar(when)
        if not calendar:
            self._pass(entry, entry.name)
            return
        if self._too_many(entry):
            return
        command = jobs.command(text)
        name = jobs.name(command, {*self.workers, *self.timers})
        self.timers[name] = {"command": command, "calendar": calendar}
        self._say(entry, f"timers.{name}", calendar)

    def _too_many(self, entry: Entry) -> bool:
        if many := len(self.workers) + len(self.timers) >= jobs.MANY:
            self._say(entry, "", f"an app can have at most {jobs.MANY} workers and timers")
            self.warnings.append(f"Only the first {jobs.MANY} workers and timers were imported.")
        return many

    def _elsewhere(self, entry: Entry, value: str) -> str:
        """Return a reason and warn if ``value`` names a folder that the service cannot see."""
        if not re.search(r"(^|[=\s:])/(home|root)/", value):
            return ""
        self._warn(
            entry,
            f"'{entry.text}' names a folder in /home, which the service cannot access. The app's data is "
            "in /var/lib/APP; paths of the project are relative to its folder.",
        )
        return "a path of the old machine"

    def _here(self, value: str) -> str:
        """Return ``value`` with the project's paths relative to its folder, as on the Pi."""
        return re.sub(rf"{re.escape(str(self.root))}/([\w.-]+/)?/*", r"\1", value)

    def _pass(self, entry: Entry, name: str) -> None:
        name = "processes" if name in PROCESSES else name
        value = self._here(entry.value)
        why = self._elsewhere(entry, value)
        if comment := re.fullmatch(r"([0-9]+)\s+[;#].*", value):
            value, why = comment[1], "uWSGI does not support comments after a value"
        self.options.setdefault(name, []).append(_typed(name, value))
        for pattern, plugin in _PLUGIN_OF.items():
            if found := re.match(pattern, f"{name} {value}"):
                self.needed.append(found.expand(plugin))
                why = f"with Debian's plugin {self.needed[-1]}"
        self._say(entry, f"uwsgi.{name}", why)

    def _unknown(self, entry: Entry) -> None:
        if entry.name in self.placeholders:
            self._say(entry, "", "a variable of this file; its value was inserted")
        elif self.options.get("plugins") and re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]*", entry.name):
            self._pass(entry, entry.name)
        else:
            self.guesses += 1  # each guess compares with a thousand names
            few = self.guesses <= _GUESSES
            close = difflib.get_close_matches(entry.name, _options(), n=1, cutoff=0.8) if few else []
            guess = f" (did you mean '{close[0]}'?)" if close else ""
            self._say(entry, "", f"{_NO_OPTION}{guess}")
            self._warn(entry, f"'{entry.name}' was left out, because it is {_NO_OPTION}{guess}.")


def _shown(entry: Entry) -> str:
    """Return the line of an option without the value of a secret."""
    pair = entry.value if entry.name in {"env", *configuration.VARIABLES} else f"{entry.name}={entry.value}"
    name, _, value = (part.strip() for part in pair.partition("="))
    if not value or not variables.judge(name, value).secret:
        return entry.text
    return entry.text.replace(value, "...") if value in entry.text else f"{entry.name} = ..."


def _typed(name: str, value: str) -> Option:
    if re.fullmatch(r"0|[1-9][0-9]{0,17}", value):
        return int(value)
    if not value:
        return "" if name in _OPTIONAL else True
    return value.lower() == "true" if value.lower() in {"true", "false"} else value
