from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from debonair.errors import ProjectError
from debonair.project import settings

FILE = Path("/nowhere/debonair.toml")
PYPROJECT = Path("/nowhere/pyproject.toml")


def read(text: str) -> settings.Settings:
    return settings.read(tomllib.loads(text), file=FILE, prefix="")


def refused(text: str, *, file: Path = FILE, prefix: str = "") -> ProjectError:
    with pytest.raises(ProjectError) as caught:
        settings.read(tomllib.loads(text), file=file, prefix=prefix)
    return caught.value


def test_nothing_given_is_the_defaults() -> None:
    found = read("")
    assert found.targets == ["trixie-arm64", "trixie-amd64"]
    assert found.uwsgi["buffer-size"] == 32768
    assert found.nginx.server_name == ""
    assert found.service.memory_max == ""
    assert not found.system_site_packages


def test_what_is_given_replaces_a_default() -> None:
    found = read(
        'targets = ["bookworm-armv7"]\nhealth = "/up"\nsystem-site-packages = true\ninclude = ["a"]'
    )
    assert found.targets == ["bookworm-armv7"]
    assert found.health == "/up"
    assert found.system_site_packages
    assert found.include == ["a"]


def test_what_is_built_from_source() -> None:
    found = read("")
    assert (found.sdists, found.build_depends) == ("pure", {})
    found = read('sdists = "allow"\n[build-depends]\ncffi = ["libffi-dev"]\nlxml = []')
    assert (found.sdists, found.build_depends) == ("allow", {"cffi": ["libffi-dev"], "lxml": []})


def test_excludes_are_added_to_the_default() -> None:
    assert read('exclude = ["/notes"]').exclude == [*settings.defaults()["exclude"], "/notes"]
    assert read("").exclude == settings.defaults()["exclude"]


def test_tables_are_added_key_by_key() -> None:
    found = read('[uwsgi]\nprocesses = 8\nenv = ["A=1", "B=2"]\n[nginx]\nclient-max-body-size = "1g"')
    assert (found.uwsgi["processes"], found.uwsgi["threads"]) == (8, 4)
    assert found.uwsgi["env"] == ["A=1", "B=2"]
    assert (found.nginx.client_max_body_size, found.nginx.server_name) == ("1g", "")


def test_reading_leaves_the_defaults_alone() -> None:
    before = repr(settings.defaults())
    read('exclude = ["x"]\n[uwsgi]\nx = 1\n[service.environment]\nA = "1"')
    assert repr(settings.defaults()) == before


@pytest.mark.parametrize(
    ("text", "wrong", "meant"),
    [
        ('helth = "/"', "helth", "health"),
        ("target = []", "target", "targets"),
        ('sdist = "allow"', "sdist", "sdists"),
        ("[build_depends]", "build_depends", "build-depends"),
        ("system_site_packages = true", "system_site_packages", "system-site-packages"),
        ('WSGI = "a:b"', "WSGI", ""),
        ('[nginx]\nservername = "x"', "nginx.servername", "nginx.server-name"),
        ("[nginx]\nlisten-on = []", "nginx.listen-on", "nginx.listen"),
        ('[service]\nmemory_max = "1G"', "service.memory_max", "service.memory-max"),
        ('[service]\nenviron = "1G"', "service.environ", "service.environment"),
        ("[services]", "services", "service"),
        ("[uwgsi]\nprocesses = 1", "uwgsi", "uwsgi"),
        ('server-name = "x"', "server-name", "nginx.server-name"),
        ('memory_max = "x"', "memory_max", "service.memory-max"),
        ("harakiri = 3", "harakiri", "uwsgi.harakiri"),
    ],
)
def test_an_unknown_key_is_refused_and_the_right_one_suggested(text: str, wrong: str, meant: str) -> None:
    error = refused(text)
    assert error.message == f"debonair.toml: there is no key '{wrong}'."
    if meant:
        assert error.hint == f"Did you mean '{meant}'?"
    else:
        assert "debonair schema" in error.hint


def test_keys_of_a_pyproject_have_their_prefix() -> None:
    error = refused('helth = "/"', file=PYPROJECT, prefix="tool.debonair")
    assert error.message == "pyproject.toml: there is no key 'tool.debonair.helth'."
    assert error.hint == "Did you mean 'tool.debonair.health'?"
    error = refused("health = 1", file=PYPROJECT, prefix="tool.debonair")
    assert error.message.startswith("pyproject.toml: 'tool.debonair.health' is wrong")


