"""The readers of other tools' files, given what nobody would write: an error for the author, or a result.

What they are given grows from the small files in tests/fuzz. Nothing depends on chance or on a clock.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mutants import CORPUS, mutants, steps, values

from debonair import project
from debonair.errors import ProjectError
from debonair.init import settings_file
from debonair.init.discovery.application import _leaves
from debonair.init.imports import files
from debonair.init.imports.account import Imported, table
from debonair.project import reader, requirements_file
from debonair.tree.service import literals

NAMES = {
    "uwsgi-ini": "uwsgi.ini",
    "uwsgi-yaml": "uwsgi.yaml",
    "uwsgi-xml": "uwsgi.xml",
    "uwsgi-json": "uwsgi.json",
    "nginx": "site.nginx",
    "procfile": "Procfile",
    "dockerfile": "Dockerfile",
    "app-json": "app.json",
    "systemd-unit": "book.service",
    "supervisor": "supervisor.conf",
    "compose": "compose.yml",
    "script": "start.sh",
    "gunicorn": "gunicorn.conf.py",
}
GIVEN = {"package": "book", "version": "1", "description": "A book", "maintainer": "A <a@example.org>"}
STEPS = 100
"""Steps for a byte of a file, and for a thousand bytes more that any file takes."""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that has what the files of the corpus name."""
    folder = tmp_path_factory.mktemp("book")
    (folder / "app.py").write_text("app = print\n")
    (folder / "static").mkdir()
    (folder / "more.ini").write_text("[uwsgi]\nthreads = 2\nini = uwsgi.ini\n[other]\nenv = B=%(b)\n")
    (folder / "more.txt").write_text("-r requirements.txt\nclick\n")
    return folder


def bounded(call: Callable[[], Any], data: bytes) -> Any:
    """Return what ``call`` does, or the error that it ends with, and see that it ends in good time."""

    def caught() -> Any:
        try:
            return call()
        except ProjectError as wrong:
            return wrong

    found, count = steps(caught)
    assert count <= STEPS * (len(data) + 1000), f"{count} lines for {len(data)} bytes"
    return found


def stays(found: Imported, root: Path) -> None:
    """See that each value is on its line of the settings, and back again; and in the package."""
    lines = [(key, value, "a file") for key, value in _leaves(found.settings, ())]
    for key, value, _ in lines:
        for item in value if isinstance(value, list) else [value]:
            assert not reader.unfit("".join([*key, str(item)])), item
    text = settings_file.text(lines, prefix="", head="x")
    assert tomllib.loads(text) == _full(found.settings)
    tables = {key[:-1] for key, _, _ in lines if key[1:]}
    assert len([line for line in text.split("\n") if line]) == 1 + len(lines) + len(tables)
    try:
        made = project.of(root, root / "debonair.toml", {"wsgi": "app:app", **GIVEN, **found.settings})
        options = literals.ini_options(made)
        variables = literals.unit_environment(made, made.service.environment)
        list(literals.nginx_listen(made))
        literals.nginx_server_name(made)
        literals.nginx_size(made)
    except ProjectError:
        return
    many = [value if isinstance(value, list) else [value] for value in made.uwsgi.values()]
    assert len(options.split("\n")) == max(1, sum(map(len, many)))
    assert len(variables.split("\n")) == max(1, len(made.service.environment))


