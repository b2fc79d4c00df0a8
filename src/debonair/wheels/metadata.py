"""An application from the package index: its wheel provides the facts that a project's files would."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from debonair.deb import control
from debonair.errors import ProjectError, WheelError, unreadable
from debonair.project import entry_point
from debonair.wheels.archive import HINT, MOST_COMMANDS, Archive

if TYPE_CHECKING:
    from packaging.metadata import RawMetadata

    from debonair.project import Project
    from debonair.wheels.model import Wheel

_ANY = (4, 0)
"""Later than this Python. If this Python cannot parse a stranger's module, only the target's Python can
judge it."""
_SHOWN = 5
_PLACEHOLDERS = {"", "UNKNOWN"}
"""The values that old versions of setuptools write for missing fields."""
_MANY = 64
"""The most characters of a licence's name: a longer ``License`` field has the whole text of a licence."""


def find(project: Project, wheels: Sequence[Wheel]) -> Wheel:
    """Return the wheel of the application itself among ``wheels``, which are all that the app needs."""
    from packaging.utils import canonicalize_name  # noqa: PLC0415

    return next(wheel for wheel in wheels if canonicalize_name(wheel.name) == project.name)


def times(project: Project, wheels: Sequence[Wheel]) -> list[int]:
    """Return when the application was built, in seconds since the epoch, by its wheel.

    This replaces the time of publication if the lock does not have it, because some indexes do not provide
    it.
    """
    from debonair.wheels.unpack import newest  # noqa: PLC0415 - a warm build unpacks nothing

    return [newest(find(project, wheels).path)]


def described(project: Project, wheels: Sequence[Wheel]) -> Project:
    """Return ``project`` with the facts from its own wheel, which is one of ``wheels``.

    The facts are version, description, authors, licence, home page and commands (core metadata, PEP 566 and
    later). Raises ``WheelError`` if the wheel cannot be read. Raises ``ProjectError`` if ``wsgi`` does not
    name a callable in it, or if it has neither an application to serve nor a command.
    """
    wheel = find(project, wheels)
    with _opened(wheel) as archive:
        fields, license_text, scripts = _read(archive)
        if project.wsgi:
            _check_entry(project, zipfile.Path(archive), wheel, wheels)
        elif not scripts:
            raise ProjectError(
                f"{project.config_file.name}: {project.name} {wheel.version} has no command, and "
                "'wsgi' is not set.",
                hint=_hint(entry_point.candidates(zipfile.Path(archive)))
                or 'Look in its documentation for a WSGI callable, and set it: wsgi = "module:callable"',
            )
    summary = " ".join(project.description.split() or plain(fields.get("summary")).split())
    synopsis = summary or f"Python application {project.name}"
    return replace(
        project,
        version=wheel.version,
        description=control.synopsis(synopsis),
        long_description=project.long_description or synopsis,
        author=author(fields),
        homepage=homepage(fields),
        license=plain(fields.get("license_expression")),
        license_text=license_text or _license(fields),
        scripts=scripts,
    )


def candidates(wheel: Wheel) -> str:
    """Return a hint that names possible WSGI applications in ``wheel``; empty if it has none."""
    with _opened(wheel) as archive:
        return _hint(entry_point.candidates(zipfile.Path(archive)))


@contextmanager
def _opened(wheel: Wheel) -> Iterator[Archive]:
    with (
        unreadable(WheelError, f"{wheel.filename} is not a valid wheel", HINT),
        Archive(wheel.path) as archive,
    ):
        yield archive


def _read(archive: Archive) -> tuple[RawMetadata, str, dict[str, str]]:
    """Return the core metadata of a wheel, the text of its licence, and its commands."""
    from installer.utils import parse_entrypoints  # noqa: PLC0415
    from packaging.metadata import parse_email  # noqa: PLC0415

    names = archive.namelist()
    folder = next(
        (top for path in names if (top := path.partition("/")[0]).endswith(".dist-info")), ".dist-info"
    )
    fields, _ = parse_email(archive.read(f"{folder}/METADATA"))
    texts = [
        f"{folder}/{place}{path}" for path in fields.get("license_files", []) for place in ("licenses/", "")
    ]
    texts += sorted(path for path in names if path.startswith((f"{folder}/LICEN", f"{folder}/COPYING")))
    license_text = next(
        (archive.read(path).decode(errors="replace") for path in texts if path in names), ""
    )
    scripts = dict[str, str]()
    if f"{folder}/entry_points.txt" in names:
        for command, module, attribute, section in parse_entrypoints(
            archive.read(f"{folder}/entry_points.txt").decode()
        ):
            if len(scripts) >= MOST_COMMANDS:
                raise archive.refused(f"has more than {MOST_COMMANDS} commands")
            if section == "console":
                scripts[command] = f"{module}:{attribute}"
    return fields, license_text, scripts


def _check_entry(project: Project, root: zipfile.Path, wheel: Wheel, wheels: Sequence[Wheel]) -> None:
    """Raise ``ProjectError`` if ``wsgi`` is neither in the wheel at ``root`` nor in other wheels."""
    top = project.wsgi.partition(":")[0].partition(".")[0]
    inside = top in entry_point.modules(root)
    installed = set() if inside else {top} & {name for other in wheels for name in _tops(other)}
    try:
        entry_point.check(
            project.wsgi,
            file=project.config_file,
            roots=[root] if inside else [],
            installed=installed,
            python=_ANY,
            app=f"{project.name} {wheel.version}",
        )
    except ProjectError as wrong:
        found = entry_point.candidates(root)
        raise ProjectError(wrong.message, hint=_hint(found, project.wsgi) or wrong.hint) from None


def _tops(wheel: Wheel) -> Iterator[str]:
    with _opened(wheel) as archive:
        for path in archive.namelist():
            yield path.partition("/")[0].partition(".")[0]


def _hint(found: Sequence[str], name: str = "") -> str:
    import difflib  # noqa: PLC0415 - only to explain an error

    if close := difflib.get_close_matches(name, found, n=1):
        return f"Did you mean '{close[0]}'?"
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return f"These names look like WSGI callables: {', '.join(found[:_SHOWN])}{more}." if found else ""


def author(fields: RawMetadata) -> str:
    """Return the author; the field of the mail address may contain the name, too (PEP 621)."""
    for field in (fields.get("author"), fields.get("author_email"), fields.get("maintainer")):
        if text := plain(field):
            return text
    return ""


def homepage(fields: RawMetadata) -> str:
    """Return the address of its home page, or of its repository; empty if it has neither."""
    urls = {label.lower(): url for label, url in fields.get("project_urls", {}).items()}
    named = [urls.get(label) for label in ("homepage", "home", "home page", "repository", "source")]
    found = next((url for url in (plain(fields.get("home_page")), *named) if url), "")
    return found if found.startswith(("http://", "https://")) and not set(found) & set(" \n") else ""


def _license(fields: RawMetadata) -> str:
    """Return what the metadata state about the licence, for a wheel without the text; empty if nothing."""
    stated = [plain(fields.get("license"))]
    stated += [
        line.rpartition(" :: ")[2]
        for line in fields.get("classifiers", [])
        if line.startswith("License :: ") and line.count(" :: ") > 1
    ]
    if len(stated[0]) > _MANY:
        return str(fields.get("license"))
    names = dict.fromkeys(filter(None, stated))
    return f"The wheel does not include its licence, but names it: {', '.join(names)}." if names else ""


def plain(text: str | None) -> str:
    """Return ``text`` on one line; empty if it is missing or a placeholder."""
    found = " ".join((text or "").split())
    return "" if found in _PLACEHOLDERS else found
