"""The hint for an app that was refused because it writes beside its code, from its output."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping

from debonair.project.writable import problem

_REFUSED = re.compile(r"\[Errno (?:13|30)\] [^\n:]+: '([^'\n]+)'")
_READ = ("/dev/", "/etc/", "/proc/", "/run/", "/sys/")
"""The folders of files that an app rather reads than writes, or that belong to the hardware."""
_NO_FOLDER = re.compile(r"\blogging\b(?s:.*)\[Errno 2\] [^\n:]+: '([^'\n]+)'")
"""A log file in a folder that the package does not have."""
_DATABASE = re.compile(r"unable to open database file|attempt to write a readonly database")
_NAME = re.compile(r"""["'/]([\w. -]+\.(?:db|sqlite3?))["'?]""")
"""The name of a database in a line of code of a traceback."""


def hint(log: str, release: Mapping[str, object]) -> str:
    """Return the hint for a refused ``release`` whose ``log`` shows that it could not write; or nothing."""
    package = str(release.get("package"))
    found = _REFUSED.search(log)
    if found or (found := _NO_FOLDER.search(log)):
        path = _beside_the_code(found[1], package)
        if path.startswith(_READ):
            return ""
        if posixpath.isabs(path):
            return (
                f"The app cannot write to {path}. It can write only to the folder in "
                f'os.environ["STATE_DIRECTORY"], which is /var/lib/{package}.'
            )
        if found.re is _NO_FOLDER or path.endswith(".log"):
            path = posixpath.dirname(path) or path  # logs are rotated in their folder
        return _lead(path, f"'{path}'", package, release)
    if _DATABASE.search(log):
        names = _NAME.findall(log)
        return _lead(names[-1] if names else "", "its database", package, release)
    return ""


def _lead(path: str, shown: str, package: str, release: Mapping[str, object]) -> str:
    """Return the hint to lead ``path``, which is empty if it is not known, to the data folder."""
    data = release.get("data")
    led = [str(one) for one in data.values() if one] if isinstance(data, dict) else []
    state = f'os.environ["STATE_DIRECTORY"], which is /var/lib/{package}'
    if (
        not release.get("import-path")
        or (path and problem(path))
        or path in {one.rstrip("/") for one in led}
    ):
        return f"The app writes {shown}, but its code's folder is read-only. Store data in {state}."
    listed = ", ".join(f'"{one}"' for one in sorted([*led, path or "PATH"]))
    more = "" if path else " Replace PATH by the path of the database in the project."
    return (
        f"The app writes {shown} beside its code, which is read-only. Lead it to the data folder: "
        f"writable = [{listed}].{more} Then run 'debonair build' again. Or store data in {state}."
    )


def _beside_the_code(path: str, package: str) -> str:
    """Return ``path`` relative to the app's files, if it is there; an absolute path otherwise."""
    inside = re.match(rf"/usr/lib/{re.escape(package)}/(?:releases/[^/]+|current)/app/(.+)", path)
    return posixpath.normpath(inside[1] if inside else path)
