"""Read a Procfile, an app.json and a runtime.txt, as Heroku and its successors do."""

from __future__ import annotations

import bisect
import json
import re
from pathlib import Path
from typing import Any

from debonair import target
from debonair.errors import ProjectError
from debonair.init.discovery.traits import IN_THE_APP
from debonair.init.imports import commandline, places, variables
from debonair.init.imports.account import Account, Imported
from debonair.project import reader
from debonair.project import settings as project_settings

_LINE = re.compile(r"([A-Za-z0-9_-]+):\s*(.+)")
_MOST = 256 << 10
"""The most bytes of one of these files."""
_SHOWN = 1000
"""The most characters of a line that are shown."""


def procfile(path: Path, root: Path) -> Imported:
    """Return the settings in the Procfile at ``path``: web, release, and workers with any other name.

    Raises ``ProjectError`` with file and line if a line is invalid.
    """
    accounts = list[Account]()
    settings = dict[str, Any]()
    text = reader.text(path, places.boundary(path, root), most=_MOST)
    for number, raw in enumerate(reader.lines(text), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        found = _LINE.fullmatch(line)
        if not found:
            raise ProjectError(
                f"{places.shown(path, root)}, line {number}: '{line[:_SHOWN]}' is not of the form NAME: "
                "COMMAND.",
                hint="Write each line as NAME: COMMAND.",
            )
        name, command = found[1], found[2]
        became, why = "", ""
        if unfit := reader.unfit(command):
            why = f"it {unfit}"
        elif name == "web":
            start = commandline.read(command)
            settings |= start.settings
            became, why = ", ".join(start.keys()), start.why
        elif name == "release":
            settings["migrate"] = IN_THE_APP + command
            became = "migrate"
        else:
            key = name.lower().replace("_", "-").strip("-") or "worker"
            settings.setdefault("workers", {})[key] = command
            became = f"workers.{key}"
        accounts.append(Account(path, number, line[:_SHOWN], became, why))
    return Imported(tuple(accounts), settings, ())


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
