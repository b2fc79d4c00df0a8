"""What becomes of existing configurations of uWSGI and nginx: whole accounts, as goldens."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from debonair.init.discovery import application
from debonair.init.imports import account as imports
from debonair.init.imports import nginx, uwsgi
from debonair.init.imports.account import Imported

BEFORE = Path(__file__).parent / "imports"
"""Projects as they were before; their configurations are those that are widely copied."""


def imported(root: Path, *names: str) -> Imported:
    readers = {True: nginx.read, False: uwsgi.read}
    return imports.merge(readers[name.endswith(".conf")](root / name, root) for name in names)


@pytest.mark.parametrize(
    ("project", "names"),
    [
        ("classic", ["uwsgi.ini", "site.conf"]),
        ("socket", ["myproject.ini", "site.conf"]),
        ("quickstart", ["uwsgi.ini", "site.conf"]),
        ("django", ["mysite_uwsgi.ini", "site.conf"]),
        ("dashboard", ["uwsgi.ini", "site.conf"]),
        ("jobs", ["uwsgi.ini"]),
        ("forms", ["uwsgi.yaml", "uwsgi.json", "uwsgi.xml"]),
        ("tls", ["nginx.conf"]),
    ],
)
def test_the_account(
    project: str,
    names: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    golden: Callable[[str, str], None],
) -> None:
    shutil.copytree(BEFORE / project, tmp_path / project)
    monkeypatch.chdir(tmp_path / project)
    found = imported(Path(), *names)
    lines = [imports.table(found.accounts), json.dumps(found.settings, indent=2), "", *found.warnings, ""]
    text = "\n".join(lines)
    assert "not-to-be-seen" not in text
    golden(f"imports/{project}.txt", text)


@pytest.mark.parametrize(("project", "name"), [("jobs", "uwsgi.ini"), ("django", "site.conf")])
def test_every_setting_names_its_line(project: str, name: str) -> None:
    found, _ = application.settings_of(imported(BEFORE / project, name), BEFORE / project)
    assert found
    assert [one.key for one in found if not one.where] == []


def test_a_table_fits_its_terminal() -> None:
    accounts = [
        imports.Account(Path("uwsgi.ini"), 0, "(nothing)", "", "it is so"),
        imports.Account(Path("uwsgi.ini"), 12, "route = " + "^/a" * 20, "uwsgi.route", "one word " * 12),
    ]
    first, *rows = imports.table(accounts, width=80).splitlines()
    assert first == "uwsgi.ini:"
    assert rows[0].startswith("  12  route = ^/a^/a")
    assert rows[0].split("  ")[2].endswith("...")
    assert rows[-1].endswith("(nothing)                                 dropped: it is so")
    assert all(len(row) <= 80 for row in rows)
    assert imports.table([]) == ""


def test_what_was_said_first_stands() -> None:
    first = Imported(settings={"wsgi": "a:b", "exclude": ["/a"]}, warnings=("look",))
    second = Imported(settings={"wsgi": "c:d", "uwsgi": {"harakiri": 20}}, warnings=("look",))
    third = Imported(settings={"uwsgi": {"harakiri": 300, "listen": 5}, "exclude": ["/b"]})
    found = imports.merge([first, second, third])
    assert found.settings == {
        "wsgi": "a:b",
        "exclude": ["/a", "/b"],
        "uwsgi": {"harakiri": 20, "listen": 5},
    }
    assert found.warnings == ("look",)


@pytest.mark.parametrize(
    ("listens", "asks", "warned"),
    [
        ({"localhost:1": "uwsgi"}, {"localhost:1": "uwsgi"}, ""),
        ({"localhost:1": "uwsgi"}, {"localhost:1": "http"}, "invalid request block size"),
        ({"localhost:1": "http"}, {"localhost:1": "uwsgi"}, "502 in the browser"),
        (
            {"localhost:1": "uwsgi"},
            {"localhost:2": "uwsgi"},
            (
                "The site sends requests to localhost:2, but the app listens on localhost:1. Debonair "
                "connects its own site to its own app. Check that this site belongs to the app."
            ),
        ),
        ({"localhost:1": "uwsgi"}, {}, ""),
    ],
)
def test_a_site_and_an_app(listens: dict[str, str], asks: dict[str, str], warned: str) -> None:
    found = imports.merge([Imported(listens=listens), Imported(asks=asks)])
    assert bool(found.warnings) == bool(warned)
    assert warned in "".join(found.warnings)


@pytest.mark.parametrize(
    ("first", "second", "both"),
    [
        ("router_static", "gevent_python3", ["router_static", "gevent_python3"]),
        (["a", "b"], "b,c", ["a", "b", "c"]),
        ("a,b", "b", "a,b"),
        ("a", "a", "a"),
    ],
)
def test_plugins_of_several_files_add_up(first: Any, second: Any, both: Any) -> None:
    one = Imported(settings={"uwsgi": {"plugins": first, "threads": 2}})
    two = Imported(settings={"uwsgi": {"plugins": second, "threads": 8}})
    assert imports.merge([one, two]).settings == {"uwsgi": {"plugins": both, "threads": 2}}
    only = Imported(settings={"uwsgi": {"threads": 2}})
    assert imports.merge([only, two]).settings["uwsgi"]["plugins"] == second


def test_an_option_of_a_file_gets_its_plugin_beside_those_of_another(tmp_path: Path) -> None:
    (tmp_path / "a.ini").write_text("[uwsgi]\nplugins = python3,router_static\nroute = ^/a static:b\n")
    (tmp_path / "b.ini").write_text("[uwsgi]\nplugins = python3\ngevent = 10\npythonpath = lib\n")
    (tmp_path / "lib").mkdir()
    found = imports.merge(uwsgi.read(tmp_path / name, tmp_path) for name in ("a.ini", "b.ini"))
    assert found.settings["uwsgi"]["plugins"] == ["router_static", "gevent_python3"]
