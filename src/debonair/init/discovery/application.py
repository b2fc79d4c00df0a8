"""Choose which of a project's applications is served, and tell whether that is certain."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from debonair.errors import ProjectError
from debonair.init.discovery import launches, server
from debonair.init.discovery.callables import Callables
from debonair.init.discovery.candidate import Candidate, is_aside
from debonair.init.discovery.code import nameless
from debonair.init.discovery.finding import Finding
from debonair.init.discovery.launches import Script
from debonair.init.imports.account import Imported
from debonair.project import entry_point, reader
from debonair.project.catalogue import known
from debonair.project.names import normalised

Check = Callable[[str], str]
"""Returns what is wrong with an answer, for people; empty if it fits."""


class Ask(Protocol):
    """Asks a question until the answer fits."""

    def __call__(self, question: str, answers: Sequence[str], default: str, check: Check = ..., /) -> str:
        """Return one of ``answers``, or any text that passes ``check`` if they are empty.

        An empty ``default`` is no answer.
        """


_KEY = ("wsgi",)


def choose(
    root: Path,
    callables: Callables,
    imported: Imported,
    *,
    entry: str = "",
    source: str = "--wsgi",
    scripts: Mapping[str, str],
    required: Collection[str] = (),
    broken: Sequence[str] = (),
    started: Sequence[Script] = (),
    ask: Ask | None = None,
) -> list[Finding]:
    """Return the application of the project in ``root``, or that it is a command-line tool.

    ``entry``, which comes from ``source``, wins if it is given. Next come the applications that the files
    of other tools start, then the first by convention. ``required`` has the normalised names of the
    packages that the app requires; one of them may have the application. ``broken`` lists the files that
    could not be parsed. ``started`` are the scripts whose frameworks start servers.
    Raises ``ProjectError`` if there is no application, or if several are equally likely and ``ask`` is
    missing.
    """
    if entry:
        entry_point.check_syntax(entry, file=Path(source), key="wsgi")
        _check(entry, root, Path(source))
        return _named(entry, source, callables, started)
    imported_entry = str(imported.settings.get("wsgi", ""))
    if imported_entry and (_is_there(imported_entry, root) or _is_required(imported_entry, root, required)):
        what = callables.what(imported_entry) or known().wsgi.get(_dotted(imported_entry), "")
        where = " ".join([_where(imported, _KEY, root), *_made_by(what)])
        return [Finding("application", imported_entry, where, _KEY)]
    candidates = callables.candidates()
    if web2py := next((item for item in candidates if item.what == "web2py"), None):
        raise ProjectError(
            f"{web2py.entry} ({web2py.where}) is a web2py application, which keeps databases, sessions and "
            "errors among its own code. On the Pi, the code's folder is read-only.",
            hint="First move its applications folder to the path in STATE_DIRECTORY. Then serve it: "
            f"debonair init --wsgi '{web2py.entry}'",
        )
    able = [item for item in candidates if item.wsgi]
    alone = [each for each in started if not known().launches[each.kind].unguarded]
    is_older = bool(able and alone) and is_aside(able[0].path) and not is_aside(alone[0].path)
    if able and not is_older:
        best = [item for item in able if item.rank == able[0].rank]
        chosen = best[0] if len(best) == 1 else _asked(best, ask)
        return _started(started, chosen) or [_finding(chosen)]
    if candidates and (candidates[0].server or callables.mentions("SOCKET") or not started):
        return _started(started, candidates[0]) or _with_server(candidates[0], callables)
    if alone:
        return launches.settings(alone[0])
    if scripts:
        return [Finding("application", "none: a command-line tool", f"its scripts: {', '.join(scripts)}")]
    raise _nothing(root, callables, broken, imported)


def _named(entry: str, source: str, callables: Callables, started: Sequence[Script]) -> list[Finding]:
    """Return the settings of ``entry``, which ``source`` names, also if it is not WSGI."""
    if item := callables.asgi(entry):
        return _command(item)
    if script := next(
        (each for each in started if each.name and f"{each.module}:{each.name}" == entry), None
    ):
        return launches.settings(script)
    return [Finding("application", entry, source, _KEY)]


def _asked(best: Sequence[Candidate], ask: Ask | None) -> Candidate:
    if ask is None:
        listed = ", ".join(f"{item.entry} ({item.where})" for item in best)
        raise ProjectError(
            f"Several applications are equally likely: {listed}.",
            hint=f"Choose one: debonair init --wsgi '{best[0].entry}'",
        )
    shown = {f"{item.entry}  ({item.what}, {item.where})": item for item in best}
    return shown[ask("Which application should be served?", list(shown), next(iter(shown)))]


def _started(started: Sequence[Script], item: Candidate) -> list[Finding]:
    """Return the settings of ``item`` if importing it starts a server of its own; else nothing."""
    blocking = [each for each in started if each.at_import and each.path == item.path]
    return launches.settings(blocking[0], item.entry) if blocking else []


def _with_server(item: Candidate, callables: Callables) -> list[Finding]:
    """Return the settings of an application that WSGI cannot serve."""
    if item.server:
        return _command(item)
    if item.listens:
        return _script(item, callables)
    lacks = next(each.lacks for each in known().others.values() if each.what == item.what)
    raise ProjectError(
        f"{item.entry} ({item.where}) is {item.what}. {lacks}, but nginx connects to a unix socket.",
        hint="Use another framework for its pages, such as FastAPI or Litestar.",
    )


def _command(item: Candidate) -> list[Finding]:
    """Return the settings of an application that needs a web server of its own."""
    line = server.command(item.server, item.entry)
    return [
        Finding("application", item.entry, f"{item.where} ({item.what})"),
        Finding("server", "command", f"{item.what} is not a WSGI app", ("server",)),
        Finding("command", line, f"needs {item.server} in the requirements", ("command",)),
    ]


def _script(item: Candidate, callables: Callables) -> list[Finding]:
    """Return the settings of an application that listens on ``$SOCKET`` without a server.

    Its own script does, or else a line of Python, if the framework has one.
    """
    script = callables.script(item.path)
    line = next((other.runs for other in known().others.values() if other.what == item.what), "")
    if callables.mentions("SOCKET"):
        line, why = f"python {script}", "it mentions SOCKET"
    elif line:
        module, name, is_factory = entry_point.split(item.entry)
        for placeholder, value in (("MODULE", module), ("NAME", name), ("VALUE", name + "()" * is_factory)):
            line = line.replace(placeholder, value)
        why = f"instead of {script}, which does not mention SOCKET"
    else:
        line, why = f"python {script}", f"it must listen on $SOCKET: {item.listens}"
    return [
        Finding("application", item.entry, f"{item.where} ({item.what})"),
        Finding("server", "command", f"{item.what} is not a WSGI app", ("server",)),
        Finding("command", line, why, ("command",)),
    ]


def _finding(item: Candidate) -> Finding:
    return Finding("application", item.entry, " ".join([item.where, *_made_by(item.what)]), _KEY)


def _made_by(what: str) -> Iterator[str]:
    if what:
        yield f"({what})"


def _check(entry: str, root: Path, file: Path) -> None:
    """Raise ``ProjectError`` if the code has the module of ``entry``, but not the callable."""
    module, _, _ = entry_point.split(entry)
    roots = [root / "src"] if (root / "src").is_dir() else [root]
    entry_point.check(entry, file=file, roots=roots, installed={module.partition(".")[0]}, python=(9, 9))


def _is_there(entry: str, root: Path) -> bool:
    module, _, _ = entry_point.split(entry)
    roots = [root / "src"] if (root / "src").is_dir() else [root]
    if not any(reader.is_file(path) for base in roots for path in entry_point.module_files(base, module)):
        return False
    try:
        _check(entry, root, Path())
    except ProjectError:
        return False
    return True


def _is_required(entry: str, root: Path, required: Collection[str]) -> bool:
    """Tell whether a package that the app requires, and not the project, has ``entry``."""
    top = entry.partition(":")[0].partition(".")[0]
    places = [base / name for base in (root, root / "src") for name in (top, f"{top}.py")]
    in_project = any(reader.is_file(place) or reader.is_folder(place) for place in places)
    package = re.split(r"[^\w.-]", known().packages.get(top, top))[0]
    return not in_project and (_dotted(entry) in known().wsgi or normalised(package) in required)


def _dotted(entry: str) -> str:
    return entry.removesuffix("()").replace(":", ".")


def passed_over(imported: Imported, chosen: Sequence[Finding], root: Path) -> list[str]:
    """Return a sentence if other tools started another application than the ``chosen`` one."""
    entry = str(imported.settings.get("wsgi", ""))
    served = str(chosen[0].value) if any(found.key for found in chosen) else ""
    is_told = any(entry.partition(":")[0] in text for text in imported.warnings)
    if not entry or not served or entry == served or is_told:
        return []
    note = (
        f"{_where(imported, _KEY, root)} starts {entry}, which is not in the project. Debonair serves "
        f"{served} instead. To serve another application, change 'wsgi'."
    )
    return [note]


def _shown(path: Path, root: Path) -> str:
    return str(path.relative_to(root) if path.is_relative_to(root) else path)


def unserved(callables: Callables) -> str:
    """Return a sentence about a project with commands, but without an application."""
    if half := _half(callables):
        return f"The package contains commands, but no service and no site. {' '.join(half)}"
    return (
        "No application was found, so the package contains commands, but no service and no site. If a "
        "server can run the project, name the callable: debonair init --wsgi MODULE:CALLABLE"
    )


def _half(callables: Callables) -> tuple[str, str] | None:
    """Return what is wrong with the use of a framework that creates no callable, and what to write."""
    for name, advice in _ADVICE.items():
        if where := callables.importing(name):
            return f"{where} imports {name}, but creates nothing that a server can call.", advice
    return None


def _nothing(root: Path, callables: Callables, broken: Sequence[str], imported: Imported) -> ProjectError:
    """Return the error that explains why there is no application, and what to write."""
    if half := _half(callables):
        return ProjectError(half[0], hint=half[1])
    if closed := callables.unusable():
        return ProjectError(
            f"No application in {root} can be called without arguments: {'; '.join(closed[:3])}.",
            hint="Write a wsgi.py that calls the factory: application = create_app(...)",
        )
    if found := next(iter(Callables(nameless(root)).candidates()), None):
        return _nameless(found, root, imported)
    if broken:
        return ProjectError(
            f"No WSGI application was found in {root}. Python cannot read all of its code: {broken[0]}.",
            hint="Fix the syntax error on that line. Port Python 2 code to Python 3 first.",
        )
    if entry := imported.settings.get("wsgi", ""):
        return ProjectError(
            f"{_where(imported, _KEY, root)} starts {entry}, but neither the project nor its requirements "
            "have that module.",
            hint="Run 'debonair init' in the folder that has the module. Or name another application: "
            "debonair init --wsgi MODULE:CALLABLE",
        )
    return ProjectError(
        f"No WSGI application was found in {root}. It has no object of Flask, Django, Bottle, Falcon, "
        "Pyramid, web.py or Werkzeug, and no function of (environ, start_response).",
        hint="If the application is created in another way, name it: debonair init --wsgi MODULE:CALLABLE",
    )


def _nameless(found: Candidate, root: Path, imported: Imported) -> ProjectError:
    """Return the error about an application in a file that no import can name."""
    path = PurePosixPath(found.path)
    name = re.sub(r"\W", "_", path.stem)
    renamed = f"{name}.py" if name[:1].isalpha() else f"app_{name}.py"
    starts = next((each for each in imported.accounts if path.name in each.text), None)
    started = f" {_shown(starts.file, root)}:{starts.line} starts it." if starts else ""
    if path.stem.isidentifier():
        folder = next(
            parent for parent in path.parents if parent == path.parent or not parent.name.isidentifier()
        )
        return ProjectError(
            f"{found.where} has an application ({found.what}), but Python cannot import a module from the "
            f"folder {folder}, because of its name.{started}",
            hint=f"Package that folder: cd {shlex.quote(str(folder))} && debonair init",
        )
    return ProjectError(
        f"{found.where} has an application ({found.what}), but Python cannot import a file with the name "
        f"{path.name}.{started}",
        hint=f"Rename the file to {renamed}, and the name in every file that starts it. Then run 'debonair "
        "init' again.",
    )


_ADVICE = {
    "bottle": "Add this line at the end of that file: application = bottle.default_app()",
    "web": "Add this line at the end of that file: application = app.wsgifunc()",
    "pyramid": (
        "Write a wsgi.py: from pyramid.paster import get_app; application = get_app('production.ini'). In "
        "that file replace 'use = egg:PACKAGE' by 'use = call:PACKAGE:main', because 'egg:' finds only "
        "installed packages."
    ),
}


def settings_of(imported: Imported, root: Path) -> tuple[list[Finding], list[str]]:
    """Return the settings from other tools except the application, and sentences about lost ones."""
    findings, notes = list[Finding](), list[str]()
    for key, value in _leaves(imported.settings, ()):
        where = _where(imported, key, root)
        if key[0] == "static" and not reader.is_folder(root / str(value)):
            notes.append(f"{where}: '{key[1]}' was left out: {value} is not a folder of the project.")
        elif key != _KEY:
            findings.append(Finding(".".join(key), value, where, key))
    return findings, notes


def _where(imported: Imported, key: tuple[str, ...], root: Path) -> str:
    """Return the file and line that set ``key``."""
    names = [".".join(key[:length]) for length in range(len(key), 0, -1)]
    for name in names:
        for account in imported.accounts:
            if name in account.became.split(", "):
                return _shown(account.file, root) + (f":{account.line}" if account.line else "")
    return ""


def _leaves(table: Mapping[str, Any], above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, (*above, key))
        else:
            yield (*above, key), value
