"""Decide which environment variables may be written into a package."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from debonair.init.imports.account import Taken
from debonair.project import reader

_LONGEST = 200
"""The most characters of a name."""
_SECRET = re.compile(
    r"SECRET|PASSW|PASSPHRASE|(^|_)PASS($|_)|_PWD$|TOKEN|CREDENTIAL|PRIVATE|(^|_)KEY($|_)|API_?KEY|(^|_)DSN$",
    re.I,
)
LOGIN = re.compile(r"\w+://[^/\s:@]*:[^/\s@]+@")
"""An address with a password."""
_DEVELOPMENT = {
    "FLASK_ENV",
    "FLASK_DEBUG",
    "DEBUG",
    "DJANGO_DEBUG",
    "APP_DEBUG",
    "FLASK_RUN_RELOAD",
    "APP_ENV",
}
_OFF = {"", "0", "false", "no", "off", "production", "prod", "staging"}
_INTERPRETER = {"PATH", "VIRTUAL_ENV", "PYTHONHOME", "PYTHONPATH"}
_USER = {"HOME", "USER", "LOGNAME", "SHELL", "PWD", "PUID", "PGID", "UID", "GID"}


@dataclass(frozen=True)
class Verdict:
    """The decision about a variable."""

    kept: bool
    """True if it may be in ``service.environment``."""
    why: str
    """The reason why it may not."""
    secret: bool = False
    """True if its value must not be shown."""
    warning: str = ""


def judge(name: str, value: str) -> Verdict:
    """Decide whether the variable ``name`` with its ``value`` may be written into a package."""
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) or len(name) > _LONGEST:
        return Verdict(kept=False, why="not a valid name of a variable")
    if wrong := reader.unfit(value):
        return Verdict(kept=False, secret=bool(_SECRET.search(name)), why=f"its value {wrong}")
    if _SECRET.search(name) or LOGIN.search(value):
        return Verdict(
            kept=False,
            secret=True,
            why="each Pi creates its own, in /etc/APP/env"
            if name == "SECRET_KEY"
            else "a secret; set it in /etc/APP/env on the Pi",
            warning=""
            if name == "SECRET_KEY"
            else f"{name} looks like a secret, but everyone can read a package. Set it on the Pi: sudo APP "
            f"env set {name}=...",
        )
    if name.upper() in _DEVELOPMENT and value.strip("'\"").lower() not in _OFF:
        return Verdict(
            kept=False,
            why="for development only",
            warning=f"{name}={value} was left out, because it is for development and shows visitors the "
            "app's internals.",
        )
    why = "the package has its own virtual environment" if name in _INTERPRETER else ""
    why = "the service runs as its own user" if name in _USER else why
    return Verdict(kept=not why, why=why)


def taken(text: str, name: str, value: str) -> Taken:
    """Return what becomes of ``text``, which sets the variable ``name`` to ``value``."""
    verdict = judge(name, value)
    secrets = (value,) if verdict.secret and value else ()
    why = verdict.why
    if verdict.kept and re.search(r"[$`]", value):
        why = "the shell of the old machine computes its value"
    if why:
        return Taken(masked(text, secrets), "", why, secrets=secrets)
    key = f"service.environment.{name}"
    return Taken(text, key, "", {"service": {"environment": {name: value}}})


def masked(text: str, secrets: Iterable[str]) -> str:
    """Return ``text`` without the ``secrets``."""
    for secret in secrets:
        text = text.replace(secret, "...") if secret in text else f"{re.split('[ =]', text)[0]} ..."
    return text


def passwords(text: str) -> tuple[str, ...]:
    """Return the passwords in the addresses of ``text``."""
    addresses = (found[0].removesuffix("@") for found in LOGIN.finditer(text))
    return tuple(address.partition("://")[2].partition(":")[2] for address in addresses)
