"""Variables of an app on trial, in the file that its own ``env set`` writes on a Pi.

They are set before the package is installed, so that the app's first start sees them. Their values may be
secrets: no message contains one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from debonair.debian.rootfs.machine import Machine
from debonair.errors import TrialError

_LARGEST = 1 << 20  # bytes of a file
_PAIR = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=(.*)", re.DOTALL)
_QUOTED = re.compile(r"""'([^']*)'|"((?:[^"\\]|\\.)*)\"""")


def read(file: Path) -> dict[str, str]:
    """Return the variables of ``file``, lines of ``NAME=VALUE`` as in a ``.env``; see ``of_lines``."""
    try:
        with file.open("rb") as opened:
            data = opened.read(_LARGEST + 1)
        if len(data) > _LARGEST:
            raise TrialError(f"{file} is larger than {_LARGEST >> 20} MB.")
        text = data.decode()
    except OSError as refused:
        raise TrialError(f"{file} cannot be read: {refused.strerror}.") from refused
    except UnicodeDecodeError as wrong:
        raise TrialError(f"{file} is not UTF-8 text: byte {wrong.start + 1} is not valid.") from wrong
    return of_lines(text, str(file))


def of_lines(text: str, source: str) -> dict[str, str]:
    """Return the variables of ``text``, which comes from ``source``.

    Empty lines and comments are left out, ``export`` and quotes around a value are removed. Raises
    ``TrialError``, which names the line but not its text.
    """
    found = {}
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        pair = _PAIR.fullmatch(stripped)
        if pair is None:
            raise TrialError(
                f"{source}, line {number}: this is not NAME=VALUE.",
                hint="Write one variable a line, such as API_KEY=secret. A comment begins with '#'.",
            )
        found[pair[1]] = _value(pair[2].strip())
    return found


def pairs(words: Iterable[str]) -> dict[str, str]:
    """Return the variables of ``words``, each ``NAME=VALUE``. Raises ``TrialError``."""
    found = {}
    for word in words:
        name, equals, value = word.partition("=")
        if (
            not equals
            or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name)
            or "\n" in value
            or "\0" in value
        ):
            shown = f"'{name[:40]}'" if equals else "One of the values"
            raise TrialError(
                f"{shown} after -e is not NAME=VALUE on one line.",
                hint="Name it with letters, digits and '_': -e API_KEY=secret",
            )
        found[name] = value
    return found


def put(machine: Machine, package: str, variables: Mapping[str, str]) -> None:
    """Set ``variables`` for ``package`` on ``machine``, before it is installed; systemd.exec(5)."""
    if variables:
        lines = [f"{name}={_escaped(value)}\n" for name, value in variables.items()]
        machine.write(f"/etc/{package}/env", "".join(lines).encode(), mode=0o640)


def _value(text: str) -> str:
    """Return the value in ``text``: between its quotes, or before a comment."""
    if quoted := _QUOTED.match(text):
        return quoted[1] if quoted[1] is not None else re.sub(r'\\(["\\$`])', r"\1", quoted[2])
    return re.split(r"\s#", text, maxsplit=1)[0].strip()


def _escaped(value: str) -> str:
    """Return ``value`` as systemd and a shell read it unchanged; only double quotes have escapes."""
    if "'" not in value:
        return f"'{value}'"
    return '"' + re.sub(r'(["\\`$])', r"\\\1", value) + '"'
