"""Split a command line of a shell into the commands that it runs, without running it."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

_PIECE = re.compile(
    r"""(?P<text>(?:\\.|'[^']*'|"(?:\\.|[^"\\])*"|\$\([^()]*\)|[0-9]*[<>]&|&>|[^\\'"|&;\n])+)
    | (?P<joint>&&|\|\||\|&|[;|&\n])""",
    re.VERBOSE | re.DOTALL,
)
HERE = re.compile(r"(?:^|\s)[0-9]*<<-?\s*[\"']?([A-Za-z_]\w*)[\"']?(?=[\s;>|&)]|$)")
"""Starts lines that are the input of a command, up to the line that consists of this word."""
_REDIRECTION = re.compile(r"(?:[0-9]*|&)(?:>>|[<>])(?P<rest>.*)")
_VARIABLE = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)
_RUNNERS = re.compile("exec|nohup|time|env|dumb-init|tini")
_TWO = re.compile(r"(poetry|pipenv|uv|pdm|hatch|rye) run|newrelic-admin run-program|python[\d.]* -m")
"""The first two words of a command that runs the rest."""


@dataclass(frozen=True)
class Command:
    """One of the commands in a line."""

    text: str
    """The command as written."""
    before: str
    """The operator before it, such as ``&&``; empty for the first."""
    is_background: bool
    """True if the next command starts while this one runs."""


def commands(line: str) -> list[Command]:
    """Return the commands of ``line``; the whole line is one command if a quote is not closed."""
    texts, joints = [""], [""]
    end = 0
    for found in _PIECE.finditer(line):
        if found.start() != end:
            return [Command(line.strip(), "", is_background=False)]
        end = found.end()
        if found["joint"]:
            joints.append(found["joint"])
            texts.append("")
        else:
            texts[-1] += found["text"]
    if end != len(line):
        return [Command(line.strip(), "", is_background=False)]
    after = [*joints[1:], ""]
    return [
        Command(text.strip(), before, is_background=joint == "&")
        for text, before, joint in zip(texts, joints, after, strict=True)
        if text.strip()
    ]


@dataclass(frozen=True)
class Words:
    """The words of a command, without the programs that only run another one."""

    program: str
    """The name of the program, without its folder, or an empty text."""
    arguments: tuple[str, ...]
    variables: tuple[tuple[str, str], ...]
    """The names and values of the variables that are set for the command."""
    redirected: bool
    """True if its output goes to a file."""


def words(text: str) -> Words:
    """Return the words of a command; the list is empty if a quote is not closed."""
    try:
        found = shlex.split(text)
    except ValueError:
        return Words("", (), (), redirected=False)
    variables = list[tuple[str, str]]()
    while found:
        if variable := _VARIABLE.fullmatch(found[0]):
            variables.append((variable[1], variable[2]))
            found = found[1:]
        elif _RUNNERS.fullmatch(_name(found[0])):
            found = found[1:]
            while found and found[0].startswith("-"):  # tini -- gunicorn
                found = found[1:]
        elif _TWO.fullmatch(f"{_name(found[0])} {' '.join(found[1:2])}"):
            found = found[2:]
        else:
            break
    plain, redirected = list[str](), False
    waiting = list(reversed(found))
    while waiting:
        word = waiting.pop()
        if match := _REDIRECTION.fullmatch(word):
            redirected = True
            if not match["rest"] and waiting:
                waiting.pop()
        else:
            plain.append(word)
    name = _name(plain[0]) if plain else ""
    return Words(name, tuple(plain[1:]), tuple(variables), redirected)


def inner(line: str) -> str:
    """Return the line that ``line`` passes to a shell, as in ``sh -c "gunicorn x"``; else ``line``."""
    found = words(line)
    if found.program in {"sh", "bash", "dash"} and len(found.arguments) == 2 and not found.variables:
        option, script = found.arguments
        return script if re.fullmatch("-[a-z]*c", option) else line
    return line


def _name(word: str) -> str:
    return word.rpartition("/")[2]
