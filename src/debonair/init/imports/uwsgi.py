"""Convert an existing uWSGI configuration to Debonair's settings."""

from __future__ import annotations

import difflib
import re
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from debonair.init.imports import (
    commandline,
    configuration,
    jobs,
    places,
    uwsgi_account,
    uwsgi_options,
    variables,
    vassals,
)
from debonair.init.imports.account import Account, Imported, merge
from debonair.init.imports.application import served
from debonair.init.imports.forms import Entry
from debonair.project.settings import LOOPS, PROCESSES, Option

_CALLED = {
    **dict.fromkeys(("module", "wsgi"), "module"),
    **dict.fromkeys(("wsgi-file", "file"), "wsgi-file"),
    "callable": "callable",
}
_GUESSES = 5
"""The most unknown options for which similar names are searched."""
_NO_OPTION = "not an option of Debian's uWSGI or its Python plugin"
_HTTP = re.compile(r"https?\d*(-|$)")
_PATTERNS = {"route", "final", "error", "response", "log", "add"}
"""The first words of options that are about requests, whose paths are no files."""
_LISTENS = {
    **dict.fromkeys(("socket", "uwsgi-socket"), "uwsgi"),
    **dict.fromkeys(("http", "http-socket", "http11-socket"), "http"),
}
_PYTHON = re.compile(r"python\d*|https?|router_http")
"""The plugins that the vassal already has, and those that nginx replaces."""


def read(path: Path, root: Path, section: str = "uwsgi", *, is_vassal: bool = False) -> Imported:
    """Return the settings in the uWSGI configuration ``path`` of the project in ``root``.

    Its suffix tells whether it is ini, YAML, XML or JSON. Included files are read, too. So is the vassal
    of an emperor that has only one. Raises ``ProjectError`` with file and line if a file cannot be read.
    """
    found = configuration.read(path, places.boundary(path, root), section)
    return converted(found, path, root, is_vassal=is_vassal)


def converted(found: list[Entry], path: Path, root: Path, *, is_vassal: bool = False) -> Imported:
    """Return the settings in the options ``found`` of the file ``path``."""
    reading = _Reader(root, found)
    for entry in found:
        reading.take(entry)
    one = "" if is_vassal else reading.vassal
    parts = [reading.result(path), *([read(Path(one), root, is_vassal=True)] if one else [])]
    return merge(parts)


