"""What a command line that starts a web server says: gunicorn, uwsgi, waitress, flask."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from debonair import wsgi

_BEFORE = re.compile(
    r"^(?:exec\s+|env\s+|\w+=\S*\s+|(?:poetry|pipenv|uv|pdm|hatch)\s+run\s+|newrelic-admin\s+run-program\s+"
    r"|python[\d.]*\s+-m\s+)+"
)
_NUMBERS = {
    "-t": "harakiri",
    "--timeout": "harakiri",
    "--threads": "threads",
}
_FLAGS = {
    "--preload",
    "--reload",
    "--daemon",
    "-D",
    "--capture-output",
    "--enable-stdio-inheritance",
    "--sync",
}
_ASGI = {"uvicorn", "hypercorn", "daphne"}


@dataclass(frozen=True)
class Said:
    """What a command line means to Debonair."""

    settings: dict[str, Any] = field(default_factory=dict)
    """Keys of debonair.toml, nested like it."""
    files: tuple[str, ...] = ()
    """Files of options that it names."""
    why: str = ""
    """A short sentence, where it has no settings or not all of them."""

    def keys(self) -> list[str]:
        """Return the keys that there are settings of: ``uwsgi.harakiri``."""
        return [
            f"{key}.{inner}" if isinstance(value, dict) else key
            for key, value in self.settings.items()
            for inner in (value if isinstance(value, dict) else [""])
        ]


def read(line: str) -> Said:
    """Return what the command ``line`` says; it is a line for a shell, and nothing of it is run."""
    line = re.split(r"\s*(?:&&|\|\||;)\s*", line.strip())[-1]
    try:
        words = shlex.split(_BEFORE.sub("", line))
    except ValueError:
        words = []
    program = PurePosixPath(words[0]).name if words else ""
    known = {"gunicorn": _gunicorn, "uwsgi": _uwsgi, "waitress-serve": _waitress, "flask": _flask}
    if program in known:
        return known[program](words[1:])
    if program in _ASGI:
        return Said(why=f"{program} serves ASGI, and uWSGI does not")
    if program.startswith("python"):
        return Said(why="a server for development; uWSGI serves the app instead")
    return Said(why="starts no server that Debonair knows")


def _gunicorn(words: list[str]) -> Said:
    settings = dict[str, Any]()
    numbers = dict[str, int]()
    why = ""
    for option, value in _pairs(words):
        if option in _NUMBERS and value.isdigit():
            numbers[_NUMBERS[option]] = int(value)
        elif option in {"-w", "--workers"}:
            why = "the board decides how many processes there are, unless 'uwsgi.processes' is set"
        elif option in {"-k", "--worker-class"} and "uvicorn" in value:
            return Said(why="uvicorn serves ASGI, and uWSGI does not")
        elif option == "--chdir":
            why = f"it changes to {value} first; modules are imported from the project's folder"
        elif not option:
            entry = value if ":" in value else f"{value}:application"
            if _is_entry(entry):
                settings["wsgi"] = entry
            else:
                why = f"'{entry}' is called with arguments, which 'wsgi' cannot do"
    if numbers.get("harakiri") == 0:  # gunicorn's way to say never
        del numbers["harakiri"]
    if numbers:
        settings["uwsgi"] = numbers
    return Said(settings, why=why)


def _uwsgi(words: list[str]) -> Said:
    found = dict(_pairs(words))
    files = tuple(
        value for option, value in _pairs(words) if option in {"--ini", "--yaml", "--xml", "--json"}
    )
    files += tuple(word for word in words if word.endswith((".ini", ".yaml", ".yml", ".xml", ".json")))
    module = found.get("--module") or found.get("-w") or found.get("--wsgi") or ""
    if file := found.get("--wsgi-file") or found.get("--file"):
        module = file.removesuffix(".py").replace("/", ".")
    entry = module if ":" in module else f"{module}:{found.get('--callable', 'application')}"
    return Said({"wsgi": entry} if module and _is_entry(entry) else {}, tuple(dict.fromkeys(files)))


def _waitress(words: list[str]) -> Said:
    entries = [
        value for option, value in _pairs([word for word in words if word != "--call"]) if not option
    ]
    entry = entries[-1] + "()" * ("--call" in words) if entries else ""
    return Said({"wsgi": entry}) if _is_entry(entry) else Said()


def _flask(words: list[str]) -> Said:
    found = dict(_pairs(words))
    app = found.get("--app") or found.get("-A") or ""
    entry = app if ":" in app else ""
    if _is_entry(entry):
        return Said({"wsgi": entry})
    return Said(why="a server for development; uWSGI serves the app instead")


def _pairs(words: list[str]) -> list[tuple[str, str]]:
    """Return options with their values; what is no option has an empty one."""
    found = list[tuple[str, str]]()
    waiting = list(words)
    while waiting:
        word = waiting.pop(0)
        if word.startswith("--") and "=" in word:
            option, _, value = word.partition("=")
            found.append((option, value))
        elif not word.startswith("-"):
            found.append(("", word))
        elif word in _FLAGS or not waiting or waiting[0].startswith("-"):
            found.append((word, ""))
        else:
            found.append((word, waiting.pop(0)))
    return found


def _is_entry(text: str) -> bool:
    try:
        wsgi.split(text)
    except ValueError:
        return False
    return True
