"""The one source of time: what is built carries the time of its sources, never that of its build.

A repository alone tells its clients when it was published, and looks at the clock for that.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from debonair.errors import MachineError, ProjectError
from debonair.run import run

OLDEST = 946_684_800
"""2000-01-01, for what has no time of its own: lintian takes an older one for a broken clock."""
_LAST = 253_402_300_799
"""The last second of the year 9999: no date of a changelog can be later."""


def of(root: Path, environ: Mapping[str, str]) -> int:
    """Return the seconds since the epoch, UTC, that a build of the project in ``root`` carries.

    It is SOURCE_DATE_EPOCH of ``environ`` (reproducible-builds.org's specification), else the last
    commit that touched ``root``, else the newest mtime of its files. Raises ``ProjectError`` if
    SOURCE_DATE_EPOCH is not a number, or beyond the year 9999.
    """
    given = _given(environ)
    return (_last_commit(root) or _newest(root)) if given is None else given


def published(times: Iterable[int], environ: Mapping[str, str]) -> int:
    """Return the seconds since the epoch, UTC, that a build carries of what was published at ``times``.

    It is SOURCE_DATE_EPOCH of ``environ``, else the newest of them. Raises what ``of`` raises.
    """
    given = _given(environ)
    return max(times, default=OLDEST) if given is None else given


def now(environ: Mapping[str, str]) -> int:
    """Return the seconds since the epoch, UTC, by SOURCE_DATE_EPOCH of ``environ``, else by the clock.

    Raises what ``of`` raises.
    """
    given = _given(environ)
    return int(time.time()) if given is None else given


def _given(environ: Mapping[str, str]) -> int | None:
    if not (given := environ.get("SOURCE_DATE_EPOCH")):
        return None
    if not given.isascii() or not given.isdigit() or int(given[:20]) > _LAST:
        raise ProjectError(
            f"SOURCE_DATE_EPOCH is '{given}', which is not a number of seconds since 1970.",
            hint="Unset it, or set it to what 'date +%s' prints.",
        )
    return int(given)


def _last_commit(root: Path) -> int:
    try:
        shown = run(["git", "-C", root, "log", "-1", "--format=%ct", "--", "."], check=False)
    except MachineError:
        return 0
    return int(shown.stdout) if shown.status == 0 and shown.stdout.strip() else 0


def _newest(root: Path) -> int:
    hidden = {"dist", "build", "__pycache__"}
    files = (
        path
        for path in root.rglob("*")
        if not any(part in hidden or part.startswith(".") for part in path.relative_to(root).parts)
    )
    return int(max((path.lstat().st_mtime for path in files if path.is_file()), default=0))
