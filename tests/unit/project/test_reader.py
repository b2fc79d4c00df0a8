"""What is read of a file that anybody may have written, by each that reads one."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from debonair import project
from debonair.errors import ProjectError
from debonair.init.imports import dockerfile, heroku, nginx, uwsgi
from debonair.project import globs, legacy_metadata, reader, requirements_file, setup_py, syntax

Read = Callable[[Path, Path], object]

READERS: dict[str, Read] = {
    "pyproject.toml": lambda _, root: project.load(root),
    "debonair.toml": lambda _, root: project.load(root),
    "Pipfile": legacy_metadata.pipfile,
    "setup.cfg": lambda _, root: legacy_metadata.project(root, {}),
    "setup.py": lambda _, root: legacy_metadata.project(root, {}),
    "requirements.txt": requirements_file.read,
    "Procfile": heroku.procfile,
    "app.json": heroku.app_json,
    "runtime.txt": heroku.runtime,
    "Dockerfile": dockerfile.read,
    "uwsgi.ini": uwsgi.read,
    "uwsgi.yaml": uwsgi.read,
    "uwsgi.json": uwsgi.read,
    "uwsgi.xml": uwsgi.read,
    "nginx.conf": nginx.read,
}
BYTES = {
    "latin-1": "# caf\u00e9\n".encode("latin-1"),
    "UTF-16": "web: caf\u00e9\n".encode("utf-16"),
    "UTF-16 without a mark": "web: x\n".encode("utf-16-le"),
    "UTF-32": "web: x\n".encode("utf-32"),
    "a mark": b"\xef\xbb\xbf",
    "zeros": b"a\0b = c\n",
    "nothing": b"",
    "control characters": b"\x1b[2J\x07 \x0b\x0c\x1c\x85\n",
    "compressed": bytes(range(256)),
    "surrogates": b"\xed\xa0\x80",
    "brackets": b"[" * 60_000,
    "braces": b"{" * 60_000,
    "braces of JSON": b'{"a":' * 30_000,
    "tags": b"<uwsgi>" * 30_000,
    "dots": b"[" + b"a." * 100_000 + b"a]\n",
    "digits": b"a = " + b"9" * 10_000 + b"\n",
    "digits of JSON": b'{"uwsgi": {"a": ' + b"9" * 10_000 + b'}, "env": ' + b"9" * 10_000 + b"}",
    "dashes": b"- " * 30_000,
    "minus": b"a = " + b"-" * 60_000 + b"1\n",
    "a list of YAML": b"uwsgi: [1, 2]\n",
    "a text of YAML": b"uwsgi: x\n",
    "keys of YAML": b"? [a, b]\n: {[c]: d}\n",
    "two of YAML": b"uwsgi:\n  a: b\n---\nc\n",
    "tags of YAML": b"uwsgi: !!python/object/apply:os.system [x]\n",
    "lists of JSON": b'[{"uwsgi": 1}]',
    "null": b'{"uwsgi": {"a": null}, "env": {"A": null, "B": {"value": 3}}, "description": 3}',
    "half a character of JSON": b'{"uwsgi": {"a": "\\ud800"}, "env": {"A": "\\ud800"}}',
}


def passes(read: Read, path: Path, root: Path) -> None:
    """See that a reader has a result, or an error for the author."""
    with suppress(ProjectError):  # any other exception is a traceback for the author
        read(path, root)


@pytest.mark.parametrize("content", BYTES)
@pytest.mark.parametrize("name", READERS)
def test_bytes_that_are_no_such_file(name: str, content: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(BYTES[content])
    passes(READERS[name], path, tmp_path)


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _socket(path: Path) -> None:
    os.mknod(path, 0o600 | 0o140000)


@pytest.mark.parametrize(
    "make",
    [
        Path.mkdir,
        _fifo,
        _socket,
        lambda path: path.symlink_to("/dev/zero"),
        lambda path: path.symlink_to("/dev/null"),
        lambda path: path.symlink_to(path.name),
        lambda path: path.symlink_to("nowhere"),
        lambda path: path.symlink_to("/proc/self/environ"),
    ],
)
@pytest.mark.parametrize("name", READERS)
def test_what_is_no_file(name: str, make: Callable[[Path], None], tmp_path: Path) -> None:
    make(tmp_path / name)
    passes(READERS[name], tmp_path / name, tmp_path)


@pytest.mark.parametrize("name", READERS)
def test_a_file_of_gigabytes(name: str, tmp_path: Path) -> None:
    (tmp_path / name).touch()
    os.truncate(tmp_path / name, 1 << 34)
    passes(READERS[name], tmp_path / name, tmp_path)


class TestData:
    def test_what_is_there(self, tmp_path: Path) -> None:
        (tmp_path / "a").write_bytes(b"x" * 10)
        assert reader.data(tmp_path / "a", tmp_path, most=10) == b"x" * 10

    def test_what_is_larger(self, tmp_path: Path) -> None:
        (tmp_path / "a").write_bytes(b"x" * 2049)
        with pytest.raises(ProjectError, match="a is larger than 2 KiB"):
            reader.data(tmp_path / "a", most=2048)

    def test_the_name_in_the_error(self, tmp_path: Path) -> None:
        (tmp_path / "a").mkdir()
        with pytest.raises(ProjectError) as caught:
            reader.data(tmp_path / "a", tmp_path, shown="x/a")
        assert caught.value.message == "x/a is not a regular file."

    @pytest.mark.parametrize("name", ["x" * 300, "a/" * 3000, "a\0b"])
    def test_names_that_no_file_has(self, name: str, tmp_path: Path) -> None:
        assert not reader.is_file(tmp_path / name)
        assert not reader.is_folder(tmp_path / name)
        assert reader.head(tmp_path / name, tmp_path) == ""
        with pytest.raises(ProjectError):
            reader.data(tmp_path / name, tmp_path)

    def test_a_link_inside(self, tmp_path: Path) -> None:
        (tmp_path / "a").write_text("x")
        (tmp_path / "b").symlink_to("a")
        assert reader.text(tmp_path / "b", tmp_path) == "x"

    def test_a_link_that_leads_out(self, tmp_path: Path) -> None:
        root = tmp_path / "root"
        root.mkdir()
        (tmp_path / "a").write_text("x")
        (root / "b").symlink_to("../a")
        with pytest.raises(ProjectError, match=f"b leads out of the project, to {tmp_path}/a"):
            reader.data(root / "b", root)
        assert reader.head(root / "b", root) == ""

    def test_a_project_that_is_linked_to(self, tmp_path: Path) -> None:
        (tmp_path / "root").mkdir()
        (tmp_path / "root/a").write_text("x")
        (tmp_path / "link").symlink_to("root")
        assert reader.text(tmp_path / "link/a", tmp_path / "link") == "x"

    def test_where_it_is_no_text(self, tmp_path: Path) -> None:
        (tmp_path / "a").write_bytes(b"x\n\xe9\n")
        with pytest.raises(ProjectError, match=r"is not UTF-8 text: see line 2\."):
            reader.text(tmp_path / "a")
        (tmp_path / "a").write_bytes(b"x\ny\n\0")
        with pytest.raises(ProjectError, match=r"has a zero byte in line 3\."):
            reader.text(tmp_path / "a")


@pytest.mark.parametrize("char", "\n\r\v\f\x1c\x85\u2028\u2029")
def test_what_breaks_a_line(char: str) -> None:
    assert reader.unfit(f"a{char}b") == "has a line break"


@pytest.mark.parametrize("char", "\0\x1b\x7f\x9b\ud800")
def test_what_is_no_character_for_a_setting(char: str) -> None:
    assert reader.unfit(f"a{char}b") == "has a control character"


def test_what_is_too_long_for_a_setting() -> None:
    assert reader.unfit("a" * 4096) == ""
    assert reader.unfit("a" * 4097) == "is longer than 4096 characters"


def test_folders_in_folders(tmp_path: Path) -> None:
    deep = tmp_path / ("a/" * 70)
    deep.mkdir(parents=True)
    (tmp_path / "a/link").symlink_to(tmp_path)
    found = list(reader.below(tmp_path))
    assert len(found) == 65
    assert found[1][2] == ["link"]
    assert list(reader.below(tmp_path / "nowhere")) == []


class TestSyntax:
    @pytest.mark.parametrize(
        "text",
        [
            "-" * 5000 + "1", "(" * 300, "a" + ".b" * 5000, "1" + "+1" * 100_000, "lambda:" * 5000 + "1",
            "a" + ".b" * 200, "x\0", "def f(:", "a " + "**a" * 5000, b"\xff\xfe", b"# coding: nothing\n",
        ],
    )  # fmt: skip
    def test_what_cannot_be_read(self, text: str | bytes) -> None:
        with pytest.raises(SyntaxError):
            syntax.parse(text, "x.py")

    def test_many_branches_are_not_deep(self) -> None:
        text = "if x:\n pass\n" + "elif x:\n pass\n" * 200
        assert len(syntax.parse(text, "x.py").body) == 1


class TestSetupPy:
    def read(self, text: str, root: Path) -> dict[str, object]:
        (root / "setup.py").write_text(text)
        return setup_py.read(root / "setup.py", root)

    def test_values_are_added(self, tmp_path: Path) -> None:
        text = "a = ['x']\nb = a + ['y']\nsetup(name='n' + 'm', install_requires=b, z=f(), extra={'e': b})"
        found = self.read(text, tmp_path)
        assert found == {
            "name": "nm",
            "install_requires": ["x", "y"],
            "z": None,
            "extra": {"e": ["x", "y"]},
        }

    def test_what_grows_is_given_up(self, tmp_path: Path) -> None:
        text = "a = 'xxxxxxxx'\n" + "a = a + a\n" * 40 + "setup(name='n', version=a)"
        assert self.read(text, tmp_path)["version"] is None

    @pytest.mark.parametrize("needs", ["3", "{'a': 'b'}", "[['a']]", "[3]", "(1, 'a')", "f()"])
    def test_requirements_of_no_type(self, needs: str, tmp_path: Path) -> None:
        (tmp_path / "setup.py").write_text(f"setup(name='n', install_requires={needs})")
        assert legacy_metadata.project(tmp_path, {})[0]["dynamic"] == ["dependencies"]

    @pytest.mark.parametrize(
        "points", ["3", "'x'", "{'console_scripts': 3}", "{'console_scripts': 'a=b:c'}"]
    )
    def test_entry_points_of_no_type(self, points: str, tmp_path: Path) -> None:
        (tmp_path / "setup.py").write_text(f"setup(name='n', entry_points={points})")
        assert set(legacy_metadata.project(tmp_path, {})[0]["scripts"]) <= {"a"}

    @pytest.mark.parametrize("name", ["..", ".", "/", "../x", "a\\0b", "a" * 5000])
    def test_names_that_are_none(self, name: str, tmp_path: Path) -> None:
        (tmp_path / "setup.py").write_text(f"setup(name='{name}')")
        assert "version" not in legacy_metadata.project(tmp_path, {})[0]


class TestGlobs:
    @pytest.mark.parametrize(
        ("pattern", "found"),
        [
            ("LICENSE", ["LICENSE"]),
            ("LICEN[CS]E*", ["LICENCE.txt", "LICENSE"]),
            ("*/a.txt", ["x/a.txt"]),
            ("x/**/*.txt", ["x/a.txt", "x/y/b.txt"]),
            ("**/b.txt", ["x/y/b.txt"]),
            ("x/**", ["x/a.txt", "x/y/b.txt"]),
            ("?ICENSE", ["LICENSE"]),
            ("nothing/*", []),
            ("../*", []),
            ("/etc/*", []),
        ],
    )
    def test_what_they_name(self, pattern: str, found: list[str], tmp_path: Path) -> None:
        (tmp_path / "x/y").mkdir(parents=True)
        for name in ("LICENSE", "LICENCE.txt", "x/a.txt", "x/y/b.txt"):
            (tmp_path / name).touch()
        os.mkfifo(tmp_path / "LICENCE.fifo")
        assert globs.files(tmp_path, pattern) == found

    def test_a_licence_by_a_pattern(self, tmp_path: Path) -> None:
        (tmp_path / "licences").mkdir()
        (tmp_path / "licences/MIT.txt").write_text("Do what you like.")
        (tmp_path / "pyproject.toml").write_text(
            '[project]\nname = "book"\nversion = "1"\ndescription = "x"\nlicense-files = ["licences/*"]\n'
            'authors = [{name = "A", email = "a@example.org"}]\n[project.scripts]\nbook = "book:main"\n'
        )
        assert project.load(tmp_path).license_text == "Do what you like."


def test_manual_pages_in_another_encoding(tmp_path: Path) -> None:
    (tmp_path / "debian").mkdir()
    (tmp_path / "debian/x.1").write_bytes(b".TH X 1\ncaf\xe9\n")
    (tmp_path / "debonair.toml").write_text(
        'package = "book"\nversion = "1"\ndescription = "x"\nmaintainer = "A <a@b.c>"\nwsgi = "a:b"\n'
    )
    with pytest.raises(ProjectError, match=r"debian/x\.1 is not UTF-8 text: see line 2\."):
        project.load(tmp_path)


@pytest.mark.parametrize(
    "text",
    ['[build-system]\nrequires = "x"\n', "[build-system]\nbuild-backend = 3\n", "build-system = 3\n",
     "[tool.setuptools.dynamic]\nversion = 3\n", "[tool]\npoetry = 3\n", "tool = 3\n", "project = 3\n",
     "[project]\nscripts = 3\n", "[project]\nlicense-files = 3\n", "[project]\nurls = [3]\n"],
)  # fmt: skip
def test_wrong_types_in_a_pyproject(text: str, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(ProjectError, match=r"pyproject\.toml: '.*' is wrong: expected"):
        project.load(tmp_path)
