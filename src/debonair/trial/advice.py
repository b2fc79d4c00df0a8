"""Hints for an app that was refused, from its output."""

from __future__ import annotations

import re
from collections.abc import Mapping

from debonair.project.catalogue import LEGACY_ZONES, known
from debonair.project.names import normalised
from debonair.trial import writes

_AGAIN = "Then run: debonair lock && debonair build"


def advice(log: str, release: Mapping[str, object]) -> str:
    """Return the hint for a refused ``release`` from the ``log`` of its programs; or nothing."""
    return (
        writes.hint(log, release)
        or _by_words(log, str(release.get("package")), str(release.get("wsgi")))
        or _without_board(release)
    )


def _by_words(log: str, package: str, entry: str) -> str:
    for pattern, hint in _HINTS.items():
        if found := re.search(pattern, log):
            return hint.format(*found.groups(), package=package, entry=entry)
    if found := re.search(r"No package metadata was found for ([\w.-]+)", log):
        if normalised(found[1]) == normalised(package):
            return (
                'The app reads its own version, which requires an installed package: set install = "wheel".'
            )
        return _lacks(found[1], normalised(found[1]))
    found = re.search(r"No module named '([\w.]+)'", log)
    return _without_module(found[1]) if found else ""


def _without_module(name: str) -> str:
    top = name.partition(".")[0]
    if top in known().gone:
        gone = known().gone[top]
        since = f"Python {gone.since} has no" if gone.since else "Current releases have no"
        if gone.package:
            setting = f'requirements = ["{gone.package}"]'
            return f"{since} '{top}', but {gone.package} has it. Add to the settings: {setting}. {_AGAIN}"
        return f"{since} '{top}'. Instead: {gone.instead}. {_AGAIN}"
    if "." in name:  # Python names the whole module only if its top package exists
        return (
            f"'{top}' is installed, but '{name}' is not. Check that it is in the project's folder, and "
            "that 'exclude' does not match it. If a package provides it, require a version that does."
        )
    return "" if top in known().hardware else _lacks(top, known().packages.get(top, normalised(top)))


def _without_board(release: Mapping[str, object]) -> str:
    """Return the hint for an app that needs a board, which no trial has."""
    words = release.get("hardware")
    if not isinstance(words, list) or not words:
        return ""
    return (
        f"The app opens hardware of a Raspberry Pi ({', '.join(map(str, words))}), but there is no board "
        "here. Open it in a function, or in 'try:', so that the app starts without it. Or try it on the Pi."
    )


def _lacks(name: str, package: str) -> str:
    return f"Module '{name}' is not installed. Add {package} to your requirements. {_AGAIN}"


_HINTS = {
    r"No such file or directory: '(/proc/(?!\d|self)[\w/-]+)'": (
        "The app's sandbox hides {0}, which contains the state of the machine. If the app needs it, set "
        '[service] proc = "all"'
    ),
    r"(?:Incorrect timezone setting: |No time zone found with key ['\"]?)([\w/+-]+)": (
        "Debian 13 has the time zone {0} only in the package tzdata-legacy. Use its current name, or set "
        f'depends = ["{LEGACY_ZONES}"]'
    ),
    r"missing \d required positional arguments?: (?:'receive' and )?'send'": (
        "'{entry}' is an ASGI application, which uWSGI cannot serve. Use a server for ASGI: server = "
        '"command", command = "uvicorn --uds $SOCKET --forwarded-allow-ips \'*\' {entry}"'
    ),
    r"TypeError: '\w+' object is not callable": (
        "'{entry}' was loaded, but it is not callable. Name the application itself, or a factory with "
        "parentheses: create_app()"
    ),
    r"no such table|[rR]elation \"\w+\" does not exist|UndefinedTable": (
        "The database has no tables. Set a command that creates missing tables and keeps existing ones: "
        'migrate = "flask db upgrade"'
    ),
    r"os\.environ\[['\"](\w+)['\"]\]": (
        "The app needs the variable {0}. To try it here: debonair try ... -e {0}=... - For the Pi, set it "
        "in [service.environment]; or, if it is a secret, there: sudo {package} env set {0}=..."
    ),
    r"(?m)\[Errno 2\] No such file or directory: '([a-z][\w+-]*)'$": (
        "The app runs the program {0}, but it is not installed. Add the Debian package that provides it: "
        'depends = ["{0}"]'
    ),
    r"ImproperlyConfigured: .*settings are not configured": (
        "The code does not name its Django settings. Name them in [service.environment]: "
        'DJANGO_SETTINGS_MODULE = "mysite.settings"'
    ),
    r"(?m)^usage: ": (
        "The program printed its usage, so it needs arguments. Add them to 'command', or to sys.argv in "
        "the file that 'debonair init' wrote"
    ),
    r"answers (40[1345])": (
        'The health page must answer with a status below 400. Choose another page: health = "/about"'
    ),
    r"(lib[\w.+-]+\.so[\d.]*): cannot open shared object file": (
        "Find the Debian package that provides {0}: apt-file search {0}. Then add it to 'depends'."
    ),
}
"""Patterns in the output, each with its hint; the first match counts."""
