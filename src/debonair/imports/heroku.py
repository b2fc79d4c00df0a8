"""A Procfile, an app.json and a runtime.txt, as Heroku and what came after it read them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from debonair import declared
from debonair.discovery.traits import IN_THE_APP
from debonair.errors import ProjectError
from debonair.imports import Account, Imported, commandline, variables

_LINE = re.compile(r"([A-Za-z0-9_-]+):\s*(.+)")
_PYTHONS = {"3.11": "bookworm", "3.13": "trixie", "3.14": "forky"}


def procfile(path: Path, root: Path) -> Imported:
    """Return what the Procfile at ``path`` says: web, release, and workers by any other name.

    Raises ``ProjectError`` naming file and line if a line is of no form.
    """
    accounts = list[Account]()
    settings = dict[str, Any]()
    for number, raw in enumerate(declared.text(path).splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        found = _LINE.fullmatch(line)
        if not found:
            raise ProjectError(
                f"{path.relative_to(root)}, line {number}: '{line}' is not of a Procfile.",
                hint="Write each line as NAME: COMMAND.",
            )
        name, command = found[1], found[2]
        became, why = "", ""
        if name == "web":
            said = commandline.read(command)
            settings |= said.settings
            became, why = ", ".join(said.keys()), said.why
        elif name == "release":
            settings["migrate"] = IN_THE_APP + command
            became = "migrate"
        else:
            key = name.lower().replace("_", "-")
            settings.setdefault("workers", {})[key] = command
            became = f"workers.{key}"
        accounts.append(Account(path, number, line, became, why))
    return Imported(tuple(accounts), settings, ())


def app_json(path: Path, root: Path) -> Imported:
    """Return what the app.json at ``path`` says. Raises ``ProjectError`` if it is not JSON."""
    text = declared.text(path)
    try:
        table = json.loads(text)
    except json.JSONDecodeError as wrong:
        raise ProjectError(
            f"{path.relative_to(root)}, line {wrong.lineno}: {wrong.msg}.", hint="Mend it at that line."
        ) from None
    accounts = list[Account]()
    settings = dict[str, Any]()

    def tell(key: str, became: str, why: str = "") -> None:
        lines = text.splitlines()
        line = next((number for number, line in enumerate(lines, 1) if f'"{key}"' in line), 0)
        accounts.append(Account(path, line, lines[line - 1].strip() if line else key, became, why))

    table = table if isinstance(table, dict) else {}
    if isinstance(description := table.get("description"), str) and description.strip():
        settings["description"] = " ".join(description.split())
        tell("description", "description")
    env = table.get("env", {})
    for name, said in env.items() if isinstance(env, dict) else ():
        value = said if isinstance(said, str) else said.get("value") if isinstance(said, dict) else None
        given = isinstance(value, str) and not (isinstance(said, dict) and "generator" in said)
        verdict = variables.judge(name, str(value or ""))
        if given and verdict.kept:
            settings.setdefault("service", {}).setdefault("environment", {})[name] = value
            tell(name, f"service.environment.{name}")
        else:
            tell(name, "", verdict.why or f"each Pi has its own: sudo APP env set {name}=...")
    return Imported(tuple(accounts), settings, ())


def runtime(path: Path, root: Path) -> Imported:
    """Return what the runtime.txt at ``path`` says, which is a version of Python."""
    text = declared.text(path).strip()
    found = re.search(r"\d+\.\d+", text)
    suite = _PYTHONS.get(found[0], "") if found else ""
    if suite and suite != "trixie":
        settings = {"targets": [f"{suite}-arm64", f"{suite}-amd64"]}
        return Imported(
            (Account(path, 1, text, "targets", f"the Python of Debian's {suite}"),), settings, ()
        )
    why = (
        "the Python of Debian 13, as by default"
        if suite
        else "no Debian has it; the Pi's own Python is taken, 3.13"
    )
    return Imported((Account(path, 1, text, "", why),), {}, ())
