"""The web process, and its protocol with nginx: uWSGI, or the app's own web server."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from debonair.errors import ProjectError
from debonair.project import Project, entry_point, layout
from debonair.target import Target
from debonair.tree.service import limits, literals

_DRAIN = 60  # seconds


@dataclass(frozen=True)
class Vassal:
    """The parts of a package that depend on the program that answers the requests."""

    depends: tuple[str, ...]
    """The Debian packages that it needs in addition to the emperor's."""
    templates: Mapping[str, str]
    """The templates of the files that only this kind has, by their path in the package."""
    to_app: str
    """The template of the lines with which nginx passes a request to the app."""
    values: Mapping[str, str | int]
    """Values of these: ``mercy_seconds`` is its time to end its requests; ``chown`` is for the sandbox."""


def of(project: Project, target: Target) -> Vassal:
    """Return the vassal of ``project`` on ``target``.

    Raises ``ProjectError`` for an option of uWSGI that is not supported.
    """
    return _command(project) if project.command else _uwsgi(project, target)


def drain(project: Project) -> int:
    """Return the seconds that a release gets to finish its requests, when another takes its place.

    It is as long as a request may take, if the author has set a limit (``harakiri``).
    """
    return max(_seconds(project, "harakiri", 0), _DRAIN) if not project.command else _DRAIN


def _uwsgi(project: Project, target: Target) -> Vassal:
    dist = layout.dist(project.package)
    module, name, factory = entry_point.split(project.wsgi)
    harakiri = _seconds(project, "harakiri", 0)
    return Vassal(
        depends=(_plugin(target),),
        templates={
            f"{dist}/vassals/web.ini": "packaging/uwsgi/web.ini.in",
            f"{dist}/nginx/server.conf": "nginx-sites/server.conf.in",
            f"{dist}/nginx/uwsgi_params": "nginx-sites/uwsgi_params.in",
        },
        to_app="nginx-sites/uwsgi_to_app.conf.in",
        values={
            "module": module,
            "callable": f"{name}()" if factory else name,
            "code": _code(project),
            "memory": limits.vassal(project, target),
            "options": literals.ini_options(project),
            "mercy_seconds": _seconds(project, "worker-reload-mercy", 30),
            "chown": "",
            # nginx gives up later than the app, or visitors would never see the app's own error.
            "read_seconds": harakiri + 10 if harakiri else 300,
        },
    )


def _plugin(target: Target) -> str:
    """Return the dependency on uWSGI's plugin for the Python of ``target``.

    Without an upper bound, an upgrade of Debian would install the plugin of the next Python, although
    somebody holds the app at this one. uWSGI would then start and find none of the app's modules.
    """
    bound = f" (<< {target.uwsgi_below})" if target.uwsgi_below else ""
    return f"uwsgi-plugin-python3{bound}"


def _command(project: Project) -> Vassal:
    dist = layout.dist(project.package)
    return Vassal(
        depends=(),
        templates={
            f"{dist}/vassals/web.ini": "packaging/uwsgi/command.ini.in",
            f"{dist}/nginx/server.conf": "nginx-sites/command.conf.in",
        },
        to_app="nginx-sites/http_to_app.conf.in",
        values={
            "mercy_seconds": 30,
            # safe: without capabilities, it cannot give a file to another user
            "chown": "# gunicorn changes the group of its socket to its own.\nSystemCallFilter=@chown",
        },
    )


def _seconds(project: Project, option: str, default: int) -> int:
    value = project.uwsgi.get(option, default)
    if isinstance(value, bool) or not re.fullmatch("[0-9]{1,9}", str(value)):
        raise ProjectError(
            f"{project.config_file.name}: 'uwsgi.{option}' is '{value}', which is not a number of seconds.",
            hint=f"Write it as in {option} = 60",
        )
    return int(str(value))


def _code(project: Project) -> str:
    lines = [f"pythonpath = %(release)/{path}" for path in project.import_path]
    # uWSGI looks for modules there first: an attacker can have left some in the data folder.
    lines.append(f"chdir = %(release)/{'app' if project.install == 'files' else 'venv'}")
    return "\n".join(lines)
