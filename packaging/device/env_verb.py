"""The verb ``env``: list, show, set and remove the variables that the admin gives to the app."""

from __future__ import annotations

import argparse
import grp
import os
import re
import sys
from contextlib import suppress
from pathlib import Path

import environment
import settings
from person import RequestError, root_only, sudo
from release import Home
from text import say

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_HIDDEN = "*" * 8


def add(parser: argparse.ArgumentParser, typed: str) -> None:
    """Add the actions to the ``parser`` of the verb, with the function of each in ``action``.

    ``typed`` is what a person types before the action.
    """
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    one = actions.add_parser(
        "list",
        help="list the variables; values stay hidden",
        examples=(f"{typed} list", f"{typed} list --values"),
    )
    one.add_argument("--values", action="store_true", help="show the values too, which may be secrets")
    one.set_defaults(action=show_all, name="list")
    one = actions.add_parser("get", help="print the value of a variable", examples=(f"{typed} get MAIL",))
    one.add_argument("variable", metavar="NAME")
    one.set_defaults(action=get, name="get NAME")
    one = actions.add_parser(
        "set", help="set variables", examples=(f"{typed} set MAIL=ada@example.org DEBUG=",)
    )
    one.add_argument("pairs", metavar="NAME=VALUE", nargs="+")
    one.set_defaults(action=put, name="set NAME=VALUE")
    one = actions.add_parser("unset", help="remove variables", examples=(f"{typed} unset MAIL DEBUG",))
    one.add_argument("variables", metavar="NAME", nargs="+")
    one.set_defaults(action=unset, name="unset NAME")


def env(home: Home, options: argparse.Namespace) -> None:
    """Run the requested action on the app's settings."""
    root_only(home, f"env {options.name}")
    options.action(home, options)


def show_all(home: Home, options: argparse.Namespace) -> None:
    """List the variables, one a line; their values only if requested."""
    for name, value in _found(home).items():
        say(f"{name}={value if options.values or not value else _HIDDEN}")


def get(home: Home, options: argparse.Namespace) -> None:
    """Print one value: unchanged for a program, and with escapes for a terminal."""
    found = _found(home)
    _known(_file(home), found, [options.variable])
    value = found[options.variable]
    if sys.stdout.isatty():
        say(value, lines=True)
        return
    sys.stdout.buffer.write(f"{value}\n".encode())
    sys.stdout.flush()


def put(home: Home, options: argparse.Namespace) -> None:
    """Set variables, all or none."""
    for pair in options.pairs:
        _check(home, pair)
    file, group = _file(home), _group(home)
    lines = settings.guard(file, group) if file.exists() else []
    with suppress(environment.EncodingError):  # the new values may replace the wrong ones
        lines += settings.ensure(file, home.package, group)
    environment.write(file, dict(pair.split("=", 1) for pair in options.pairs))
    settings.ensure(file, home.package, group)
    _apply(home, lines)


def unset(home: Home, options: argparse.Namespace) -> None:
    """Remove variables, all or none."""
    file = _file(home)
    _exists(home, file)
    _known(file, environment.parse(environment.lenient(file)), options.variables)
    lines = settings.guard(file, _group(home))
    environment.write(file, {}, without=options.variables)
    _apply(home, lines)


def _check(home: Home, pair: str) -> None:
    """Refuse what is not NAME=VALUE, or what the app would not receive."""
    name, equals, value = pair.partition("=")
    if not equals or not _NAME.fullmatch(name):
        raise RequestError(
            f"'{pair}' is not NAME=VALUE; a name has letters, digits and underscores: "
            f"{sudo()}{home.package} env set NAME=VALUE"
        )
    try:
        value.encode()
    except UnicodeEncodeError as wrong:
        byte = os.fsencode(value[wrong.start])[0]
        raise RequestError(
            f"the value of {name} has the byte 0x{byte:02x}, which is not UTF-8, so systemd would ignore "
            f"all variables. Encode it, for example by base64"
        ) from None
    if "\n" in value and home.installed().emperor == "system":
        raise RequestError(f"the value of {name} has several lines, which Debian's emperor cannot pass on")


def _found(home: Home) -> dict[str, str]:
    file = _file(home)
    _exists(home, file)
    return environment.parse(environment.read(file))


def _exists(home: Home, file: Path) -> None:
    if not file.exists():
        raise RequestError(f"{file} is missing; create it: {sudo()}{home.package} env set NAME=VALUE")


def _known(file: Path, found: dict[str, str], variables: list[str]) -> None:
    """Refuse variables that are not set; the message lists those that are."""
    if missing := [name for name in variables if name not in found]:
        known = ", ".join(found) or "nothing"
        raise RequestError(f"{file} does not set {', '.join(missing)}; it sets: {known}")


def _file(home: Home) -> Path:
    return home.root / "etc" / home.package / "env"


def _group(home: Home) -> int:
    """Return the number of the group that the app runs as, which may read its settings."""
    name = home.installed().user
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        raise RequestError(f"the group {name} does not exist; install the package again") from None


def _apply(home: Home, lines: list[str]) -> None:
    """Print what was changed for safety, and how the app gets its new variables."""
    for line in lines:
        say(f"{home.package}: {line}")
    verb = "restart" if home.serving() else "rollback --undo"
    say(f"To apply the change: {sudo()}{home.package} {verb}")
