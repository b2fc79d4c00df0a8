"""Inspect a Django project: its static files, and settings that do not work on the Pi.

Only literal settings are read. Settings from an ``import *`` or a variable are up to the author.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from debonair.init.discovery.code import Module, top_level
from debonair.init.discovery.code_change import Change
from debonair.init.discovery.finding import Finding
from debonair.project import reader

COLLECT = "python manage.py collectstatic --noinput --clear"
_ROOT = "staticfiles"
"""The folder to propose if the settings do not name one."""


def look(root: Path, modules: Sequence[Module]) -> tuple[list[Finding], list[Change]]:
    """Return the findings about static files, and the settings that should change.

    ``modules`` are those of the project in the folder ``root``.
    """
    name = _settings_module(reader.head(root / "manage.py", root))
    if not name:
        return [], []
    # The Pi loads the settings that wsgi.py names; those of manage.py may be for development.
    servers = [each.path for each in modules if each.path.endswith(("wsgi.py", "asgi.py"))]
    name = next(filter(None, (_settings_module(reader.head(root / path, root)) for path in servers)), name)
    read = _read(modules, name)
    settings = {key: (each, value) for each in read for key, value in _assigned(each.tree).items()}
    texts = {node.value for each in read for node in each.nodes if isinstance(node, ast.Constant)}
    findings = _health(settings, modules)
    if "django.contrib.staticfiles" not in texts:
        return findings, _changes(settings, collects=False)
    folder = (_folder(settings["STATIC_ROOT"][1]) if "STATIC_ROOT" in settings else "") or _ROOT
    url = settings["STATIC_URL"][1] if "STATIC_URL" in settings else None
    path = str(url.value) if isinstance(url, ast.Constant) else "static/"
    where = f"Django's, by {read[0].path}"
    findings.append(Finding("static files", COLLECT, where, ("collect",)))
    if not re.match("https?:|//", path):
        prefix = f"/{path.strip('/')}/"
        findings.append(Finding(f"static {prefix}", folder, where, ("static", prefix)))
    return findings, _changes(settings, collects=True)


def _read(modules: Sequence[Module], name: str) -> list[Module]:
    """Return the settings module ``name``, after those that it takes all names of; the last one counts."""
    own = [each for each in modules if each.name == name or each.name.startswith(f"{name}.")]
    found = list(own)
    for module in own:
        for node in module.tree.body:
            if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names):
                package = module.name.split(".")
                package = package if module.path.endswith("__init__.py") else package[:-1]
                above = package[: len(package) - node.level + 1] if node.level else []
                wanted = ".".join([*above, *filter(None, [node.module])])
                found = [*(each for each in modules if each.name == wanted and each not in found), *found]
    return found


def _health(settings: Mapping[str, tuple[Module, ast.expr]], modules: Sequence[Module]) -> list[Finding]:
    """Return a page for the health check if the project has none at /, as a new project does."""
    name = settings["ROOT_URLCONF"][1] if "ROOT_URLCONF" in settings else None
    if not isinstance(name, ast.Constant):
        return []
    for urls in (module for module in modules if module.name == name.value):
        patterns = _assigned(urls.tree).get("urlpatterns")
        if not isinstance(patterns, ast.List):
            return []
        routes = [node.args[0] for node in patterns.elts if isinstance(node, ast.Call) and node.args]
        texts = [node.value for node in routes if isinstance(node, ast.Constant)]
        if len(texts) != len(patterns.elts):
            return []
        plain = [
            text for text in texts if isinstance(text, str) and re.fullmatch(r"[\w-]+(/[\w-]+)*/?", text)
        ]
        if len(plain) == len(texts) and plain:
            where = f"{urls.path}:{patterns.lineno}, which has no page at /"
            return [Finding("health check", f"/{plain[0]}", where, ("health",))]
    return []


def _changes(settings: dict[str, tuple[Module, ast.expr]], *, collects: bool) -> list[Change]:
    changes = []

    def change(key: str, why: str, code: str, node: ast.expr | None = None, shown: str = "") -> None:
        module, value = settings[key]
        changes.append(Change(Path(module.path), why, code, node or value, shown, key))

    def constant(key: str) -> object:
        value = settings[key][1] if key in settings else None
        return value.value if isinstance(value, ast.Constant) else None

    if collects and "STATIC_ROOT" not in settings and settings:
        module = settings.get("BASE_DIR", next(iter(settings.values())))[0]
        why = "It has no STATIC_ROOT, but 'collect' needs it. Add:"
        base = _base(settings, module).replace("BASE_DIR", "Path(BASE_DIR)")
        code = f"STATIC_ROOT = {base} / '{_ROOT}'"
        changes.append(Change(Path(module.path), why, code))
    if "DATABASES" in settings and _is_beside(settings["DATABASES"][1]):
        why = "The database is beside the code, which is read-only on the Pi. Change its NAME to:"
        module, databases = settings["DATABASES"]
        name = _name_of_database(databases)
        change("DATABASES", why, _in_state(name, _base(settings, module)), name)
    if constant("DEBUG") is True:
        why = "DEBUG = True shows your code and settings on error pages. Change it to:"
        change("DEBUG", why, "'STATE_DIRECTORY' not in os.environ")
    hosts = settings["ALLOWED_HOSTS"][1] if "ALLOWED_HOSTS" in settings else None
    if isinstance(hosts, ast.List) and not hosts.elts:
        why = (
            "With ALLOWED_HOSTS empty, Django rejects every host name. List the Pi's names, as in "
            "'nginx.server-name', or allow any:"
        )
        change("ALLOWED_HOSTS", why, "['*']")
    if isinstance(secret := constant("SECRET_KEY"), str):
        why = "Everyone who has the package has this SECRET_KEY. Each Pi can use its own. Change it to:"
        shown = "os.environ.get('SECRET_KEY', 'for the desk only')"
        change("SECRET_KEY", why, f"os.environ.get('SECRET_KEY', {secret!r})", shown=shown)
    return changes


def _name_of_database(databases: ast.expr) -> ast.expr | None:
    """Return the NAME of the first database in SQLite."""
    for table in ast.walk(databases):
        if isinstance(table, ast.Dict) and "sqlite3" in ast.unparse(table):
            for key, value in zip(table.keys, table.values, strict=True):
                if isinstance(key, ast.Constant) and key.value == "NAME":
                    return value
    return None


def _base(settings: Mapping[str, object], module: Module) -> str:
    """Return the expression for the project's folder in the settings in ``module``."""
    if "BASE_DIR" in settings:
        return "BASE_DIR"
    return f"Path(__file__).resolve().parents[{module.path.count('/')}]"


