"""Find traits of an app's code that affect its package: hardware, static files, migrations, traps."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion

from debonair.init.discovery import database
from debonair.init.discovery.code import Module, top_level
from debonair.init.discovery.finding import Finding
from debonair.project import reader
from debonair.project.catalogue import known
from debonair.project.names import normalised

IN_THE_APP = 'cd "$VIRTUAL_ENV/../app" && '
"""The prefix for a ``migrate`` command that must run in the folder of the app's files."""


_MACHINE = re.compile(
    r"/proc/(cpuinfo|device-tree|diskstats|interrupts|loadavg|meminfo|stat|uptime|vmstat)\b"
)
"""Files of /proc that an app's service does not see by default."""
_METADATA = ("importlib.metadata", "importlib_metadata", "pkg_resources")
_ASKING = re.compile(r"version|distribution|require|metadata")


def hardware(modules: Sequence[Module], requirements: Collection[str]) -> tuple[list[Finding], list[str]]:
    """Return the parts of the board that the app opens, and notes about them.

    A library that is missing in ``requirements``, normalised names, comes from Debian.
    """
    words, packages = dict[str, str](), dict[str, str]()
    at_once = list[str]()
    for module in modules:
        for name, line in module.imports():
            top = name.partition(".")[0]
            if found := known().hardware.get(top):
                where = f"{module.path}:{line} imports {name}"
                words.setdefault(found.opens, where)
                for each in filter(None, (found, known().hardware.get(found.through))):
                    if each.name not in requirements or each.system:
                        packages.setdefault(each.debian, where)
        at_once += [f"{module.path}:{line}" for line in _loads_hardware(module)]
    findings = []
    if words:
        first = next(iter(words.values()))
        findings.append(Finding("hardware", sorted(words), first, ("hardware",)))
    if packages:
        first = next(iter(packages.values()))
        findings.append(Finding("Debian packages", sorted(packages), first, ("depends",)))
        findings.append(
            Finding(
                "Debian's Python",
                value=True,
                where="so that the app can import them",
                key=("system-site-packages",),
            )
        )
    notes = []
    if at_once:
        notes.append(
            f"{_some(at_once)} loads a library of the board when the app starts. Without such a board, the "
            "app may fail. To start it there, import the library in a function, or in 'try:' with "
            "'except (ImportError, RuntimeError, OSError):'."
        )
    if packages:
        notes.append(
            f"Debian packages: {', '.join(sorted(packages))}. In the place of those that only Raspberry Pi "
            "OS has, 'debonair try' installs stand-ins without a function."
        )
    return findings, notes


def proc(modules: Sequence[Module]) -> list[Finding]:
    """Return the setting of the sandbox for an app that reads the state of the machine in /proc."""
    for module in modules:
        places = [(line, f"imports {name}") for name, line in module.imports() if _reads_proc(name)]
        for node in module.nodes:
            if isinstance(node, ast.Call) and _reads_proc(called := module.dotted(node.func)):
                places.append((node.lineno, f"calls {called}"))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                places += [(node.lineno, f"reads {path[0]}") for path in _MACHINE.finditer(node.value)]
        if places:
            line, what = min(places)
            return [Finding("/proc", "all", f"{module.path}:{line} {what}", ("service", "proc"))]
    return []


def _reads_proc(name: str) -> bool:
    return any(f"{name}.".startswith(f"{each}.") for each in known().proc.names)


def static(modules: Sequence[Module], root: Path) -> list[Finding]:
    """Return the folder of static files of the only Flask application, if it has one."""
    calls = [
        (module, node)
        for module in modules
        for node in module.nodes
        if isinstance(node, ast.Call) and module.dotted(node.func) == "flask.Flask"
    ]
    if len(calls) != 1:
        return []
    module, call = calls[0]
    arguments = {word.arg: word.value for word in call.keywords if word.arg}
    values = {name: node.value for name, node in arguments.items() if isinstance(node, ast.Constant)}
    if any(name in arguments and name not in values for name in ("static_folder", "static_url_path")):
        return []
    if {"static_folder", "static_url_path"} & {name for name, value in values.items() if value is None}:
        return []
    name = str(values.get("static_folder", "static"))
    folder = PurePosixPath(module.path).parent / name
    url = str(values.get("static_url_path", f"/{PurePosixPath(name).name}")).rstrip("/") + "/"
    inside = not folder.is_absolute() and ".." not in folder.parts
    inside = inside and reader.is_inside(root / folder, root)
    if not inside or not re.fullmatch(r"/([\w.-]+/)+", url) or not _has_files(root / folder):
        return []
    where = f"Flask's, by {module.path}:{call.lineno}"
    return [Finding(f"static {url}", str(folder), where, ("static", url))]


def migrations(modules: Sequence[Module], root: Path) -> list[Finding]:
    """Return the command that migrates a database, for the tools that the app uses."""
    if "DJANGO_SETTINGS_MODULE" in reader.head(root / "manage.py", root):
        command, where = "python manage.py migrate --noinput", "manage.py is Django's"
    elif reader.is_file(root / "migrations/alembic.ini") or (
        reader.is_file(root / "migrations/env.py") and _imports(modules, "flask_migrate")
    ):
        command, where = "flask db upgrade", "migrations/ is Flask-Migrate's"
    elif reader.is_file(root / "alembic.ini"):
        command, where = "alembic upgrade head", "alembic.ini"
    elif "\n[alembic]" in reader.head(root / "production.ini", root):
        command, where = "alembic -c production.ini upgrade head", "production.ini is Pyramid's"
    else:
        return []
    return [Finding("migrations", IN_THE_APP + command, where, ("migrate",))]


