"""Find the application that uWSGI served, in the form of the setting ``wsgi``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from debonair.init.imports import places
from debonair.project import entry_point, reader


def served(root: Path, options: Mapping[str, str], home: str) -> tuple[str, str]:
    """Return ``module:callable`` from uWSGI's ``options``, and a warning; each may be empty.

    The ``options`` used are ``module``, ``wsgi-file`` and ``callable``. ``home`` is the folder in which the
    app ran on its old machine.
    """
    named, sign, name = options.get("module", options.get("wsgi-file", "")).partition(":")
    if not named:
        return "", ""
    name = name if sign else options.get("callable", "application")
    ran_in = (places.inside(root, home) or "." if home else ".").removeprefix(".")
    folder, warning = "", ""
    if "module" in options:
        folder = _folder(root, named, ran_in)
    else:
        file = places.inside(root, named, home) or places.inside(root, f"{ran_in}/{named}".lstrip("/"))
        warning = "" if file else f"uWSGI served {named}, but the project has no such file."
        # uWSGI does not import from a file's own folder.
        path = PurePosixPath(file or PurePosixPath(named).name)
        if not path.name:
            return "", f"uWSGI served {named}, which is not a file."
        folder = next((base for base in (ran_in, "src") if base and path.is_relative_to(base)), "")
        named = ".".join(path.relative_to(folder).with_suffix("").parts).removesuffix(".__init__")
    try:
        entry_point.split(f"{named}:{name}")
    except ValueError:
        return "", (
            f"uWSGI served '{named}:{name}'. Debonair serves only importable names: set 'wsgi' to "
            "module:callable, or module:factory()."
        )
    if folder not in {"", "src"}:
        warning = (
            f"The module {named} is in {folder}/. Debonair imports from the project's folder or its src/. "
            f"Run it there: cd {folder} && debonair init"
        )
    return f"{named}:{name}", warning


def _folder(root: Path, module: str, ran_in: str) -> str:
    """Return the folder of the project that contains ``module``, relative to ``root``."""
    for folder in ("", "src", ran_in):
        if any(reader.is_file(path) for path in entry_point.module_files(root / folder, module)):
            return folder
    return ""
