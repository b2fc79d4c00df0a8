"""Read a command line that starts a web server: gunicorn, uwsgi, waitress, flask."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from debonair.init.discovery.traits import IN_THE_APP
from debonair.init.imports import gunicorn, jobs, shell, variables
from debonair.init.imports.account import Taken, merged
from debonair.init.imports.shell import Command, Words
from debonair.project import entry_point, reader

_FLAGS = {
    "waitress-serve": {
        "--call", "--help", "--ipv4", "--ipv6", "--expose-tracebacks", "--log-socket-errors",
        "--log-untrusted-proxy-headers", "--clear-untrusted-proxy-headers", "--asyncore-use-poll",
    },
    "flask": {
        "--debug", "--no-debug", "--reload", "--no-reload", "--debugger", "--no-debugger", "--with-threads",
        "--without-threads", "--version", "--help",
    },
    "uwsgi": {
        "-M", "--master", "-T", "--enable-threads", "-i", "--single-interpreter", "-L", "--disable-logging",
        "-m", "--memory-report", "--vacuum", "--die-on-term", "--need-app", "--lazy", "--lazy-apps",
        "--strict", "--thunder-lock", "--no-site", "--no-orphans", "--ignore-sigpipe", "--auto-procname",
        "--py-call-osafterfork", "--show-config", "--http-keepalive", "--http-websockets",
        "--manage-script-name", "-C", "--chmod-socket", "--threaded-logger",
        "--log-x-forwarded-for", "--http-auto-chunked",
    },
}  # fmt: skip
"""The options of each program that take no value; all others take one."""
_UWSGI_SHORT = {
    "-b": "buffer-size", "-C": "chmod-socket", "-d": "daemonize", "-H": "home", "-i": "single-interpreter",
    "-l": "listen", "-L": "disable-logging", "-m": "memory-report", "-M": "master", "-p": "processes",
    "-R": "max-requests", "-s": "socket", "-t": "harakiri", "-T": "enable-threads", "-w": "module",
    "-x": "xml", "-y": "yaml", "-z": "socket-timeout",
}  # fmt: skip
_CONFIGURATION = re.compile(r"[^:]+\.(ini|ya?ml|xml|json|js)")
_ASGI = {"uvicorn", "hypercorn", "daphne", "granian"}
_SERVERS = {"gunicorn", "uwsgi", "waitress-serve", *_ASGI}
_PYTHON = re.compile(r"python[\d.]*")
_WORKER = re.compile(r"python[\d.]*|celery|rq|huey_consumer(\.py)?|dramatiq|arq|node|[\w.-]+\.py")
_MIGRATION = re.compile(r"\bflask(\s+\S+)* db upgrade\b|manage\.py migrate\b|\balembic(\s+\S+)* upgrade\b")
_DEVELOPMENT = "a development server; uWSGI serves the app instead"
_ASGI_ONLY = "serves ASGI, but uWSGI does not"
_LONGEST = 200
"""The most characters of a command to propose."""
_BEFORE = {
    "cd": "the modules of the app are in the project's folder or its 'src'",
    **dict.fromkeys(("source", ".", "activate"), "the package has its own virtual environment"),
    **dict.fromkeys(("pip", "pip3", "apt", "apt-get", "npm"), "the package has what the app needs"),
    **dict.fromkeys(
        ("echo", "printf", "set", "sleep", "true", "exit", "trap", "shopt", "wait"),
        "it has no effect on the app",
    ),
}
"""The reasons for dropping the programs that usually run before the server."""
_FIRST = "it ran before the server; if each new release needs it, add it to 'migrate'"


@dataclass(frozen=True)
class CommandLine:
    """The settings in a command line."""

    settings: Mapping[str, Any] = field(default_factory=dict)
    """Keys of a debonair.toml, with the same nesting."""
    why: str = ""
    """A short sentence if the command starts no server that uWSGI can replace; else empty."""
    became: tuple[str, ...] = ()
    """The keys that the server's command became: ``uwsgi.harakiri``."""
    parts: tuple[Taken, ...] = ()
    """The parts that need a word: those that were dropped, and those that are not the server's."""
    configuration: tuple[str, ...] = ()
    """The files of gunicorn's configuration that it names."""
    options: tuple[tuple[str, str], ...] = ()
    """The options for uWSGI, by their names in its files; those of included files, too."""
    script: str = ""
    """The file of a shell script that it runs; empty if it runs none."""
    secrets: tuple[str, ...] = ()
    """Values in the command line that must not be shown."""

    @property
    def is_for_development(self) -> bool:
        """Tell whether the server is one for development, or an unknown program of Python."""
        return self.why == _DEVELOPMENT

    @property
    def is_server(self) -> bool:
        """Tell whether the command starts a server."""
        return not self.why or self.why.endswith(_ASGI_ONLY) or self.why == _DEVELOPMENT


