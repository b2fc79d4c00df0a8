"""Find the files of visitors and of earlier runs, which a package must not carry to other machines.

The files in a writable folder of the project become the first data on each Pi.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from pathspec import GitIgnoreSpec

from debonair.init.discovery.finding import Finding
from debonair.project import reader, settings, writable

_KEY = ("exclude",)
_RUNTIME = re.compile(
    r"(.*[._-])?(media|uploads?|uploaded|logs?|caches?|tmp|temp|sessions?|backups?)", re.IGNORECASE
)
"""The names of folders whose files visitors or earlier runs of the app have written."""
_MOST = 1000
"""The most files to count."""


def left_out(root: Path, findings: Sequence[Finding]) -> tuple[list[Finding], list[str]]:
    """Return ``findings`` with what the package leaves out of its writable folders; and notes.

    The files there are left out if git ignores them, or if the folder has a usual name for such data.
    """
    folders = [path for found in findings if found.key == ("writable",) for path in found.value]
    given = [pattern for found in findings if found.key == _KEY for pattern in found.value]
    excluded = GitIgnoreSpec.from_lines([*settings.defaults()["exclude"], *given])
    ignored = _ignored(root)
    reasons, notes = dict[str, str](), list[str]()
    for folder in (path.rstrip("/") for path in folders):
        files = list(_files(root, folder, excluded))
        if not files:
            continue
        many = f"{len(files)} file{'s' * (len(files) > 1)}"
        name = folder.rpartition("/")[2]
        if all(map(ignored.match_file, files)):
            reasons[f"/{folder}/*"] = why = "git ignores them"
        elif _RUNTIME.fullmatch(name):
            reasons[f"/{folder}/*"] = why = f"'{name}' seems to have the data of one machine"
        else:
            notes.append(
                f"The package has {many} in {folder}, as the first data on each Pi. To ship none: "
                f'exclude = ["/{folder}/*"]'
            )
            continue
        notes.append(
            f"The package leaves out {many} in {folder}, because {why}. To ship the first data from there, "
            f"remove /{folder}/* from 'exclude'."
        )
    return _with(findings, reasons), notes


def served_by_app(findings: Sequence[Finding]) -> tuple[list[Finding], list[str]]:
    """Return ``findings`` without the static folders that the app writes; and a note about each.

    nginx cannot read the data folder, to which such a folder leads on the Pi.
    """
    paths = tuple(path for found in findings if found.key == ("writable",) for path in found.value)
    kept, notes = list[Finding](), list[str]()
    for found in findings:
        if found.key[:1] != ("static",) or not writable.is_below(str(found.value).strip("/"), paths):
            kept.append(found)
            continue
        notes.append(
            f"{found.where}: nginx served {found.key[1]} from {found.value}, which the app writes. On the "
            "Pi, nginx cannot read the app's data, so the app must serve it. Flask has send_from_directory "
            "for that, and Django has django.views.static.serve."
        )
    return kept, notes


def _with(findings: Sequence[Finding], reasons: dict[str, str]) -> list[Finding]:
    """Return ``findings`` with the patterns in ``reasons`` among those that exclude files."""
    if not reasons:
        return list(findings)
    where = "; ".join(dict.fromkeys(reasons.values()))
    if not any(found.key == _KEY for found in findings):
        return [*findings, Finding("left out", list(reasons), where, _KEY)]
    return [
        replace(found, value=[*found.value, *reasons], where=f"{found.where}; {where}")
        if found.key == _KEY
        else found
        for found in findings
    ]


def _files(root: Path, folder: str, excluded: GitIgnoreSpec) -> Iterator[str]:
    """Yield the paths of the files in ``folder`` that go into the package, at most some."""
    count = 0
    for here, folders, names in reader.below(root / folder):
        relative = here.relative_to(root)
        folders[:] = [name for name in folders if not excluded.match_file(f"{relative / name}/")]
        for name in names:
            if not excluded.match_file(str(relative / name)):
                yield str(relative / name)
                count += 1
                if count == _MOST:
                    return


def _ignored(root: Path) -> GitIgnoreSpec:
    """Return the patterns of the project's .gitignore; those that git does not accept are left out."""
    patterns = GitIgnoreSpec([])
    for line in reader.lines(reader.head(root / ".gitignore", root)):
        try:
            patterns += GitIgnoreSpec.from_lines([line])
        except ValueError:
            continue
    return patterns