class _Reader(uwsgi_account.OptionAccount):
    """The settings of a configuration so far."""

    def __init__(self, root: Path, found: list[Entry]) -> None:
        folders = [entry.value for entry in found if entry.name == "chdir" and not entry.ignored]
        self.home = folders[-1] if folders else ""
        super().__init__(root.resolve(), self.home)
        self.placeholders = configuration.placeholders(found)
        self.plugged = any(entry.name in {"plugins", "plugin"} for entry in found)
        self.vassal = ""
        """The configuration of the app, if this one is of an emperor with one vassal."""
        self.listens: dict[str, str] = {}
        self.called: dict[str, str] = {}
        self.options: dict[str, list[Option]] = {}
        self.secret: dict[Path, None] = {}
        """The files that contain a secret, in order."""
        self.needed: list[str] = []
        """The plugins of Debian's uwsgi-core that the options need."""
        self.static: dict[str, str] = {}
        self.guesses = 0
        self.mounted: dict[str, Entry] = {}
        """The applications by the path at which each was mounted."""
        self.environment: dict[str, str] = {}
        self.migrations: list[str] = []
        self.workers: dict[str, str] = {}
        self.timers: dict[str, dict[str, str]] = {}
        self.takers = {
            **dict.fromkeys((*_CALLED, "mount"), self._callable),
            **dict.fromkeys(("static-map", "static-map2"), self._static),
            **dict.fromkeys(("pythonpath", "python-path", "pp"), self._pythonpath),
            **dict.fromkeys(("plugins", "plugin", "need-plugins", "need-plugin"), self._plugins),
            **dict.fromkeys(("attach-daemon", "attach-daemon2"), self._worker),
            **dict.fromkeys(("cron", "unique-cron"), self._timer),
            **dict.fromkeys(uwsgi_options.SPOOLERS, self._spooler),
            "env": self._variable,
            "emperor": self._emperor,
        }

    def take(self, entry: Entry) -> None:
        """Convert one option."""
        shown = uwsgi_account.shown(entry)
        if shown != entry.text:
            self.secret[entry.file] = None
        entry = replace(entry, text=shown)
        name = entry.name
        if (
            name not in uwsgi_options.known()
            and (dashed := name.replace("_", "-")) in uwsgi_options.known()
        ):
            name = dashed
        dropped, development = uwsgi_options.reasons()
        if self.is_unusable(entry) or self._migrates(entry):
            return
        if taker := self.takers.get(name):
            taker(entry)
        elif name in development:
            self.say(entry, "", development[name])
            if entry.value.lower() not in uwsgi_options.FALSE:
                self.warn(
                    entry, f"'{name}' was left out, because it is for development: {development[name]}."
                )
        elif name in dropped or _HTTP.match(name):
            if name.startswith("http-websockets"):
                self.served_websockets(entry)
            if name in _LISTENS:
                self.listens[places.address(entry.value.partition(",")[0])] = _LISTENS[name]
            self.say(entry, "", dropped.get(name, dropped["http-socket"]))
        elif name in uwsgi_options.known() or name.startswith("cheaper-busyness-"):
            self._pass(entry, name)
        else:
            self._unknown(entry)

    def result(self, path: Path) -> Imported:
        """Return all settings from the file ``path`` and those that it includes."""
        if "cheaper" in self.options and "processes" not in self.options:
            del self.options["cheaper"]
            self.warnings.append("'cheaper' was left out, because it has no effect without 'processes'.")
        self._without_threads()
        self._mounts()
        if not self.plugged:
            why = "Debian's uWSGI needs it to load an app, so the vassal already has it"
            self.accounts.append(Account(path, 0, "(no plugins = python3)", "", why))
        plugins = uwsgi_options.together(self.options.pop("plugins", []), self.needed)
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
        settings |= commandline.migration(self.migrations)
        if inside := [path for path in self.secret if path.resolve().is_relative_to(self.root)]:
            settings["exclude"] = [f"/{path.resolve().relative_to(self.root)}" for path in inside]
            why = "it has secrets, which a package would publish"
            self.accounts += [Account(path, 0, "(the file itself)", "exclude", why) for path in inside]
        warnings = tuple(dict.fromkeys(self.warnings))
        served_by = {"uwsgi": self.websockets}
        return Imported(tuple(self.accounts), settings, warnings, self.listens, when_served_by=served_by)

    def _without_threads(self) -> None:
        """Leave out threads beside gevent, which mixes up requests."""
        loop = next((name for name in sorted(LOOPS) if name in self.options), "")
        if loop and self.options.pop("threads", [1])[-1] not in {0, 1}:
            self.warnings.append(f"'threads' was left out, because uWSGI has none with '{loop}'.")

    def _mounts(self) -> None:
        """Choose the application that was mounted at /, or else the first; warn of the others."""
        if not self.mounted:
            return
        first = "/" if "/" in self.mounted else next(iter(self.mounted))
        if self.called.keys() & {"module", "wsgi-file"} and first != "/":
            first = ""
        for url, entry in self.mounted.items():
            value = entry.value.partition("=")[2].strip()
            if url == first:
                self.called = {"wsgi-file" if value.partition(":")[0].endswith(".py") else "module": value}
                if url != "/":
                    self.warn(entry, f"the app was at {url}, and is now at /. Check its links.")
            else:
                self.warn(
                    entry,
                    f"'{value}' was another app, at {url}, which is not served. Make a package of it, or "
                    "combine both in one application, such as with werkzeug's DispatcherMiddleware.",
                )

    def _callable(self, entry: Entry) -> None:
        dashed = entry.name.replace("_", "-")
        name = _CALLED.get(dashed, "")
        if name:
            self.called[name] = entry.value
        else:
            url = entry.value.partition("=")[0].strip()
            self.mounted[url.rstrip("/") or "/"] = entry
        why = "" if dashed == entry.name else f"uWSGI ignored it, because it knows only {dashed}"
        self.say(entry, "wsgi", why, single=name)

    def _emperor(self, entry: Entry) -> None:
        self.say(entry, "", uwsgi_options.reasons()[0]["emperor"])
        found = vassals.find(self.root, entry, self.home)
        self.vassal = str(found[0]) if len(found) == 1 else ""
        if self.vassal:
            return
        shown = [places.shown(path, self.root) for path in found]
        which = (
            f"the emperor had several vassals: {', '.join(shown)}"
            if found
            else f"the vassals of the emperor, '{entry.value}', are not in the project"
        )
        file = shown[0] if found else "FILE"
        self.warn(entry, f"{which}. Import the one of this app: debonair init --import {file}")

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
            self.environment[name] = self.machine.here(value)
            why = self.elsewhere(entry, self.environment[name])
        self.say(entry, f"service.environment.{name}" if verdict.kept else "", why, single=f"env {name}")

    def _migrates(self, entry: Entry) -> bool:
        """Take a hook that migrates the database as the setting for that; tell whether it is one."""
        text = entry.value.removeprefix("exec:") if entry.name.startswith("hook-") else ""
        if found := commandline.migrations(self.machine.here(text)):
            self.migrations += found
            self.say(entry, "migrate", "once for each release, not at each start")
        return bool(found)

    def _static(self, entry: Entry) -> None:
        url, _, folder = (part.strip() for part in entry.value.partition("="))
        if entry.name.replace("_", "-") == "static-map2":  # the URL is also the end of the path
            folder = f"{folder.rstrip('/')}/{url.strip('/')}"
        became, why = places.static(self.root, self.static, url, folder, self.home)
        self.say(entry, became, why)

    def _spooler(self, entry: Entry) -> None:
        """Lead the folder of a spooler to the app's data: uWSGI writes there, and creates it."""
        name = PurePosixPath(entry.value.rstrip("/")).name
        folder = f"{places.DATA}/{name if re.fullmatch(r'[A-Za-z0-9][A-Za-z0-9._-]*', name) else 'spooler'}"
        self.options.setdefault(entry.name, []).append(folder)
        self.say(entry, f"uwsgi.{entry.name}", f"{folder}, in the app's data, because uWSGI writes there")

    def _pythonpath(self, entry: Entry) -> None:
        found = places.inside(self.root, entry.value, self.home)
        if found in {".", "src"}:
            self.say(entry, "", "the app's own folder is already on the path")
        elif found is None:
            self.say(entry, "", "it is not in the project")
            self.warn(
                entry,
                f"'{entry.value}' is not in the project, and was left out. Move its modules into the "
                "project, or add them to the requirements.",
            )
        else:
            self.options.setdefault("pythonpath", []).append(found)
            self.say(entry, "uwsgi.pythonpath", "relative to the app's folder")

    def _plugins(self, entry: Entry) -> None:
        others = [name for name in uwsgi_options.named(entry.value) if not _PYTHON.fullmatch(name)]
        if not others:
            self.say(entry, "", "the vassal has the Python plugin, and needs no other")
            return
        self.options.setdefault("plugins", []).append(",".join(others))
        self.say(entry, "uwsgi.plugins", "in addition to the Python plugin, which the vassal has")
        if unknown := [name for name in others if not uwsgi_options.has_package(name)]:
            self.warn(
                entry,
                f"the app needs uWSGI's plugins {','.join(unknown)}. If Debian's uwsgi-core lacks one, add "
                f'its package: depends = ["uwsgi-plugin-{unknown[0].replace("_", "-")}"]',
            )

    def _worker(self, entry: Entry) -> None:
        if entry.name == "attach-daemon2":
            self._pass(entry, entry.name)
            return
        if self._too_many(entry):
            return
        command = self.command(entry, entry.value)
        name = jobs.name(command, self.workers)
        self.workers[name] = command
        self.say(entry, f"workers.{name}", "a separate service, beside the app's")

    def _timer(self, entry: Entry) -> None:
        *when, text = entry.value.split(maxsplit=5) or [""]
        calendar = jobs.calendar(when)
        if not calendar:
            self._pass(entry, entry.name)
            return
        if self._too_many(entry):
            return
        command = self.command(entry, text)
        name = jobs.name(command, {*self.workers, *self.timers})
        self.timers[name] = {"command": command, "calendar": calendar}
        self.say(entry, f"timers.{name}", calendar)

    def _too_many(self, entry: Entry) -> bool:
        if many := len(self.workers) + len(self.timers) >= jobs.MANY:
            self.say(entry, "", f"an app can have at most {jobs.MANY} workers and timers")
            self.warnings.append(f"Only the first {jobs.MANY} workers and timers were imported.")
        return many

    def _pass(self, entry: Entry, name: str) -> None:
        name = "processes" if name in PROCESSES else name
        is_command = uwsgi_options.COMMAND.fullmatch(name)
        value = self.machine.here(jobs.command(entry.value) if is_command else entry.value)
        if name.partition("-")[0] in _PATTERNS:  # only the target of a route is the path of a file
            why = self.elsewhere(entry, uwsgi_options.target(value), is_path=True)
        else:
            why = self.elsewhere(entry, value, is_path=bool(uwsgi_options.PATH.fullmatch(name)))
        if comment := re.fullmatch(r"([0-9]+)\s+[;#].*", value):
            value, why = comment[1], "uWSGI does not support comments after a value"
        single = name if uwsgi_options.is_single(name) else ""
        if single:
            self.options[name] = []
        self.options.setdefault(name, []).append(uwsgi_options.typed(name, value))
        for plugin in uwsgi_options.plugins(name, value):
            self.needed.append(plugin)
            why = "; ".join(filter(None, [f"with Debian's plugin {plugin}", why]))
        self.say(entry, f"uwsgi.{name}", why, single=single)

    def _unknown(self, entry: Entry) -> None:
        if entry.name in self.placeholders:
            self.say(entry, "", "a variable of this file; its value was inserted")
        elif self.options.get("plugins") and re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]*", entry.name):
            self._pass(entry, entry.name)
        else:
            self.guesses += 1  # each guess compares with a thousand names
            few = self.guesses <= _GUESSES
            close = (
                difflib.get_close_matches(entry.name, uwsgi_options.known(), n=1, cutoff=0.8) if few else []
            )
            guess = f" (did you mean '{close[0]}'?)" if close else ""
            self.say(entry, "", f"{_NO_OPTION}{guess}")
            self.warn(entry, f"'{entry.name}' was left out, because it is {_NO_OPTION}{guess}.")