def read(line: str, *, is_background_kept: bool = True) -> CommandLine:
    """Return the settings in the command ``line``, which is written for a shell, without running it.

    The commands before the server's become a migration, or are told; those that run beside it become
    workers, if ``is_background_kept``.
    """
    if wrong := reader.unfit(line):
        return CommandLine(why=f"it {wrong}")
    line = shell.inner(line)
    found = shell.commands(line)
    if not found:
        return CommandLine(why="it is empty")
    place = next((place for place, each in enumerate(found) if serves(shell.words(each.text))), -1)
    server = found[place]
    migrations = list[str]()
    others = _beside(found, place % len(found), migrations, is_background_kept=is_background_kept)
    read_words = shell.words(server.text)
    result = _server(read_words)
    mine = [variables.taken(f"{name}={value}", name, value) for name, value in read_words.variables]
    if read_words.redirected:
        mine.append(Taken("(its output to a file)", "", "the app's output goes to the journal"))
    settings = dict(result.settings)
    for taken in reversed(mine):  # the last one of a name counts
        settings = merged(settings, taken.settings)
    became = [*result.became, *(taken.became for taken in mine if taken.became)]
    lost = [taken for taken in (*result.parts, *mine) if not taken.became or taken.why]
    for taken in others:
        settings = merged(settings, taken.settings)
    settings = merged(settings, migration(migrations))
    return CommandLine(
        settings,
        result.why,
        tuple(dict.fromkeys(became)),
        (*lost, *others),
        result.configuration,
        result.options,
        "" if result.is_server else _script(server.text),
        secrets(line),
    )


def serves(words: Words) -> bool:
    """Tell whether a command starts a server, or one for development."""
    if words.program in _SERVERS or (words.program == "flask" and "run" in words.arguments):
        return True
    return bool(_PYTHON.fullmatch(words.program)) and "runserver" in words.arguments


def _script(text: str) -> str:
    words = shell.words(text)
    names = [word for word in words.arguments if not word.startswith("-")]
    if words.program in {"sh", "bash", "dash"} and "-c" not in words.arguments:
        return next(iter(names), "")
    first = next((word for word in text.split() if shell.words(word).program == words.program), "")
    return first if re.search(r"\.(sh|bash)$|^\.{0,2}/", first) else ""


def _server(words: Words) -> CommandLine:
    known = {"gunicorn": _gunicorn, "uwsgi": _uwsgi, "waitress-serve": _waitress, "flask": _flask}
    if words.program in known:
        return known[words.program](words.arguments)
    if words.program in _ASGI:
        return CommandLine(why=f"{words.program} {_ASGI_ONLY}")
    if _PYTHON.fullmatch(words.program):
        return CommandLine(why=_DEVELOPMENT)
    return CommandLine(why="starts no server that Debonair knows")


def _beside(
    found: Sequence[Command], place: int, migrations: list[str], *, is_background_kept: bool
) -> list[Taken]:
    """Return what becomes of the commands other than the server's, which is at ``place``."""
    taken, workers = list[Taken](), dict[str, str]()
    for number, each in enumerate(found):
        is_beside = each.is_background or (number > place and found[number - 1].is_background)
        if number == place:
            continue
        if each.before in {"|", "|&"}:
            taken.append(Taken(each.text, "", "the app's output goes to the journal"))
        elif is_beside and is_background_kept and shell.words(each.text).program not in _BEFORE:
            command = jobs.command(each.text)
            if secrets(command):
                taken.append(Taken(variables.masked(each.text, secrets(command)), "", untaken(command)))
                continue
            name = jobs.name(command, workers)
            workers[name] = command
            settings = {"workers": {name: command}}
            taken.append(Taken(each.text, f"workers.{name}", "a service beside the app's", settings))
        elif number > place and not is_beside:
            taken.append(Taken(each.text, "", "it ran after the server had ended"))
        else:
            taken.append(beside(each, migrations, has_ended=number < place and not is_beside))
    return taken


def beside(command: Command, migrations: list[str], *, has_ended: bool = False) -> Taken:  # noqa: PLR0911
    """Return what becomes of a ``command`` that starts no server; add it to ``migrations`` if it is one.

    If it ``has_ended`` before the server started, it is no worker.
    """
    if wrong := reader.unfit(command.text):
        return Taken(command.text, "", f"it {wrong}")
    words = shell.words(command.text)
    pair = words.variables[0] if words.variables and not words.program else ("", "")
    if words.program == "export":
        name, _, value = " ".join(words.arguments).partition("=")
        pair = (name, value)
    if pair[0]:
        return variables.taken(command.text, *pair)
    if serves(words):
        return Taken(command.text, "", _DEVELOPMENT)
    if why := _BEFORE.get(words.program, ""):
        return Taken(command.text, "", why)
    if "collectstatic" in words.arguments:
        return Taken(command.text, "", "the build does that, by 'collect'")
    if _MIGRATION.search(command.text):
        migrations.append(jobs.command(command.text))
        return Taken(command.text, "migrate", "")
    shown = variables.masked(command.text, secrets(command.text))
    if command.is_background or (_WORKER.fullmatch(words.program) and not has_ended):
        return Taken(shown, "", untaken(command.text))
    return Taken(shown, "", _FIRST)


