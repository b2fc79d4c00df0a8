"""Lines that uWSGI writes at every start, and that explain no failure."""

from __future__ import annotations

import re

_CHATTER = re.compile(
    r"""\s*(?:
    \*\*\*\ (?:Starting\ uWSGI|Operational\ MODE:|Stats\ server\ enabled|uWSGI\ is\ running\ in\ multiple)
    | \*\*\*\ WARNING:\ you\ have\ enabled\ harakiri\ without\ post\ buffering\.
    | compiled\ with\ version:
    | os:\ Linux-
    | nodename:\ \S+$
    | machine:\ \S+$
    | clock\ source:\ \w+$
    | pcre\ jit\ (?:dis|en)abled$
    | detected\ (?:number\ of\ CPU\ cores|binary\ path|max\ file\ descriptor\ number):
    | current\ working\ directory:
    | chdir\(\)\ to\ /
    | your\ (?:processes\ number\ limit|memory\ page\ size)\ is\b
    | your\ server\ socket\ listen\ backlog\ is\b
    | your\ mercy\ for\ graceful\ operations\b
    | lock\ engine:
    | thunder\ lock:
    | uwsgi\ socket\ \d+\b
    | Python\ version:\ \d
    | Python\ main\ interpreter\ initialized\ at\b
    | PEP\ 405\ virtualenv\ detected:
    | Set\ PythonHome\ to\b
    | python\ threads\ support\ enabled$
    | mapped\ \d+\ bytes\b
    | added\ \S+\ to\ pythonpath\.$
    | WSGI\ app\ \d+\ \(mountpoint='\S*'\)\ ready\ in\b
    | (?:gracefully\ \(RE\))?spawned\ uWSGI\b
    | subprocess\ \d+\ exited\ with\ code\ 0$
    | announcing\ my\ loyalty\ to\ the\ Emperor
    | (?:\w+\ +\w+\ +\d+\ [\d:]+\ \d+\ -\ )?\[emperor\]\ (?:curse\ the|removed)\ uwsgi\ instance\b
    | (?:\w+\ +\w+\ +\d+\ [\d:]+\ \d+\ -\ )?\[emperor\]\ vassal\ \S+\ (?:is\ now\ loyal|has\ been\ spawned)
    )""",
    re.VERBOSE,
)


def without(lines: list[str]) -> list[str]:
    """Return those of ``lines``, a program's output, that may explain its failure."""
    return [line for line in lines if not _CHATTER.match(line)]
