"""What uWSGI was told to serve, as ``wsgi`` of the settings names it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from debonair import wsgi
from debonair.imports import places


def served(root: Path, options: Mapping[str, str], home: str) -> tuple[str, str]:
    """Return ``module:callable`` as uWSGI's ``options`` have it, and a warning; each may be empty.

    Of ``options`` there are ``module``, ``wsgi-file`` and ``callable``; ``home`` is the folder that the app
    ran in, on the machine where it did.
    """
    named, sign, name = options.get("module", options.get("wsgi-file", "")).partition(":")
    if not named:
        return "", ""
    name = name if sign else options.get("callable", "application")
    warning = folder = ""
    if "module" in options:
        folder = _folder(root, named, home)
    else:
        path = places.inside(root, named, home)
        warning = "" if path else f"uWSGI was to serve {named}, and the project has no such file."
        folder, named = places.module(root, path or Path(named).name)
    try:
        wsgi.split(f"{named}:{name}")
    except ValueError:
        return "", (
            f"uWSGI was to serve '{named}:{name}'. Debonair serves what can be imported: give it as "
            "module:callable, or module:factory()."
        )
    if folder not in {"", "src"}:
        warning = (
            f"The module {named} lies in {folder}/. Debonair imports from the project's own folder or its "
            f"src/: go to {folder}/, and type 'debonair init' there."
        )
    return f"{named}:{name}", warning


def _folder(root: Path, module: str, home: str) -> str:
    """Return the folder of the project that ``module`` is imported from, relative to ``root``."""
    place = places.inside(root, home) if home else None
    for folder in ("", "src", place or ""):
        if any(path.is_file() for path in wsgi.module_files(root / folder, module)):
            return folder
    return ""
