"""Inspect a Django project: its static files, and settings that do not work on the Pi.

Only literal settings are read. Settings from an ``import *`` or a variable are up to the author.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from pathlib import Path

from debonair.init.discovery.code import Module, top_level
from debonair.init.discovery.finding import Finding
from debonair.project import reader

COLLECT = "python manage.py collectstatic --noinput --clear"
_ROOT = "staticfiles"
"""The folder to propose if the settings do not name one."""


def look(root: Path, modules: Sequence[Module]) -> tuple[list[Finding], list[str]]:
    """Return the findings about static files, and sentences about settings that should change.

    ``modules`` are those of the project in the folder ``root``.
    """
    name = _settings_module(reader.head(root / "manage.py", root))
    if not name:
        return [], []
    read = [each for each in modules if each.name == name or each.name.startswith(f"{name}.")]
    settings = {key: (each, value) for each in read for key, value in _assigned(each.tree).items()}
    texts = {node.value for each in read for node in ast.walk(each.tree) if isinstance(node, ast.Constant)}
    if "django.contrib.staticfiles" not in texts:
        return [], _notes(settings, collects=False)
    folder = (_folder(settings["STATIC_ROOT"][1]) if "STATIC_ROOT" in settings else "") or _ROOT
    url = settings["STATIC_URL"][1] if "STATIC_URL" in settings else None
    path = str(url.value) if isinstance(url, ast.Constant) else "static/"
    where = f"Django's, by {read[0].path}"
    findings = [Finding("static files", COLLECT, where, ("collect",))]
    if not re.match("https?:|//", path):
        prefix = f"/{path.strip('/')}/"
        findings.append(Finding(f"static {prefix}", folder, where, ("static", prefix)))
    return findings, _notes(settings, collects=True)


def _notes(settings: dict[str, tuple[Module, ast.expr]], *, collects: bool) -> list[str]:
    """Return the proposed changes of settings, each with its line and the text to write."""
    notes = []

    def note(key: str, what: str) -> None:
        module, value = settings[key]
        notes.append(f"{module.path}:{value.lineno}: {what}")

    def constant(key: str) -> object:
        value = settings[key][1] if key in settings else None
        return value.value if isinstance(value, ast.Constant) else None

    if collects and "STATIC_ROOT" not in settings and settings:
        module = next(iter(settings.values()))[0]
        notes.append(
            f"{module.path} has no STATIC_ROOT, but 'collect' needs it. Add: STATIC_ROOT = BASE_DIR / "
            f"'{_ROOT}'"
        )
    if "DATABASES" in settings and _is_beside(settings["DATABASES"][1]):
        note(
            "DATABASES",
            "The database is beside the code, which is read-only on the Pi. Change its NAME to: "
            "Path(os.environ.get('STATE_DIRECTORY', BASE_DIR)) / 'db.sqlite3'",
        )
    if constant("DEBUG") is True:
        note(
            "DEBUG",
            "DEBUG = True shows your code and settings on error pages. Change it to: DEBUG = "
            "'STATE_DIRECTORY' not in os.environ",
        )
    hosts = settings["ALLOWED_HOSTS"][1] if "ALLOWED_HOSTS" in settings else None
    if isinstance(hosts, ast.List) and not hosts.elts:
        note(
            "ALLOWED_HOSTS",
            "With ALLOWED_HOSTS empty, Django rejects every host name. List the Pi's names, as in "
            "'nginx.server-name', or allow any: ALLOWED_HOSTS = ['*']",
        )
    if isinstance(constant("SECRET_KEY"), str):
        note(
            "SECRET_KEY",
            "Everyone who has the package has this key. Each Pi can use its own: SECRET_KEY = "
            "os.environ.get('SECRET_KEY', 'for the desk only')",
        )
    return notes


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
