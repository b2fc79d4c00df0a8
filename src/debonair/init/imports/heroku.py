"""Read a Procfile, an app.json and a runtime.txt, as Heroku and its successors do."""

from __future__ import annotations

import bisect
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from debonair import target
from debonair.errors import ProjectError
from debonair.init.discovery.traits import IN_THE_APP
from debonair.init.imports import commandline, crontab, gunicorn, jobs, places, start, variables
from debonair.init.imports.account import Account, Imported, Taken, merge
from debonair.project import reader
from debonair.project import settings as project_settings

_LINE = re.compile(r"([A-Za-z0-9_-]+):\s*(.+)")
_MOST = 256 << 10
"""The most bytes of one of these files."""
_SHOWN = 1000
"""The most characters of a line that are shown."""


def procfile(path: Path, root: Path) -> Imported:
    """Return the settings in the Procfile at ``path``: web, release, cron, and workers with any other name.

    piku has names of its own: ``wsgi`` for the application, ``cron``, ``static`` and ``preflight``. Raises
    ``ProjectError`` with file and line if a line is invalid.
    """
    found, timers = list[Imported](), list[str]()
    text = reader.text(path, places.boundary(path, root), most=_MOST)
    for number, raw in enumerate(reader.lines(text), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        parts = _LINE.fullmatch(line)
        if not parts:
            raise ProjectError(
                f"{places.shown(path, root)}, line {number}: '{line[:_SHOWN]}' is not of the form NAME: "
                "COMMAND.",
                hint="Write each line as NAME: COMMAND.",
            )
        name, command = parts[1], parts[2]
        if unfit := reader.unfit(command):
            found.append(Imported((Account(path, number, line[:_SHOWN], "", f"it {unfit}"),)))
        elif name == "web":
            found.append(start.take(path, root, number, line, commandline.read(command)))
        else:
            taken = _process(name, command, timers)
            shown = variables.masked(line, commandline.secrets(command))[:_SHOWN]
            account = Account(path, number, shown, taken.became, taken.why)
            found.append(Imported((account,), taken.settings))
    whole = merge(reversed(found))  # the last line of a name counts
    return replace(whole, accounts=tuple(sorted(whole.accounts, key=lambda account: account.line)))


def _process(name: str, command: str, timers: list[str]) -> Taken:  # noqa: PLR0911
    """Return what becomes of a line of a Procfile other than ``web``; ``timers`` has the names so far."""
    kind = name.lower()
    if kind == "wsgi":
        taken = gunicorn.application(command)
        return Taken(command, taken.became, taken.why, taken.settings)
    if kind == "release":
        return Taken(command, "migrate", "", {"migrate": IN_THE_APP + command})
    if kind == "preflight":
        why = "it ran before each deployment; if each new release needs it, add it to 'migrate'"
        return Taken(command, "", why)
    if kind == "static":
        why = "the folder was served at /, but each folder of 'static' needs a prefix"
        return Taken(command, "", f'{why}: "/{command.strip("/")}/" = "{command.strip("/")}"')
    if commandline.secrets(command):
        why = (
            "it has a secret, which a package would publish; set it on the Pi: sudo APP env set NAME=VALUE"
        )
        return Taken(command, "", f"{why}. Then add the command to [workers]")
    key = kind.replace("_", "-").strip("-") or "worker"
    calendar, program = crontab.split(command) if kind.startswith("cron") else ("", "")
    if calendar:
        key = next(
            each
            for number in range(len(timers) + 1)
            if (each := f"{key}-{number + 1}" if number else key) not in timers
        )
        timers.append(key)
        timer = {"command": jobs.command(program), "calendar": calendar}
        return Taken(command, f"timers.{key}", calendar, {"timers": {key: timer}})
    if program:
        return Taken(command, "", "it names a day of the month and one of the week; write two timers")
    return Taken(command, f"workers.{key}", "", {"workers": {key: command}})


def app_json(path: Path, root: Path) -> Imported:
    """Return the settings in the app.json at ``path``. Raises ``ProjectError`` if it is not JSON."""
    text = reader.text(path, places.boundary(path, root), most=_MOST)
    try:
        table = json.loads(text, parse_int=str)
    except json.JSONDecodeError as wrong:
        raise ProjectError(
            f"{places.shown(path, root)}, line {wrong.lineno}: {wrong.msg}.",
            hint="Fix the syntax error on that line.",
        ) from None
    except RecursionError:
        raise ProjectError(
            f"{places.shown(path, root)} is nested too deeply.", hint="Write it flat."
        ) from None
    accounts = list[Account]()
    settings = dict[str, Any]()

    lines = text.split("\n")
    ends = [found.start() for found in re.finditer("\n", text)]

    def tell(key: str, became: str, why: str = "") -> None:
        place = text.find(f'"{key}"')
        line = bisect.bisect_left(ends, place) + 1 if place >= 0 else 0
        shown = lines[line - 1][:_SHOWN].strip() if line else key
        accounts.append(Account(path, line, shown, became, why))

    table = table if isinstance(table, dict) else {}
    if isinstance(description := table.get("description"), str) and description.strip():
        line = " ".join(description.split())
        unfit = reader.unfit(line)
        settings |= {} if unfit else {"description": line}
        tell("description", "" if unfit else "description", f"it {unfit}" if unfit else "")
    env = table.get("env", {})
    for name, entry in env.items() if isinstance(env, dict) else ():
        value = entry if isinstance(entry, str) else entry.get("value") if isinstance(entry, dict) else None
        given = isinstance(value, str) and not (isinstance(entry, dict) and "generator" in entry)
        verdict = variables.judge(name, str(value or ""))
        if given and verdict.kept:
            settings.setdefault("service", {}).setdefault("environment", {})[name] = value
            tell(name, f"service.environment.{name}")
        else:
            tell(name, "", verdict.why or f"each Pi has its own: sudo APP env set {name}=...")
    return Imported(tuple(accounts), settings, ())


def runtime(path: Path, root: Path) -> Imported:
    """Return the settings in the runtime.txt at ``path``, which names a version of Python."""
    text = reader.text(path, places.boundary(path, root), most=_MOST).strip()[:_SHOWN]
    found = re.search(r"[0-9]{1,3}\.[0-9]{1,3}", text)
    suites = [each.name for each in target.suites().values() if found and each.python == found[0]]
    usual = project_settings.usual_suite()
    suite = usual if usual in suites else next(iter(suites), "")
    if suite and suite != usual:
        settings = {"targets": [f"{suite}-arm64", f"{suite}-amd64"]}
        return Imported(
            (Account(path, 1, text, "targets", f"the Python of Debian's {suite}"),), settings, ()
        )
    why = (
        "the Python of Debian 13, the default"
        if suite
        else "no Debian has it; the Pi's own Python 3.13 is used"
    )
    return Imported((Account(path, 1, text, "", why),), {}, ())
