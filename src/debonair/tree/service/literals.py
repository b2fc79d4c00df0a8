"""A project's values as systemd, uWSGI and nginx read them.

Each function returns text that cannot end its line or its statement early, or raises ``ProjectError``,
which names the file and the key. ``key`` is written as a user writes it, such as ``service.memory-max``.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache

from debonair.errors import ProjectError
from debonair.project import Project, reader
from debonair.project.settings import LOOPS, Option
from debonair.resources import resource


@cache
def refused() -> dict[str, str]:
    """Return the options of uWSGI that only Debonair may set in the vassal: the reason, by name."""
    tables = tomllib.loads(resource("packaging/uwsgi/owned.toml").read_text())
    return {name: why for why, names in tables["refused"].items() for name in names}


def unit_text(project: Project, key: str, value: str) -> str:
    """Return ``value`` for a setting of a systemd unit (systemd.unit(5): ``%`` begins a specifier)."""
    if value.rstrip().endswith("\\"):
        raise error(
            project,
            key,
            "ends in a backslash, which systemd reads as a continued line",
            "Remove the backslash.",
        )
    return _specifiers(project, key, value)


def unit_environment(project: Project, variables: Mapping[str, str]) -> str:
    """Return the lines ``Environment=`` of the unit, sorted by name (systemd.exec(5))."""
    lines = []
    for name, value in sorted(variables.items()):
        key = f"service.environment.{name}"
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            raise error(
                project,
                key,
                "is not a valid name of a variable",
                "Use letters, digits and _, and no digit first.",
            )
        text = _specifiers(project, key, value).replace("\\", "\\\\").replace('"', '\\"')
        lines.append(f'Environment="{name}={text}"')
    return "\n".join(lines)


def ini_options(project: Project) -> str:
    """Return the author's options of uWSGI as lines of an ini file, in the author's order.

    Values are not changed, so that uWSGI's own placeholders work in them.
    """
    lines = []
    loop = next((name for name in project.uwsgi if name in LOOPS), "")
    if loop and project.uwsgi.get("threads", 1) not in {0, 1}:
        raise error(
            project,
            "uwsgi.threads",
            f"does not work with uwsgi.{loop}, which has no threads",
            "Leave it out.",
        )
    for name, value in project.uwsgi.items():
        key = f"uwsgi.{name}"
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]*", name):
            raise error(project, key, "is not an option of uWSGI", "Write it as in uWSGI's manual.")
        if why := refused().get(name):
            raise error(project, key, f"is set by Debonair: {why}", "Leave it out.")
        items = value if isinstance(value, list) else [value]
        lines += [f"{name} = {_option(project, key, item)}" for item in items]
    return "\n".join(lines)


def command(project: Project, key: str, value: str) -> str:
    """Return ``value`` as the last line of a shell script."""
    return _plain(project, key, value)


def nginx_listen(project: Project) -> Iterator[str]:
    """Yield the values of nginx's ``listen``."""
    for value in project.nginx.listen:
        if not re.fullmatch(r"[\w.:\[\]*/-]+( [a-z_]+(=[\w:.-]+)?)*", value, re.ASCII):
            raise error(
                project, "nginx.listen", f"has '{value}'", 'Write it as in "80", "[::]:80" or "443 ssl".'
            )
        yield value


def nginx_server_name(project: Project) -> str:
    """Return the value of nginx's ``server_name``: one or more names, or regular expressions."""
    value = " ".join(_plain(project, "nginx.server-name", project.nginx.server_name).split())
    if not value or re.search(r"[;{}\"'#]|\\$", value):
        raise error(
            project,
            "nginx.server-name",
            f"is '{value}', which nginx does not accept as names",
            'Write it as in "example.org www.example.org", or "~." for any name.',
        )
    return value


def nginx_size(project: Project) -> str:
    """Return the value of nginx's ``client_max_body_size``."""
    value = project.nginx.client_max_body_size
    if not re.fullmatch(r"[0-9]+[kKmMgG]?", value):
        raise error(
            project,
            "nginx.client-max-body-size",
            f"is '{value}', which is not a size",
            'Write it as in "10m".',
        )
    return value


def nginx_path(project: Project, key: str, value: str) -> str:
    """Return ``value`` as a path in nginx's configuration, which cannot contain a dollar sign."""
    if "$" in _plain(project, key, value):
        raise error(
            project,
            key,
            f"is '{value}': nginx cannot serve a folder with a $ in its name",
            "Rename the folder.",
        )
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _specifiers(project: Project, key: str, value: str) -> str:
    return _plain(project, key, value).replace("%", "%%")


def _option(project: Project, key: str, value: Option) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return _plain(project, key, str(value)).strip()


def _plain(project: Project, key: str, value: str) -> str:
    if reader.control(value):
        raise error(project, key, "has a line break or another control character", "Write it on one line.")
    return value


def error(project: Project, key: str, what: str, hint: str) -> ProjectError:
    """Return the error that states ``what`` is wrong with the value of ``key``, with a ``hint``."""
    prefix = "tool.debonair." if project.config_file.name == "pyproject.toml" else ""
    return ProjectError(f"{project.config_file.name}: '{prefix}{key}' {what}.", hint=hint)