def _in_state(name: ast.expr | None, base: str) -> str:
    """Return the expression ``name`` for a database that is in the data folder on the Pi."""
    nodes = [node for node in ast.walk(name) if isinstance(node, ast.Constant)] if name else []
    last = max(nodes, key=lambda node: (node.lineno, node.col_offset)).value if nodes else ""
    file = re.sub(r"[^\w.-]", "", str(last).rpartition("/")[2])
    return f"Path(os.environ.get('STATE_DIRECTORY', {base})) / '{file or 'db.sqlite3'}'"


def _settings_module(text: str) -> str:
    """Return the settings module that ``text``, of manage.py, names; empty if it does not name one."""
    found = re.search(r"DJANGO_SETTINGS_MODULE['\"]\s*[,\]]\s*(?:=\s*)?['\"]([\w.]+)", text)
    return found[1] if found else ""


def _assigned(tree: ast.Module) -> dict[str, ast.expr]:
    """Return the last value of each name at a module's top level."""
    return {
        target.id: node.value
        for node in top_level(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _folder(value: ast.expr) -> str:
    """Return the folder in an expression such as ``BASE_DIR / "static"``; empty if it has none."""
    nodes = [node for node in ast.walk(value) if isinstance(node, ast.Constant)]
    nodes.sort(key=lambda node: (node.lineno, node.col_offset))
    folder = "/".join(node.value.strip("/") for node in nodes if isinstance(node.value, str))
    plain = re.fullmatch(r"[\w.-]+(/[\w.-]+)*", folder) and ".." not in folder
    return folder if plain and "environ" not in ast.unparse(value) else ""


def _is_beside(value: ast.expr) -> bool:
    text = ast.unparse(value)
    return (
        "sqlite3" in text
        and bool(re.search(r"BASE_DIR|__file__|'NAME': '[^/:]", text))
        and ("STATE_DIRECTORY" not in text)
    )
