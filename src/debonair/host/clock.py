"""The one source of time: build results carry the time of their sources, never that of the build.

Only a repository reads the clock, because it tells its clients when it was published.
"""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Iterable, Mapping
from fnmatch import fnmatch
from pathlib import Path

from debonair.errors import MachineError, ProjectError
from debonair.host.run import find, run

OLDEST = 946_684_800
"""2000-01-01, for files without a time of their own: lintian reports an older one as a broken clock."""
NEWEST = 253_402_300_799
"""The last second of the year 9999: a changelog cannot have a later date."""
_HINT = "Or set the time yourself: SOURCE_DATE_EPOCH=$(date +%s)"
_LOCAL = (
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX"),
    *("GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_SHALLOW_FILE", "GIT_GRAFT_FILE", "GIT_REPLACE_REF_BASE"),
    "GIT_IMPLICIT_WORK_TREE",
)
"""Variables that point git to a repository (git rev-parse --local-env-vars), except its configuration."""
_SECONDS = 300
"""Git may read a long history from a slow disk, but must not wait forever for a special file."""
_PLAIN = ("color.ui=false", "core.fsmonitor=false", "log.follow=false", "log.excludeDecoration=refs/*")
"""Settings of git that change the output of a log, or run a program that the repository names."""
_QUIET = {"LC_ALL": "C", "GIT_ALLOW_PROTOCOL": "none", "GIT_NO_LAZY_FETCH": "1"}
"""Git downloads nothing: in a partial clone it would, with a program that the configuration may name."""


def of(root: Path, environ: Mapping[str, str]) -> int:
    """Return the time for all files in a build of the project in ``root``: seconds since the epoch, UTC.

    The first of these that exists counts: SOURCE_DATE_EPOCH in ``environ`` (reproducible-builds.org), the
    last commit that touched ``root``, the newest mtime of its files. Raises
    ``ProjectError`` if SOURCE_DATE_EPOCH is not a number or after the year 9999. Raises ``ProjectError`` or
    ``MachineError`` if there is a git repository, but git cannot tell the time.
    """
    given = _given(environ)
    return (_last_commit(root) or _newest(root)) if given is None else given


def published(times: Iterable[int], environ: Mapping[str, str]) -> int:
    """Return the seconds since the epoch, UTC, for a build of something that was published at ``times``.

    They come from SOURCE_DATE_EPOCH in ``environ``, or else from the newest of ``times``. Raises what
    ``of`` raises.
    """
    given = _given(environ)
    return max(times, default=OLDEST) if given is None else given


def now(environ: Mapping[str, str]) -> int:
    """Return the seconds since the epoch, UTC, from SOURCE_DATE_EPOCH in ``environ``, else from the clock.

    Raises what ``of`` raises.
    """
    given = _given(environ)
    return int(time.time()) if given is None else given


def wall_time() -> float:
    """Return the seconds since the epoch, UTC, from the clock of this machine."""
    return time.time()


def _given(environ: Mapping[str, str]) -> int | None:
    if not (given := environ.get("SOURCE_DATE_EPOCH")):
        return None
    if not given.isascii() or not given.isdigit() or int(given[:20]) > NEWEST:
        raise ProjectError(
            f"SOURCE_DATE_EPOCH is '{given}', which is not a number of seconds since 1970.",
            hint="Unset it, or set it: SOURCE_DATE_EPOCH=$(date +%s)",
        )
    return int(given)


def _last_commit(root: Path) -> int:
    """Return the time of the last commit that touched ``root``; 0 if it was never committed.

    Raises ``MachineError`` or ``ProjectError`` if there is a repository, but git fails. A silent fallback
    would change the time, and with it the bytes.
    """
    try:
        git = find("git")
    except MachineError as missing:
        if not any((folder / ".git").exists() for folder in (root, *root.parents)):
            return 0
        raise MachineError(
            f"{root} is in a git repository, but the program 'git' is not on this machine. The package "
            "would not have the time of its last commit.",
            hint=f"Install it: sudo apt install git. {_HINT}",
        ) from missing
    # A hook or the user may have set these for another repository; git would use them for this one.
    words = ["env", *(word for name in _LOCAL for word in ("-u", name)), git, "-C", str(root)]
    words += ["--no-pager", "--no-replace-objects", *(word for each in _PLAIN for word in ("-c", each))]
    words += ["log", "-1", "--no-show-signature", "--format=%ct %D", "--", "."]
    try:
        shown = run(words, check=False, env=_QUIET, timeout=_SECONDS)
    except MachineError as late:
        raise MachineError(late.message, hint=_HINT) from None
    if shown.status:
        return _refused(root, shown.stderr)
    if not (line := shown.stdout.strip()):
        return 0  # no file of it was ever committed
    entry = re.fullmatch(r"([0-9]{1,11})(?: (.*))?", line)
    if entry is None:
        raise ProjectError(
            f"git printed '{line[:100]}' instead of the time of the last commit in {root}.", _HINT
        )
    if "grafted" in (entry[2] or "").split(", "):
        raise ProjectError(
            f"{root} is in a shallow clone, whose history may end before its last change. The package "
            "could get another time, and other bytes, than elsewhere.",
            hint=f"Fetch the history: git -C {shlex.quote(str(root))} fetch --unshallow (in GitHub "
            f"Actions: fetch-depth: 0). {_HINT}",
        )
    return int(entry[1])


def _refused(root: Path, message: str) -> int:
    """Return 0 if git's ``message`` is that no commit has ``root``; raise an error for anything else."""
    if "not a git repository (or any" in message or "does not have any commits yet" in message:
        return 0
    why = (message.strip().splitlines() or ["nothing"])[0].removeprefix("fatal: ")
    if owned := re.search(r"dubious ownership in repository at '(.*)'", message):
        raise MachineError(
            f"git does not read the repository {owned[1]}, because it belongs to another user. The package "
            "would not have the time of its last commit.",
            hint="If you trust its owner: git config --global --add safe.directory "
            f"{shlex.quote(owned[1])} - {_HINT}",
        )
    raise ProjectError(f"git cannot tell when {root} was last changed. It printed: {why}", hint=_HINT)


def _newest(root: Path) -> int:
    hidden = {"dist", "build", "__pycache__"}
    files = (
        path
        for path in root.rglob("*")
        if not any(part in hidden or part.startswith(".") for part in path.relative_to(root).parts)
        and not fnmatch(path.name, "pylock.build-*.toml")  # the build itself writes this file
    )
    return int(max((path.lstat().st_mtime for path in files if path.is_file()), default=0))
