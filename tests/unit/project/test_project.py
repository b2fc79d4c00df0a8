from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from debonair import project
from debonair.errors import ProjectError
from debonair.project.names import normalised

PROJECT = """\
[project]
name = "Guest_Book.App"
version = "1.4.2"
description = "A book to sign."
authors = [{ name = "Nameless" }, { name = "Ada Lovelace", email = "ada@example.org" }]
dependencies = ["flask>=3"]
requires-python = ">=3.11"
license = "MIT"
[project.urls]
Source = "https://example.org/source"
Homepage = "https://example.org/"
[tool.debonair]
wsgi = "guestbook:create_app()"
"""

BARE = """\
package = "hello-pi"
version = "1.0"
maintainer = "Ada <ada@example.org>"
description = "Says hello"
"""


def make(root: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def load(root: Path, **files: str) -> project.Project:
    """Load a project of ``files``; two underscores in their names are a slash, one is a dot."""
    return project.load(
        make(root, {name.replace("__", "/").replace("_", "."): files[name] for name in files})
    )


def refused(root: Path, **files: str) -> ProjectError:
    with pytest.raises(ProjectError) as caught:
        load(root, **files)
    return caught.value


def test_a_requirement_that_is_not_valid_names_the_file_that_has_it(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\ndependencies = ["flask =>2"]\n')
    with pytest.raises(ProjectError) as caught:
        project.load(tmp_path)
    assert caught.value.message.startswith("pyproject.toml: 'flask =>2' is not a valid requirement: Exp")
    assert caught.value.hint == "Did you mean 'flask >=2'?"
    (tmp_path / "debonair.toml").write_text("")
    (tmp_path / "pyproject.toml").unlink()
    (tmp_path / "Pipfile").write_text('[packages]\nflask = "=>2"\n')
    with pytest.raises(ProjectError, match=r"^Pipfile: 'flask=>2' is not a valid requirement: Expected"):
        project.load(tmp_path)


@pytest.mark.parametrize(
    ("text", "key", "hint"),
    [
        ("version = 0.5", "project.version", 'version = "0.5"'),
        ("version = 1.10", "project.version", 'version = "1.10"'),
        ("requires-python = 3.11", "project.requires-python", 'requires-python = "3.11"'),
        ("dependencies = [3]", "project.dependencies[0]", 'dependencies = ["3"]'),
        ("authors = [{ name = 7 }]", "project.authors[0].name", 'name = "7"'),
        ("urls = { a = true }", "project.urls[...]", 'a = "true"'),
    ],
)
def test_a_string_of_pyproject_without_quotes(text: str, key: str, hint: str, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(f"[project]\n{text}\n")
    with pytest.raises(ProjectError) as caught:
        project.load(tmp_path)
    assert caught.value.message.startswith(f"pyproject.toml: '{key}' is wrong: expected a string, got ")
    assert caught.value.hint == f"Write it in quotes: {hint}"


class TestPyproject:
    def test_everything_is_decided(self, tmp_path: Path) -> None:
        found = load(tmp_path, pyproject_toml=PROJECT)
        assert found.root == tmp_path
        assert found.config_file == tmp_path / "pyproject.toml"
        assert (found.package, found.name) == ("guest-book-app", "Guest_Book.App")
        assert (found.version, found.wsgi) == ("1.4.2", "guestbook:create_app()")
        assert found.maintainer == "Ada Lovelace <ada@example.org>"
        assert (found.description, found.long_description) == ("A book to sign", "A book to sign.")
        assert found.homepage == "https://example.org/"
        assert (found.license, found.license_text) == ("MIT", "")
        assert (found.requirements, found.requires_python) == (("flask>=3",), ">=3.11")
        assert found.install == "files"
        assert found.targets == ("trixie-arm64", "trixie-amd64")
        assert found.health == "/"

    def test_settings_go_before_the_project_table(self, tmp_path: Path) -> None:
        more = 'package = "gb"\nversion = "2.0"\nmaintainer = "B <b@c>"\ndescription = "Other"\n'
        found = load(tmp_path, pyproject_toml=PROJECT + more)
        assert (found.package, found.version, found.maintainer) == ("gb", "2.0", "B <b@c>")
        assert found.description == "Other"
        assert found.name == "Guest_Book.App"

    def test_how_releases_are_switched(self, tmp_path: Path) -> None:
        found = load(tmp_path, pyproject_toml=PROJECT)
        assert (found.health_timeout, found.migrate, found.migrate_timeout) == (30, "", 600)
        assert (found.keep_releases, found.sleep_after) == (3, 0)
        settings = (
            'health-timeout = 5\nmigrate = "flask db upgrade"\nmigrate-timeout = 6\nkeep-releases = 7\n'
            'sleep-after = "15min"\n'
        )
        found = load(tmp_path, pyproject_toml=PROJECT + settings)
        assert (found.health_timeout, found.migrate, found.migrate_timeout) == (5, "flask db upgrade", 6)
        assert (found.keep_releases, found.sleep_after) == (7, 900)

    @pytest.mark.parametrize(
        ("setting", "number"),
        [
            ("", {}),
            ('processes = "auto"', {}),
            ('workers = "auto"', {}),
            ("processes = 3", {"processes": 3}),
            ("p = 3", {"p": 3}),
        ],
    )
    def test_the_machine_decides_how_many_processes_unless_the_author_does(
        self, tmp_path: Path, setting: str, number: dict[str, int]
    ) -> None:
        found = load(tmp_path, pyproject_toml=f"{PROJECT}[tool.debonair.uwsgi]\n{setting}\n")
        assert found.uwsgi == {"threads": 4, "buffer-size": 32768, "harakiri": 60, **number}

    def test_requirements_of_the_settings_are_added(self, tmp_path: Path) -> None:
        settings = """requirements = ["standard-cgi; python_version >= '3.13'", "flask>=3"]\n"""
        found = load(tmp_path, pyproject_toml=PROJECT + settings)
        assert found.requirements == ("flask>=3", "standard-cgi; python_version >= '3.13'")
        assert found.further_requirements == ("standard-cgi; python_version >= '3.13'", "flask>=3")

    @pytest.mark.parametrize("wrong", ["../x", "a b c", "one\\ntwo"])
    def test_requirements_of_the_settings_are_checked(self, tmp_path: Path, wrong: str) -> None:
        with pytest.raises(ProjectError, match=r"pyproject\.toml: 'tool\.debonair\.requirements'"):
            load(tmp_path, pyproject_toml=f'{PROJECT}requirements = ["{wrong}"]\n')

    def test_what_is_built_from_source(self, tmp_path: Path) -> None:
        found = load(tmp_path, pyproject_toml=PROJECT)
        assert (found.sdists, found.build_depends, found.from_source) == ("pure", {}, ())
        settings = (
            'sdists = "allow"\n[tool.debonair.build-depends]\n"Ruamel.yaml_CLib" = ["gcc", "libyaml-dev"]\n'
        )
        found = load(tmp_path, pyproject_toml=PROJECT + settings)
        assert found.sdists == "allow"
        assert found.build_depends == {"ruamel-yaml-clib": ("gcc", "libyaml-dev")}
        assert found.from_source == (), "that is said on the command line"

    def test_maintainers_go_before_authors(self, tmp_path: Path) -> None:
        text = PROJECT.replace("authors", 'maintainers = [{ name = "M", email = "m@n" }]\nauthors')
        assert load(tmp_path, pyproject_toml=text).maintainer == "M <m@n>"

    def test_targets_are_named_once(self, tmp_path: Path) -> None:
        text = PROJECT + 'targets = ["b", "a", "b"]'
        assert load(tmp_path, pyproject_toml=text).targets == ("b", "a")

    def test_a_long_description_is_cut_for_the_synopsis(self, tmp_path: Path) -> None:
        found = load(tmp_path, pyproject_toml=PROJECT.replace("A book to sign.", "word " * 40))
        assert len(found.description) < 80
        assert found.long_description == "word " * 39 + "word"

    def test_commands_instead_of_wsgi(self, tmp_path: Path) -> None:
        text = PROJECT.replace('[tool.debonair]\nwsgi = "guestbook:create_app()"\n', "")
        found = load(tmp_path, pyproject_toml=text + '[project.scripts]\nsign = "guestbook.cli:main"\n')
        assert (found.wsgi, found.install) == ("", "wheel")
        assert found.scripts == {"sign": "guestbook.cli:main"}

    def test_app_py_is_not_guessed_at(self, tmp_path: Path) -> None:
        text = PROJECT.replace('wsgi = "guestbook:create_app()"\n', "")
        error = refused(tmp_path, pyproject_toml=text, app_py="app = 1")
        assert "neither a 'wsgi' callable nor commands" in error.message
        assert 'wsgi = "guest_book_app:app"' in error.hint

    def test_a_src_layout_is_seen(self, tmp_path: Path) -> None:
        assert load(tmp_path, pyproject_toml=PROJECT).import_root == ""
        (tmp_path / "src").mkdir()
        assert load(tmp_path).import_root == "src"


@pytest.mark.parametrize("name", ["a-b", "A_b", "a.B", "a-_.b"])
def test_names_of_python_packages_are_compared_in_one_form(name: str) -> None:
    assert normalised(name) == "a-b"


class TestBare:
    @pytest.mark.parametrize(
        ("files", "entry"),
        [
            ({"app_py": "app = 1"}, "app:app"),
            ({"app_py": "application = app = 1"}, "app:application"),
            ({"app_py": "app = 1", "wsgi_py": "from app import app as application"}, "wsgi:application"),
            ({"app_py": "def create_app():\n  pass"}, "app:create_app()"),
            ({"wsgi_py": "x = 1", "app_py": "app = 1"}, "app:app"),
        ],
    )
    def test_the_callable_is_guessed(self, files: dict[str, str], entry: str, tmp_path: Path) -> None:
        found = load(tmp_path, debonair_toml=BARE, **files)
        assert (found.wsgi, found.install) == (entry, "files")
        assert (found.package, found.name, found.requirements) == ("hello-pi", "hello-pi", ())

    def test_what_is_given_is_not_guessed(self, tmp_path: Path) -> None:
        found = load(tmp_path, debonair_toml=BARE + 'wsgi = "other:thing"', app_py="app = 1")
        assert found.wsgi == "other:thing"

    def test_requirements_in_goes_before_txt(self, tmp_path: Path) -> None:
        found = load(
            tmp_path,
            debonair_toml=BARE,
            app_py="app = 1",
            requirements_in="# ours\nflask >= 3  # web\n\nrequests[socks] \\\n  ; python_version > '3'\n",
            requirements_txt="flask==3.0 --hash=sha256:00",
        )
        assert found.requirements[0] == "flask >= 3"
        assert found.requirements[1].split() == ["requests[socks]", ";", "python_version", ">", "'3'"]

    def test_requirements_txt_of_plain_lines(self, tmp_path: Path) -> None:
        text = "flask\nx @ https://example.org/x.whl#sha256=00\n"
        found = load(tmp_path, debonair_toml=BARE, app_py="app = 1", requirements_txt=text)
        assert found.requirements == ("flask", "x @ https://example.org/x.whl#sha256=00")

    def test_requirements_txt_that_is_a_lock(self, tmp_path: Path) -> None:
        text = "flask==3.0 \\\n    --hash=sha256:00\n"
        found = load(tmp_path, debonair_toml=BARE, app_py="app = 1", requirements_txt=text)
        assert found.requirements == ()

    def test_an_option_of_pip_is_refused(self, tmp_path: Path) -> None:
        error = refused(
            tmp_path, debonair_toml=BARE, app_py="app = 1", requirements_txt="flask\n-r base.txt\n"
        )
        assert error.message.startswith("requirements.txt, line 2: '-r base.txt'")

    def test_requirements_that_are_no_text(self, tmp_path: Path) -> None:
        (tmp_path / "requirements.txt").write_bytes(b"\xff\x00")
        error = refused(tmp_path, debonair_toml=BARE, app_py="app = 1")
        assert "requirements.txt is not UTF-8" in error.message

    def test_beside_a_pyproject_that_says_nothing_of_debonair(self, tmp_path: Path) -> None:
        found = load(
            tmp_path,
            debonair_toml='wsgi = "g:a"\nhealth = "/up"',
            pyproject_toml=PROJECT.partition("[tool")[0],
        )
        assert (found.package, found.health, found.requirements) == ("guest-book-app", "/up", ("flask>=3",))
        assert found.config_file.name == "debonair.toml"


class TestRefusals:
    def test_no_folder(self, tmp_path: Path) -> None:
        with pytest.raises(ProjectError, match="There is no folder"):
            project.load(tmp_path / "none")

    def test_no_project(self, tmp_path: Path) -> None:
        error = refused(tmp_path, pyproject_toml="[tool.black]\n")
        assert f"There is no project in {tmp_path}" in error.message
        assert "debonair build DIR" in error.hint

    @pytest.mark.parametrize("name", ["app", "wsgi"])
    def test_an_app_without_a_debonair_toml(self, name: str, tmp_path: Path) -> None:
        error = refused(tmp_path, **{f"{name}_py": ""})
        assert f"has the file {name}.py" in error.message
        assert "debonair init" in error.hint

    def test_both_files(self, tmp_path: Path) -> None:
        error = refused(tmp_path, pyproject_toml=PROJECT, debonair_toml=BARE)
        assert "has both a debonair.toml and a [tool.debonair] in pyproject.toml." in error.message

    @pytest.mark.parametrize("name", ["pyproject_toml", "debonair_toml"])
    def test_broken_toml(self, name: str, tmp_path: Path) -> None:
        error = refused(tmp_path, **{name: "[project]\nname = guestbook\n"})
        assert name.replace("_", ".") in error.message
        assert "is not valid TOML" in error.message
        assert "line 2" in error.message

    def test_toml_that_is_not_utf_8(self, tmp_path: Path) -> None:
        (tmp_path / "pyproject.toml").write_bytes(b'[project]\nname = "\xe9"\n')
        assert "is not UTF-8 text" in refused(tmp_path).message

    def test_toml_that_may_not_be_read(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        make(tmp_path, {"pyproject.toml": PROJECT})

        def deny(*_: object) -> int:
            raise PermissionError(13, os.strerror(13))

        monkeypatch.setattr(os, "open", deny)
        assert "is not readable." in refused(tmp_path).message

    @pytest.mark.parametrize(
        ("old", "new", "key"),
        [
            ('name = "Guest_Book.App"\n', "", "package"),
            ('version = "1.4.2"\n', "", "version"),
            (', email = "ada@example.org"', "", "maintainer"),
            ('"A book to sign."', '" "', "description"),
        ],
    )
    def test_what_must_be_said(self, old: str, new: str, key: str, tmp_path: Path) -> None:
        error = refused(tmp_path, pyproject_toml=PROJECT.replace(old, new))
        assert error.message == f"pyproject.toml: '{key}' is missing."
        assert error.hint.startswith(f"Add to [tool.debonair] of pyproject.toml: {key} = ")

    def test_what_must_be_said_in_a_debonair_toml(self, tmp_path: Path) -> None:
        error = refused(tmp_path, debonair_toml=BARE.replace('version = "1.0"', ""), app_py="app = 1")
        assert error.hint == 'Add to the top level of debonair.toml: version = "1.0"'

    @pytest.mark.parametrize(
        ("more", "message"),
        [
            ('package = "Guest Book"', "'Guest Book' is not a valid name of a Debian package."),
            ('version = "first"', "'first' is not a valid Python version (PEP 440)."),
            ('maintainer = "ada@example.org"', "'maintainer' is 'ada@example.org'"),
            ('maintainer = "Ada <ada>"', "not a name and a mail address"),
            ('health = "up"', "'health' is 'up', which is not a path"),
            ('health = "/up; evil"', "which is not a path"),
            ('sleep-after = "soon"', "'sleep-after' is 'soon', which is not a duration"),
            ("health-timeout = 0", "health-timeout"),
            ("migrate-timeout = 0", "migrate-timeout"),
            ("keep-releases = 0", "keep-releases"),
            ('[tool.debonair.static]\n"static" = "."', "'static' has 'static', which is not a URL prefix"),
            ('[tool.debonair.static]\n"/" = "."', "'static' has '/', which is not a URL prefix"),
            ('[tool.debonair.static]\n"/a b/" = "."', "which is not a URL prefix"),
            ('[tool.debonair.static]\n"/a//b/" = "."', "which is not a URL prefix"),
            (
                '[tool.debonair.static]\n"/s/" = "none"',
                "names the folder 'none', which is not in the project",
            ),
            (
                '[tool.debonair.static]\n"/s/" = "../"',
                "names the folder '../', which is not in the project",
            ),
            ('[tool.debonair.static]\n"/s/" = "pyproject.toml"', "which is not in the project"),
            (
                'install = "wheel"\ncollect = "make"',
                "collect' writes files beside the app's, but here those come from a wheel.",
            ),
            (
                'collect = "make"\n[tool.debonair.static]\n"/s/" = "../none"',
                "names the folder '../none', which is not in the project",
            ),
        ],
    )
    def test_values_that_cannot_be(self, more: str, message: str, tmp_path: Path) -> None:
        error = refused(tmp_path, pyproject_toml=PROJECT + more)
        assert error.message.startswith("pyproject.toml:")
        assert message in error.message
        assert error.hint

    def test_a_folder_that_a_command_will_make(self, tmp_path: Path) -> None:
        more = 'collect = "make"\n[tool.debonair.static]\n"/s/" = "none"'
        assert load(tmp_path, pyproject_toml=PROJECT + more).static == {"/s/": "none"}

    @pytest.mark.parametrize(
        "entry", ["guestbook", "guestbook:", ":app", "a:b:c", "a-b:c", "a:b(1)", "a:b.c", "1a:b"]
    )
    def test_names_that_cannot_be_a_callable(self, entry: str, tmp_path: Path) -> None:
        error = refused(tmp_path, pyproject_toml=PROJECT.replace("guestbook:create_app()", entry))
        assert f"'tool.debonair.wsgi' is '{entry}'" in error.message

    @pytest.mark.parametrize(
        ("text", "key"),
        [
            ("project = 1", "project"),
            ("tool = []\n[project]", "tool"),
            ("[project]\nname = 1", "project.name"),
            ("[project]\nversion = 1.0", "project.version"),
            ('[project]\nauthors = ["Ada"]', "project.authors[0]"),
            ('[project]\ndependencies = "flask"', "project.dependencies"),
            ("[project]\nurls = []", "project.urls"),
            ("[project]\n[tool]\ndebonair = 1", "tool.debonair"),
            ("[project]\n[tool.setuptools]\ndynamic = 1", "tool.setuptools.dynamic"),
        ],
    )
    def test_a_table_of_a_wrong_type(self, text: str, key: str, tmp_path: Path) -> None:
        error = refused(tmp_path, pyproject_toml=text)
        assert error.message.startswith(f"pyproject.toml: '{key}' is wrong: expected ")
        assert "`" not in error.message

    def test_what_is_not_read_may_be_anything(self, tmp_path: Path) -> None:
        more = '[tool]\nother = [1, "a"]\n'
        load(tmp_path, pyproject_toml=PROJECT.replace("[tool.debonair]", f"{more}[tool.debonair]"))


class TestLicense:
    @pytest.mark.parametrize(
        ("declared", "name"),
        [
            ('license = { file = "COPYRIGHT" }', "COPYRIGHT"),
            ('license-files = ["NONE", "legal/MIT.txt"]', "legal/MIT.txt"),
            ('license-files = ["NONE*", "legal/[LM]I*.txt"]', "legal/MIT.txt"),
            ('license-files = ["**/MI?.txt"]', "legal/MIT.txt"),
            ('license-files = ["/etc/host*", "../*/*", "", "[", "a**b"]', "LICENSE"),
            ('license = { text = "MIT" }', "LICENSE"),
            ("", "COPYING"),
            ("", "LICENSE.md"),
        ],
    )
    def test_its_text_is_found(self, declared: str, name: str, tmp_path: Path) -> None:
        make(tmp_path, {name: "You may."})
        found = load(tmp_path, pyproject_toml=PROJECT.replace('license = "MIT"', declared))
        assert (found.license, found.license_text) == ("", "You may.")


class TestDynamic:
    TEXT = PROJECT.replace('version = "1.4.2"\n', "") + "[tool.setuptools.dynamic]\n"

    @pytest.mark.parametrize(
        ("place", "attr"),
        [("book.py", "book.VERSION"), ("src/a/b/__init__.py", "a.b.VERSION"), ("a/b.py", "a.b.VERSION")],
    )
    def test_the_version_of_an_attribute(self, place: str, attr: str, tmp_path: Path) -> None:
        make(tmp_path, {place: "import os\nVERSION: str = '3.1'\nraise SystemExit\n"})
        found = load(tmp_path, pyproject_toml=f'{self.TEXT}version = {{ attr = "{attr}" }}')
        assert found.version == "3.1"

    @pytest.mark.parametrize(
        ("tables", "place", "text"),
        [
            ('[tool.setuptools.dynamic]\nversion = { file = "VERSION" }', "VERSION", "v3.1\n"),
            ('[tool.setuptools.dynamic]\nversion = { file = ["VERSION"] }', "VERSION", "3.1"),
            ('[tool.pdm.version]\nsource = "file"\npath = "a/b.py"', "a/b.py", "__version__ = '3.1'\n"),
            ('[tool.hatch.version]\npath = "a.py"', "a.py", "x = 1\n__version__: str = 'v3.1'\n"),
            ('[tool.hatch.version]\npath = "VERSION"', "VERSION", "3.1\n"),
            (
                '[build-system]\nbuild-backend = "flit_core.buildapi"',
                "src/Guest_Book/App.py",
                "__version__ = '3.1'\n",
            ),
            (
                '[build-system]\nbuild-backend = "flit_core.buildapi"\n[tool.flit.module]\nname = "b"',
                "b.py",
                "__version__ = '3.1'\n",
            ),
            ('[tool.poetry]\nversion = "3.1"', "a.py", ""),
        ],
    )
    def test_the_version_that_a_backend_reads(
        self, tables: str, place: str, text: str, tmp_path: Path
    ) -> None:
        make(tmp_path, {place: text})
        pyproject = PROJECT.replace('version = "1.4.2"\n', 'dynamic = ["version"]\n') + tables
        assert load(tmp_path, pyproject_toml=pyproject).version == "3.1"

    @pytest.mark.parametrize(
        ("tables", "tool"),
        [
            ('[tool.pdm.version]\nsource = "scm"', "pdm"),
            ('[tool.hatch.version]\nsource = "vcs"', "hatch-vcs"),
            ('[build-system]\nrequires = ["setuptools", "setuptools_scm[toml]>=8"]', "setuptools_scm"),
            ("[tool.setuptools_scm]\nversion_scheme = 'x'", "setuptools_scm"),
            (
                '[tool.poetry]\nversion = "1.0"\n[tool.poetry-dynamic-versioning]\nenable = true',
                "poetry-dynamic-versioning",
            ),
        ],
    )
    def test_a_version_of_git(self, tables: str, tool: str, tmp_path: Path) -> None:
        pyproject = PROJECT.replace('version = "1.4.2"\n', 'dynamic = ["version"]\n') + tables
        error = refused(tmp_path, pyproject_toml=pyproject)
        assert f"'version' is missing. {tool} takes it from git's tags" in error.message
        assert 'version = "1.0"' in error.hint

    @pytest.mark.parametrize(
        "tables", ["pdm = { version = 1 }", "hatch = { version = { path = 1 } }", "flit = 1"]
    )
    def test_a_table_of_another_type(self, tables: str, tmp_path: Path) -> None:
        pyproject = PROJECT.replace('version = "1.4.2"\n', "") + f"[tool]\n{tables}"
        pyproject = pyproject.replace("[tool.debonair]\n", "").replace(
            'wsgi = "guestbook:create_app()"\n', ""
        )
        (tmp_path / "debonair.toml").write_text('wsgi = "guestbook:app"\n')
        assert "'version' is missing" in refused(tmp_path, pyproject_toml=pyproject).message

    @pytest.mark.parametrize(
        "line", ['version = { attr = "book.OTHER" }', 'version = { file = "VERSION" }', ""]
    )
    def test_a_version_that_cannot_be_read(self, line: str, tmp_path: Path) -> None:
        error = refused(tmp_path, book_py="VERSION = '3.1'\n", pyproject_toml=self.TEXT + line)
        assert error.message == "pyproject.toml: 'version' is missing."

    DEPENDENCIES = PROJECT.replace('dependencies = ["flask>=3"]', 'dynamic = ["dependencies"]')

    @pytest.mark.parametrize("value", ['"requirements.in"', '["requirements.in"]'])
    def test_dependencies_of_a_file(self, value: str, tmp_path: Path) -> None:
        text = f"{self.DEPENDENCIES}[tool.setuptools.dynamic]\ndependencies = {{ file = {value} }}"
        found = load(tmp_path, pyproject_toml=text, requirements_in="flask\n")
        assert found.requirements == ("flask",)

    def test_dependencies_of_a_file_that_is_not_there(self, tmp_path: Path) -> None:
        text = self.DEPENDENCIES + '[tool.setuptools.dynamic]\ndependencies = { file = "none.txt" }'
        error = refused(tmp_path, pyproject_toml=text)
        assert error.message == "pyproject.toml names the file none.txt, which does not exist."

    def test_dependencies_of_nowhere(self, tmp_path: Path) -> None:
        assert (
            "[project].dependencies is dynamic"
            in refused(tmp_path, pyproject_toml=self.DEPENDENCIES).message
        )


def test_what_lies_in_debian(tmp_path: Path) -> None:
    (tmp_path / "debian").mkdir()
    (tmp_path / "debian/copyright").write_text("As we say.\n")
    (tmp_path / "debian/book.1").write_text(".TH BOOK 1\n")
    found = load(tmp_path, pyproject_toml=PROJECT)
    assert (found.copyright, found.manuals) == ("As we say.\n", {"book.1": ".TH BOOK 1\n"})
