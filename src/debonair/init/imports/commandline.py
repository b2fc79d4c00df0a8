"""Read a command line that starts a web server: gunicorn, uwsgi, waitress, flask."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from debonair.project import entry_point, reader

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
    "gunicorn": {
        "--reload", "--spew", "--check-config", "--print-config", "--preload", "--no-sendfile",
        "--reuse-port", "-D", "--daemon", "--initgroups", "--disable-redirect-access-to-syslog",
        "--capture-output", "--log-syslog", "-R", "--enable-stdio-inheritance",
        "--enable-backlog-metric", "--proxy-protocol",
        "--suppress-ragged-eofs", "--do-handshake-on-connect", "--permit-obsolete-folding",
        "--strip-header-spaces", "--permit-unconventional-http-method",
        "--permit-unconventional-http-version", "--casefold-http-method", "--no-control-socket",
    },
    "uwsgi": {
        "-M", "--master", "-T", "--enable-threads", "-i", "--single-interpreter", "-L", "--disable-logging",
        "-m", "--memory-report", "--vacuum", "--die-on-term", "--need-app", "--lazy", "--lazy-apps",
        "--strict", "--thunder-lock", "--no-site", "--no-orphans", "--ignore-sigpipe",
    },
    "waitress-serve": {
        "--call", "--help", "--ipv4", "--ipv6", "--expose-tracebacks", "--log-socket-errors",
        "--log-untrusted-proxy-headers", "--clear-untrusted-proxy-headers", "--asyncore-use-poll",
    },
    "flask": {
        "--debug", "--no-debug", "--reload", "--no-reload", "--debugger", "--no-debugger", "--with-threads",
        "--without-threads", "--version", "--help",
    },
}  # fmt: skip
"""The options of each program that take no value; all others take one."""
_ASGI = {"uvicorn", "hypercorn", "daphne"}


@dataclass(frozen=True)
class CommandLine:
    """The settings in a command line."""

    settings: dict[str, Any] = field(default_factory=dict)
    """Keys of a debonair.toml, with the same nesting."""
    files: tuple[str, ...] = ()
    """The files of options that the command line names."""
    why: str = ""
    """A short sentence about options that are lost; empty if there are none."""

    def keys(self) -> list[str]:
        """Return the keys that have settings: ``uwsgi.harakiri``."""
        return [
            f"{key}.{inner}" if isinstance(value, dict) else key
            for key, value in self.settings.items()
            for inner in (value if isinstance(value, dict) else [""])
        ]


def read(line: str) -> CommandLine:
    """Return the settings in the command ``line``, which is written for a shell, without running it."""
    if wrong := reader.unfit(line):
        return CommandLine(why=f"it {wrong}")
    line = re.split(r"&&|\|\||;", line)[-1].strip()
    try:
        words = shlex.split(_BEFORE.sub("", line))
    except ValueError:
        words = []
    program = PurePosixPath(words[0]).name if words else ""
    known = {"gunicorn": _gunicorn, "uwsgi": _uwsgi, "waitress-serve": _waitress, "flask": _flask}
    if program in known:
        return known[program](words[1:])
    if program in _ASGI:
        return CommandLine(why=f"{program} serves ASGI, but uWSGI does not")
    if program.startswith("python"):
        return CommandLine(why="a development server; uWSGI serves the app instead")
    return CommandLine(why="starts no server that Debonair knows")


def _gunicorn(words: list[str]) -> CommandLine:
    settings = dict[str, Any]()
    numbers = dict[str, int]()
    why = ""
    pairs = _pairs(words, "gunicorn")
    for option, value in pairs:
        if option in _NUMBERS and re.fullmatch("[0-9]{1,6}", value):
            numbers[_NUMBERS[option]] = int(value)
        elif option in {"-w", "--workers"}:
            why = "the board determines the number of processes, unless 'uwsgi.processes' is set"
        elif option in {"-k", "--worker-class"} and "uvicorn" in value:
            return CommandLine(why="uvicorn serves ASGI, but uWSGI does not")
        elif option == "--chdir":
            why = f"it changes to {value} first, but modules are imported from the project's folder"
    names = [value for option, value in pairs if not option]
    if name := next((name for name in names if ":" in name), next(iter(names), "")):
        entry = name if ":" in name else f"{name}:application"
        if _is_entry(entry):
            settings["wsgi"] = entry
        else:
            why = f"'{entry}' is called with arguments, which 'wsgi' does not support"
    if numbers.get("harakiri") == 0:  # gunicorn's value for 'never'
        del numbers["harakiri"]
    if numbers:
        settings["uwsgi"] = numbers
    return CommandLine(settings, why=why)


def _uwsgi(words: list[str]) -> CommandLine:
    pairs = _pairs(words, "uwsgi")
    found = dict(pairs)
    files = tuple(value for option, value in pairs if option in {"--ini", "--yaml", "--xml", "--json"})
    files += tuple(word for word in words if word.endswith((".ini", ".yaml", ".yml", ".xml", ".json")))
    module = found.get("--module") or found.get("-w") or found.get("--wsgi") or ""
    if file := found.get("--wsgi-file") or found.get("--file"):
        module = file.removesuffix(".py").replace("/", ".")
    entry = module if ":" in module else f"{module}:{found.get('--callable', 'application')}"
    return CommandLine({"wsgi": entry} if module and _is_entry(entry) else {}, tuple(dict.fromkeys(files)))


def _waitress(words: list[str]) -> CommandLine:
    entries = [value for option, value in _pairs(words, "waitress-serve") if not option]
    entry = entries[-1] + "()" * ("--call" in words) if entries else ""
    return CommandLine({"wsgi": entry}) if _is_entry(entry) else CommandLine()


def _flask(words: list[str]) -> CommandLine:
    found = dict(_pairs(words, "flask"))
    app = found.get("--app") or found.get("-A") or ""
    entry = app if ":" in app else ""
    if _is_entry(entry):
        return CommandLine({"wsgi": entry})
    return CommandLine(why="a development server; uWSGI serves the app instead")


def _pairs(words: list[str], program: str) -> list[tuple[str, str]]:
    """Return the options of ``program`` with their values; other words have an empty option.

    The rules are those of getopt and argparse. A value may be joined to its option (``-w4``,
    ``--workers=4``), and short options to each other (``-Dw4``). ``-`` and negative numbers are values.
    """
    found = list[tuple[str, str]]()
    waiting = list(reversed(words))
    while waiting:
        word = waiting.pop()
        if not _is_option(word):
            found.append(("", word))
            continue
        if word.startswith("--"):
            option, joined, value = word.partition("=")
        else:
            option, value = word[:2], word[2:].removeprefix("=")
            joined = value
        flag = option in _FLAGS[program] or option.startswith("--no-")
        if flag and joined and not option.startswith("--"):
            waiting.append(f"-{value}")
        if flag or joined:
            found.append((option, "" if flag else value))
        elif waiting and not _is_option(waiting[-1]):
            found.append((option, waiting.pop()))
        else:
            found.append((option, ""))
    return found


def _is_option(word: str) -> bool:
    return word.startswith("-") and word != "-" and not re.fullmatch(r"-[0-9.]+", word)


def _is_entry(text: str) -> bool:
    try:
        entry_point.split(text)
    except ValueError:
        return False
    return True
