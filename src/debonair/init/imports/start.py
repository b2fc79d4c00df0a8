"""Account for a command that started the app, with the files of options that it names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from debonair.init.imports import commandline, gunicorn, places, shell, uwsgi, variables
from debonair.init.imports.account import Account, Imported, merge
from debonair.init.imports.commandline import CommandLine
from debonair.init.imports.forms import Entry
from debonair.project import reader

_SHOWN = 1000
"""The most characters of a line that are shown."""
_FORMS = {"ini", "yaml", "yml", "xml", "json", "js"}
_MOST = 64 << 10
"""The most bytes of a script."""
_KEYWORD = re.compile(r"^(then|do|else|if|while|until|!|\{)\s+(?!\[)")
_CONTROL = re.compile(
    r"(if|elif|else|then|fi|for|while|until|do|done|case|esac|function|break|continue|return|local|select"
    r"|echo|printf|set|sleep|true|exit|trap|shopt|wait|test|cd)\b|[\[{}()]|[\w-]+\s*\(\)|[^()]*\)$|;;"
)
"""The start of lines that control a script."""
_ON_ONE_LINE = re.compile(r"(?:if|while|until|for)\b[^;]*;\s*(?:then|do)\s+(.+?)\s*;?\s*(?:fi|done)")
"""A condition or a loop on one line; the group is its body."""
_NO_FILE = "the project has no such file"


def take(path: Path, root: Path, line: int, text: str, command: CommandLine) -> Imported:
    """Return the settings of ``command``, which line ``line`` of the file ``path`` has as ``text``.

    ``root`` is the project's folder. Raises ``ProjectError`` if a file that the command names cannot be
    read.
    """
    shown = variables.masked(text, command.secrets)[:_SHOWN]
    accounts = [Account(path, line, shown, ", ".join(command.became), command.why)]
    accounts += [Account(path, line, part.text[:_SHOWN], part.became, part.why) for part in command.parts]
    more = list[Imported]()
    if script := _file(root, command.script):
        accounts[0] = replace(accounts[0], became=script, why="read; see there")
        more.append(read_script(root / script, root))
    for name in command.configuration:
        option = f"-c {name}"
        if file := _file(root, name):
            accounts.append(Account(path, line, option, file, "read; see there"))
            more.append(gunicorn.configuration(root / file, root))
        else:
            accounts.append(Account(path, line, option, "", _NO_FILE))
    if command.options:
        accounts = accounts[1:]
        more += _uwsgi(path, root, line, command)
    return merge([Imported(tuple(accounts), command.settings), *more])


def _uwsgi(path: Path, root: Path, line: int, command: CommandLine) -> list[Imported]:
    entries, files = list[Entry](), list[Imported]()
    for name, value in command.options:
        text = f"--{name} {value}".strip()
        if name not in _FORMS:
            entries.append(Entry(path, line, "uwsgi", name, value, text[:_SHOWN]))
        elif file := _file(root, value.partition(":")[0]):
            files.append(Imported((Account(path, line, text, file, "read; see there"),)))
            files.append(uwsgi.read(root / file, root, value.partition(":")[2] or "uwsgi"))
        else:
            files.append(Imported((Account(path, line, text, "", _NO_FILE),)))
    of_line = uwsgi.converted(entries, path, root)
    accounts = tuple(account for account in of_line.accounts if account.line)
    return [replace(of_line, accounts=accounts), *files]


def _file(root: Path, name: str) -> str:
    """Return the place of a file in the project; empty if it has no such file."""
    place = places.inside(root, name.removeprefix("./")) if name else ""
    return place if place and reader.is_file(root / place) else ""


def read_script(path: Path, root: Path) -> Imported:
    """Return the settings in the shell script at ``path`` that started the app.

    Commands before the server's become a migration, or are named as not taken over.
    """
    found, server, migrations, others = list[Imported](), list[Imported](), list[str](), 0
    text = reader.head(path, places.boundary(path, root), most=_MOST)
    lines = [(number, _body(line)) for number, line in _lines(text)]
    last = max((number for number, shown in lines if _serves(shown)), default=0)
    for number, shown in lines:
        if not shown or _CONTROL.match(shown) or '"$@"' in shown:
            others += bool(shown)
            continue
        command = commandline.read(shown, is_background_kept=False)
        if command.is_server and not command.is_for_development:
            server.append(take(path, root, number, shown, command))
            continue
        for each in shell.commands(shown):
            taken = commandline.beside(each, migrations, has_ended=number < last and not each.is_background)
            account = Account(path, number, taken.text[:_SHOWN], taken.became, taken.why)
            found.append(Imported((account,), taken.settings))
    if others:
        why = "they control the script, and have no effect on the app"
        found.append(Imported((Account(path, 0, f"({others} more line{'s' * (others > 1)})", "", why),)))
    if migrations:
        found.append(Imported((), commandline.migration(migrations)))
    whole = merge([*server, *reversed(found)])  # the last value of a variable counts
    return replace(whole, accounts=tuple(sorted(whole.accounts, key=_line)))


def _line(account: Account) -> tuple[bool, int]:
    return not account.line, account.line


def _serves(line: str) -> bool:
    return any(commandline.serves(shell.words(each.text)) for each in shell.commands(line))


def _body(line: str) -> str:
    """Return the command in a line of a script, which may be in a condition or a loop."""
    inline = _ON_ONE_LINE.fullmatch(line.strip())
    return inline[1] if inline else _KEYWORD.sub("", line).strip()


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield the lines of a shell script with their numbers, joined by a backslash.

    Comments are left out, and so are lines that are the input of a command.
    """
    pieces, first = list[str](), 0
    until = list[str]()
    for number, raw in enumerate(reader.lines(text), 1):
        if until:
            until = until[1:] if raw.strip() == until[0] else until
            continue
        line = "" if raw.lstrip().startswith("#") and not pieces else raw.strip()
        first = first if pieces else number
        pieces.append(line.removesuffix("\\").strip())
        if not line.endswith("\\"):
            if joined := " ".join(filter(None, pieces)):
                yield first, joined
                until = shell.HERE.findall(joined)
            pieces = []