def test_static_and_environment_have_keys_of_the_users_own() -> None:
    found = read('[static]\n"/s/" = "x"\n[service.environment]\nHELTH = "1"')
    assert found.static == {"/s/": "x"}
    assert found.service.environment == {"HELTH": "1"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("version = 1.0", "'version' is wrong: expected a string, got a decimal number."),
        ("package = true", "'package' is wrong: expected a string, got true or false."),
        ("targets = []", "'targets' is wrong: expected a list of length >= 1."),
        ('targets = "trixie-arm64"', "'targets' is wrong: expected a list, got a string."),
        ("targets = [1]", "'targets[0]' is wrong: expected a string, got a number."),
        ('install = "sometimes"', "'install' is wrong: invalid enum value 'sometimes'."),
        (
            'system-site-packages = "yes"',
            "'system-site-packages' is wrong: expected true or false, got a string.",
        ),
        ('piwheels = "no"', "'piwheels' is wrong: expected true or false, got a string."),
        ('sdists = "deny"', "'sdists' is wrong: invalid enum value 'deny'."),
        ("sdists = true", "'sdists' is wrong: expected a string, got true or false."),
        ("build-depends = []", "'build-depends' is wrong: expected a table, got a list."),
        (
            '[build-depends]\ncffi = "libffi-dev"',
            "'build-depends[...]' is wrong: expected a list, got a string.",
        ),
        ("nginx = 1", "'nginx' is wrong: expected a table, got a number."),
        ("uwsgi = []", "'uwsgi' is wrong: expected a table, got a list."),
        ("[nginx]\nlisten = []", "'nginx.listen' is wrong: expected a list of length >= 1."),
        ("[service]\nmemory-max = 200", "'service.memory-max' is wrong: expected a string, got a number."),
        ('exclude = "x"', "'exclude' is wrong: expected a list, got a string."),
    ],
)
def test_a_wrong_type_is_said_in_the_words_of_toml(text: str, message: str) -> None:
    error = refused(text)
    assert error.message == f"debonair.toml: {message}"
    assert "debonair schema" in error.hint or ("a string, got" in message and "in quotes" in error.hint)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("version = 0.5", 'version = "0.5"'),
        ("version = 1.10  # next", 'version = "1.10"'),
        ("version = 2026-11-30", 'version = "2026-11-30"'),
        ("version = 2026-11-30T07:00:00Z", 'version = "2026-11-30T07:00:00Z"'),
        ("package = true", 'package = "true"'),
        ("targets = [1]", 'targets = ["1"]'),
        ("targets = ['a', 2]", 'targets = ["a", "2"]'),
        ("[service]\nmemory-max = 200", 'memory-max = "200"'),
        ("service.memory-max = 200", 'memory-max = "200"'),
        ('[service.environment]\nA = "x"\nDEBUG = 1', 'DEBUG = "1"'),
        ("[service]\nenvironment = { DEBUG = 1.50 }", 'DEBUG = "1.50"'),
        ("[static]\n'/s/' = 7", '"/s/" = "7"'),
        ("[timers.t]\ncommand = 'x'\ncalendar = 09:30:00", 'calendar = "09:30:00"'),
    ],
)
def test_a_string_without_quotes(text: str, hint: str, tmp_path: Path) -> None:
    (tmp_path / "debonair.toml").write_text(text)
    assert refused(text, file=tmp_path / "debonair.toml").hint == f"Write it in quotes: {hint}"


def test_another_table_has_the_same_key(tmp_path: Path) -> None:
    text = "[project]\nversion = 2.10\n[tool.debonair]\nversion = 1.20\n"
    (tmp_path / "pyproject.toml").write_text(text)
    table = tomllib.loads(text)["tool"]["debonair"]
    with pytest.raises(ProjectError) as caught:
        settings.read(table, file=tmp_path / "pyproject.toml", prefix="tool.debonair")
    assert caught.value.hint == 'Write it in quotes: version = "1.20"'


def test_a_wrong_value_of_uwsgi_names_the_option_table() -> None:
    assert "'uwsgi" in refused("[uwsgi]\nx = 1.5").message


class TestSchema:
    def validator(self) -> jsonschema.Draft202012Validator:
        schema = settings.schema()
        jsonschema.Draft202012Validator.check_schema(schema)
        return jsonschema.Draft202012Validator(schema)

    @pytest.mark.parametrize(
        "text",
        [
            "",
            'sdists = "allow"\n[build-depends]\ncffi = ["libffi-dev"]',
            'package = "x"\n[uwsgi]\nprocesses = 2\ndisable-logging = true',
            '[nginx]\nlisten = ["80"]',
        ],
    )
    def test_accepts_what_reading_accepts(self, text: str) -> None:
        read(text)
        self.validator().validate(tomllib.loads(text))

    @pytest.mark.parametrize(
        "text", ["helth = 1", "[nginx]\nx = 1", "health = 1", "targets = []", 'sdists = "all"']
    )
    def test_refuses_what_reading_refuses(self, text: str) -> None:
        refused(text)
        assert not self.validator().is_valid(tomllib.loads(text))

    def test_accepts_the_defaults_and_names_them(self) -> None:
        self.validator().validate(settings.defaults())
        tables: dict[str, Any] = settings.schema()["$defs"]
        assert tables["Settings"]["properties"]["health"]["default"] == "/"
        assert tables["Nginx"]["properties"]["listen"]["default"] == ["80", "[::]:80"]
        for name in ("Settings", "Nginx", "Service"):
            for key, value in tables[name]["properties"].items():
                assert "default" in value, key
                assert value.get("description") or "$ref" in str(value), key


@pytest.mark.parametrize(
    ("text", "threads"),
    [
        ("uwsgi.gevent = 100", None),
        ("uwsgi = {async = 5, harakiri = 9}", None),
        ("uwsgi = {asyncio = 5, threads = 1}", 1),
        ("uwsgi.harakiri = 9", 4),
    ],
)
def test_an_event_loop_has_no_threads_by_default(text: str, threads: int | None) -> None:
    assert read(text).uwsgi.get("threads") == threads
