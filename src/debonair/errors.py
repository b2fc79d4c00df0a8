"""The errors that a user can cause, each kind with its exit code.

Every error is one sentence that names the file and the key, and a hint that tells the user what to type.
Only ``cli`` catches them; a traceback is always a defect of Debonair.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

_LONGEST = 300  # characters of a reason


class Error(Exception):
    """The root of all errors that a user sees.

    ``message`` is a sentence that states what happened and where. ``hint`` explains what to do about it,
    and may be empty.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class ProjectError(Error):
    """The project or its configuration is not valid."""

    exit_code = 3


class TargetError(Error):
    """A target is not known."""

    exit_code = 4


class LockError(Error):
    """The lock is missing or stale, or a build cannot use it."""

    exit_code = 5


class WheelError(Error):
    """A wheel is missing for the target, has the wrong bytes, or is malformed."""

    exit_code = 6


class PackageError(Error):
    """A package cannot be assembled or read: entries collide, or leave the root."""

    exit_code = 7


class NetworkError(Error):
    """A download failed."""

    exit_code = 8


class MachineError(Error):
    """This machine lacks something: a program, a privilege, space on a disk."""

    exit_code = 9


class TrialError(Error):
    """A Debian was booted, and the deb did not work there."""

    exit_code = 10


class RepositoryError(Error):
    """A repository refuses a change, or is not valid."""

    exit_code = 11


@contextmanager
def unreadable(kind: type[Error], message: str, hint: str = "") -> Iterator[None]:
    """Turn whatever a reader raises about a stranger's bytes into an error of ``kind``.

    No library lists all exceptions that damaged or hostile bytes cause in it, and a new version may add
    some. ``message`` is a sentence without its end; the reason is appended to it.
    """
    try:
        yield
    except Error:
        raise
    except Exception as broken:
        raise kind(f"{message}: {_reason(broken)}.", hint) from broken


def _reason(broken: Exception) -> str:
    """Return the text of ``broken`` on one line."""
    match broken.args:
        case (first, str(detail)) if not isinstance(first, str):  # an OSError, or one of 'installer'
            text = detail
        case _:
            text = str(broken)
    text = " ".join(text.split()).rstrip(".") or type(broken).__name__
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
