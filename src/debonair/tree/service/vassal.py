"""The web process, and its protocol with nginx: uWSGI, or the app's own web server."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from debonair.errors import ProjectError
from debonair.project import Project, entry_point, layout
from debonair.project.settings import LOOPS
from debonair.resources import resource
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
        depends=(_bounded("uwsgi-plugin-python3", target), *_plugins(project, target)),
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


@cache
def packages() -> dict[str, str]:
    """Return the Debian package of each plugin of uWSGI that has one of its own, by the plugin's name."""
    tables = tomllib.loads(resource("packaging/uwsgi/plugins.toml").read_text())
    return {**tables["python"], **tables["any"]}


def _plugins(project: Project, target: Target) -> Iterator[str]:
    """Yield the dependencies on the packages of further plugins that the author named.

    Raises ``ProjectError`` if the plugin of an event loop is missing: uWSGI would not know its option.
    """
    values = [project.uwsgi.get(key, "") for key in ("plugins", "plugin", "need-plugins", "need-plugin")]
    texts = [text for value in values for text in (value if isinstance(value, list) else [value])]
    names = [name.strip() for text in texts for name in str(text).split(",")]
    for loop in sorted(LOOPS & project.uwsgi.keys()):
        if (needed := f"{loop}_python3") in packages() and needed not in names:
            raise ProjectError(
                f"{project.config_file.name}: 'uwsgi.{loop}' needs a plugin of uWSGI, which "
                "'uwsgi.plugins' does not name.",
                hint=f'Write it as in plugins = "{needed}"',
            )
    for name in dict.fromkeys(names):
        if package := packages().get(name):
            yield _bounded(package, target) if name.endswith("_python3") else package


def _bounded(package: str, target: Target) -> str:
    """Return the dependency on ``package``, a plugin of uWSGI for the Python of ``target``.

    Without an upper bound, an upgrade of Debian would install the plugin of the next Python, although
    somebody holds the app at this one. uWSGI would then start and find none of the app's modules.
    """
    bound = f" (<< {target.uwsgi_below})" if target.uwsgi_below else ""
    return f"{package}{bound}"


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