def restored(
    modules: Sequence[Module], python: tuple[int, int], required: Collection[str]
) -> list[Finding]:
    """Return the packages that have what ``modules`` import and the ``python`` no longer has.

    Those that are ``required`` already, by their normalised names, are left out.
    """
    found = dict[str, str]()
    for module in modules:
        for name, line in module.needs():
            for key, gone in known().gone.items():
                late = not gone.since or _minor(gone.since) <= python
                distribution = re.split(r"[<>=]", gone.package)[0]
                if (
                    gone.package
                    and late
                    and f"{name}.".startswith(f"{key}.")
                    and distribution not in required
                ):
                    newer = f'; python_version >= "{gone.since}"' if gone.since else ""
                    lacking = (
                        f"Python {gone.since} lacks" if gone.since else "setuptools had until version 81"
                    )
                    where = f"{module.path}:{line} imports {key}, which {lacking}"
                    found.setdefault(f"{gone.package}{newer}", where)
    if not found:
        return []
    return [Finding("also needed", list(found), "; ".join(found.values()), ("requirements",))]


def traps(
    modules: Sequence[Module],
    python: tuple[int, int],
    led: Collection[str] = (),
    *,
    restored: bool = False,
) -> list[str]:
    """Return sentences about imports that the ``python`` lacks, and about a read-only database.

    ``led`` has the files and lines of those that a setting leads to the data folder. Modules that a package
    has are no trap if they are ``restored``.
    """
    notes = dict[str, str]()
    for module in modules:
        for name, line in module.needs():
            for key, gone in known().gone.items():
                late = not gone.since or _minor(gone.since) <= python
                if late and f"{name}.".startswith(f"{key}.") and not (restored and gone.package):
                    lacking = f"Python {gone.since} has no" if gone.since else "current releases have no"
                    where = f"{module.path}:{line}"
                    notes.setdefault(key, f"{where}: {lacking} '{key}'; instead: {gone.instead}.")
    return [*notes.values(), *database.beside(modules, led)]


def left_out(modules: Sequence[Module], root: Path) -> list[str]:
    """Return a sentence about Flask's configuration in the instance folder, if the app has one."""
    if not reader.is_file(root / "instance/config.py") or not _imports(modules, "flask"):
        return []
    note = (
        "instance/config.py is left out of the package, because it may have secrets. The app finds it if "
        "you copy it to /var/lib/APP/config.py on the Pi."
    )
    return [note]


def pins(requirements: Iterable[str], python: tuple[int, int]) -> list[str]:
    """Return sentences about packages that are pinned to a version that ``python`` cannot import."""
    pinned = {
        normalised(found[1]): found[2]
        for line in requirements
        if (found := re.match(r"([\w.-]+)\s*(?:\[[^]]*\]\s*)?===?\s*([\w.]+)", line))
    }
    notes = []
    for name, pin in known().pins.items():
        try:
            broken = name in pinned and pinned[name] in SpecifierSet(pin.breaks)
        except InvalidVersion:
            continue
        if broken and (_minor(pin.since) <= python if pin.since else pin.beside not in pinned):
            later = f"Python {pin.since}" if pin.since else f"the current {pin.beside.capitalize()}"
            notes.append(
                f"{name} {pinned[name]} imports modules that {later} no longer has. Require a newer "
                f"{name}, or any version."
            )
    return notes


def _minor(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def asks_for_itself(modules: Sequence[Module], name: str) -> str:
    """Return where the app asks for its own version, which works only if it is installed as a wheel."""
    if not any(_imports(modules, each) for each in _METADATA):
        return ""
    for module in modules:
        for node in module.nodes:
            if not isinstance(node, ast.Call) or not node.args:
                continue
            word = node.args[0]
            same = isinstance(word, ast.Constant) and normalised(str(word.value)) == normalised(name)
            direct = module.dotted(node.func).startswith(_METADATA)
            if (same and _ASKING.search(ast.unparse(node.func))) or (
                direct and ast.unparse(word) in {"__name__", "__package__"}
            ):
                return f"{module.path}:{node.lineno} reads its own version"
    return ""


def _loads_hardware(module: Module) -> Iterator[int]:
    """Yield the lines at which the module itself imports a library of the board unconditionally."""
    guarded = {
        id(inner)
        for node in top_level(module.tree)
        if isinstance(node, ast.Try)
        for inner in ast.walk(node)
    }
    for node in top_level(module.tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module or ""]
        if id(node) not in guarded and any(name.partition(".")[0] in known().hardware for name in names):
            yield node.lineno


def _imports(modules: Sequence[Module], package: str) -> bool:
    return any(f"{name}.".startswith(f"{package}.") for module in modules for name, _ in module.imports())


def _has_files(folder: Path) -> bool:
    return any(reader.is_file(here / name) for here, _, names in reader.below(folder) for name in names)


def _some(places: Sequence[str]) -> str:
    return places[0] if len(places) == 1 else f"{places[0]} (and {len(places) - 1} more)"