def _full(table: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``table`` without tables that are empty, which are not written."""
    inner = {key: _full(value) if isinstance(value, Mapping) else value for key, value in table.items()}
    return {key: value for key, value in inner.items() if value != {}}


@pytest.mark.parametrize("kind", NAMES)
def test_what_other_tools_read(kind: str, root: Path) -> None:
    @settings(max_examples=250, derandomize=True, deadline=None, database=None)
    @given(mutants(kind))
    def holds(data: bytes) -> None:
        path = root / NAMES[kind]
        path.write_bytes(data)
        found = bounded(lambda: files.read(path, root), data)
        path.unlink()
        if isinstance(found, ProjectError):
            assert found.message
            assert found.hint
            return
        table(found.accounts)
        stays(found, root)

    holds()


OPTIONS = (
    "module", "wsgi", "wsgi-file", "callable", "mount", "chdir", "env", "set", "set-ph", "a", "b",
    "ini", "include", "static-map", "pythonpath", "plugins", "attach-daemon", "attach-daemon2",
    "cron", "unique-cron", "socket", "http-socket", "harakiri", "processes", "cheaper",
    "procname-prefix", "if-env", "endif", "route", "modul", "py-autoreload",
)  # fmt: skip


def _yaml(options: list[tuple[str, str]]) -> str:
    return "uwsgi:\n" + "".join(f"  {json.dumps(name)}: {json.dumps(value)}\n" for name, value in options)


def _json(options: list[tuple[str, str]]) -> str:
    return '{"uwsgi": {' + ", ".join(f"{json.dumps(n)}: {json.dumps(v)}" for n, v in options) + "}}"


def _xml(options: list[tuple[str, str]]) -> str:
    return f"<uwsgi>{''.join(f'<{name}>{escape(value)}</{name}>' for name, value in options)}</uwsgi>"


def _ini(options: list[tuple[str, str]]) -> str:
    return "[uwsgi]\n" + "".join(f"{name} = {value}\n" for name, value in options)


def _app_json(options: list[tuple[str, str]]) -> str:
    env = {f"{name}{value[:3]}".replace("-", "_"): value for name, value in options}
    return json.dumps({"env": env, "description": "".join(value for _, value in options)})


def _site(options: list[tuple[str, str]]) -> str:
    names = (
        "listen",
        "server_name",
        "client_max_body_size",
        "location",
        "alias",
        "root",
        "uwsgi_read_timeout",
    )
    quoted = [value.replace("\\", "\\\\").replace('"', '\\"') for _, value in options]
    lines = [f'{names[at % 7]} "{value}"' for at, value in enumerate(quoted)]
    lines = [f"{line} {{ alias static; }}" if "location" in line else f"{line};" for line in lines]
    return "server {\n" + "\n".join(lines) + "\nuwsgi_pass x;\n}\n"


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("uwsgi.ini", _ini), ("uwsgi.yaml", _yaml), ("uwsgi.json", _json), ("uwsgi.xml", _xml),
        ("app.json", _app_json), ("site.nginx", _site),
    ],
)  # fmt: skip
def test_any_value(name: str, form: Callable[[list[tuple[str, str]]], str], root: Path) -> None:
    """What is well-formed, and holds what no value should be."""

    @settings(max_examples=200, derandomize=True, deadline=None, database=None)
    @given(st.lists(st.tuples(st.sampled_from(OPTIONS), values()), max_size=6))
    def holds(options: list[tuple[str, str]]) -> None:
        data = form(options).encode(errors="surrogatepass")
        path = root / name
        path.write_bytes(data)
        found = bounded(lambda: files.read(path, root), data)
        path.unlink()
        if not isinstance(found, ProjectError):
            stays(found, root)

    holds()


def test_requirements(root: Path) -> None:
    @settings(max_examples=400, derandomize=True, deadline=None, database=None)
    @given(mutants("requirements"))
    def holds(data: bytes) -> None:
        path = root / "requirements.txt"
        path.write_bytes(data)
        found = bounded(lambda: requirements_file.read(path, root), data)
        if isinstance(found, ProjectError):
            assert found.message
            return
        for line in (*found.requirements, *found.constraints):
            assert "\n" not in line
            assert line == line.strip()

    holds()


@pytest.mark.parametrize(
    "path", sorted(CORPUS.glob("*/*")), ids=lambda path: f"{path.parent.name}/{path.name}"
)
def test_the_corpus_is_read(path: Path, root: Path) -> None:
    """A corpus of what is refused would show nothing."""
    kind = path.parent.name
    place = root / NAMES.get(kind, "requirements.txt")
    place.write_bytes(path.read_bytes())
    if kind == "requirements":
        assert requirements_file.read(place, root).requirements
    else:
        found = files.read(place, root)
        assert found.settings
        stays(found, root)
