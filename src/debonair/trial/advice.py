"""Hints for an app that was refused, from its output."""

from __future__ import annotations

import re
from collections.abc import Mapping

from debonair.project.catalogue import known
from debonair.project.names import normalised

_AGAIN = "Then: debonair lock, debonair build"


def advice(told: str, release: Mapping[str, object]) -> str:
    """Return the hint for a refused ``release`` from its programs' output ``told``; or nothing."""
    return _by_words(told, str(release.get("package")), str(release.get("wsgi"))) or _without_board(release)


def _by_words(told: str, package: str, entry: str) -> str:
    for pattern, hint in _HINTS.items():
        if found := re.search(pattern, told):
            return hint.format(*found.groups(), package=package, entry=entry)
    if found := re.search(r"No package metadata was found for ([\w.-]+)", told):
        if normalised(found[1]) == normalised(package):
            return 'It asks for its own version, which is there if it is installed: set install = "wheel".'
        return _lacks(found[1], normalised(found[1]))
    found = re.search(r"No module named '([\w.]+)'", told)
    return _without_module(found[1]) if found else ""


def _without_module(name: str) -> str:
    top = name.partition(".")[0]
    if top in known().gone:
        gone = known().gone[top]
        since = f"Python {gone.since} has no" if gone.since else "Current releases have no"
        return f"{since} '{top}'. Instead: {gone.instead}. {_AGAIN}"
    if "." in name:  # Python names the whole module only if its top package exists
        return (
            f"'{top}' is there, and '{name}' is not. Is it in the project's folder, and not left out by "
            "'exclude'? If a package brings it, ask for a version that has it."
        )
    return "" if top in known().hardware else _lacks(top, known().packages.get(top, normalised(top)))


def _without_board(release: Mapping[str, object]) -> str:
    """Return the hint for an app that needs a board, which no trial has."""
    words = release.get("hardware")
    if not isinstance(words, list) or not words:
        return ""
    return (
        f"It opens what a Raspberry Pi has ({', '.join(map(str, words))}), and there is no board here. "
        "Let the app be loaded without: open it in a function, or in 'try:'. Or try it on the Pi."
    )


def _lacks(name: str, package: str) -> str:
    return f"Nothing brings '{name}'. Add {package} to what the app requires. {_AGAIN}"


_HINTS = {
    r"TypeError: '\w+' object is not callable": (
        "Is '{entry}' the application itself? It is loaded, and what it is may not be called. Name a "
        "factory with parentheses: create_app()"
    ),
    r"Error: \[Errno (?:13|30)\].*'/usr/lib/|unable to open database file|readonly database": (
        "On the Pi nothing can be written beside the code. Data belong in "
        'os.environ["STATE_DIRECTORY"], which is /var/lib/{package}.'
    ),
    r"no such table|[rR]elation \"\w+\" does not exist|UndefinedTable": (
        "Its database has no tables. Say which command makes them, and leaves those alone that are there: "
        'migrate = "flask db upgrade"'
    ),
    r"os\.environ\[['\"](\w+)['\"]\]": (
        "It wants the variable {0}. Give it in [service.environment], or on the Pi if it is a secret: "
        "sudo {package} env set {0}=..."
    ),
    r"answers (40[1345])": (
        "The page that tells whether the app is well has to answer below 400. Name one that does: "
        'health = "/about"'
    ),
    r"(lib[\w.+-]+\.so[\d.]*): cannot open shared object file": (
        "Name the Debian package that brings {0}: depends = [...]. 'apt-file search {0}' says which it is."
    ),
}
"""Patterns in the output, each with its hint; the first match counts."""