def secrets(text: str) -> tuple[str, ...]:
    """Return the values in a command line that must not be shown: of variables, and in addresses."""
    pairs = [pair for each in shell.commands(text) for pair in shell.words(each.text).variables]
    found = [value for name, value in pairs if value and variables.judge(name, value).secret]
    return (*found, *variables.passwords(text))


def migrations(text: str) -> list[str]:
    """Return the commands in ``text`` if all of them migrate a database."""
    commands, found = shell.commands(text), list[str]()
    for command in commands:
        beside(command, found)
    return found if len(found) == len(commands) else []


def migration(commands: Sequence[str]) -> dict[str, str]:
    """Return the setting that runs ``commands`` before a new release serves; empty without commands."""
    return {"migrate": IN_THE_APP + " && ".join(commands)} if commands else {}


def untaken(text: str) -> str:
    """Return the reason why a command beside the app is not taken over, with the setting to write."""
    command = jobs.command(text)
    shown = variables.masked(command, secrets(command))
    shown = shown if len(shown) <= _LONGEST and '"' not in shown else "..."
    name = jobs.name(command, ())
    return f'not taken over; if it is not the app itself, add to [workers]: {name} = "{shown}"'


def _of_options(taken: Sequence[Taken], why: str = "") -> CommandLine:
    settings: Mapping[str, Any] = {}
    for each in taken:
        settings = merged(each.settings, settings)  # the last one of an option counts
    became = tuple(each.became for each in taken if each.became)
    return CommandLine(settings, why, became, tuple(taken))


def _gunicorn(words: Sequence[str]) -> CommandLine:
    taken, files, names = list[Taken](), list[str](), list[str]()
    for option, value in _pairs(words, "gunicorn"):
        if not option:
            names.append(value)
        elif option in {"-c", "--config"}:
            files.append(value.removeprefix("file:"))
        elif option in {"-k", "--worker-class"} and "uvicorn" in value:
            return CommandLine(why=f"uvicorn {_ASGI_ONLY}")
        else:
            taken.append(gunicorn.option(option, value))
    if name := next((name for name in names if ":" in name), next(iter(names), "")):
        taken.insert(0, gunicorn.application(name))
    result = _of_options(taken)
    return CommandLine(result.settings, "", result.became, result.parts, tuple(files))


def _uwsgi(words: Sequence[str]) -> CommandLine:
    options = list[tuple[str, str]]()
    for option, value in _pairs(words, "uwsgi"):
        if option:
            options.append((_UWSGI_SHORT.get(option, option.lstrip("-")), value))
        elif _CONFIGURATION.fullmatch(value.partition(":")[0]):
            suffix = value.partition(":")[0].rpartition(".")[2]
            options.append(({"yml": "yaml", "js": "json"}.get(suffix, suffix), value))
        else:
            options.append(("socket", value))  # uWSGI takes a plain word for a socket
    return CommandLine(options=tuple(options))


def _waitress(words: Sequence[str]) -> CommandLine:
    pairs = _pairs(words, "waitress-serve")
    dropped = [
        Taken(f"{option} {value}".strip(), "", "an option of waitress; uWSGI serves the app instead")
        for option, value in pairs
        if option not in {"", "--call", "--app"}
    ]
    entries = [value for option, value in pairs if option in {"", "--app"} and value]
    entry = entries[-1] + "()" * ("--call" in words) if entries else ""
    if not _is_entry(entry):
        return CommandLine(why="it names no application", parts=tuple(dropped))
    return CommandLine({"wsgi": entry}, became=("wsgi",), parts=tuple(dropped))


def _flask(words: Sequence[str]) -> CommandLine:
    found = dict(_pairs(words, "flask"))
    app = found.get("--app") or found.get("-A") or ""
    if ":" in app and _is_entry(app):
        return CommandLine({"wsgi": app}, became=("wsgi",))
    return CommandLine(why=_DEVELOPMENT)


def _pairs(words: Sequence[str], program: str) -> list[tuple[str, str]]:
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
        flag = gunicorn.is_flag(option) if program == "gunicorn" else option in _FLAGS[program]
        flag = flag or option.startswith("--no-")
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
