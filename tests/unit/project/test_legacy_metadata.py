from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from debonair import project
from debonair.errors import ProjectError
from debonair.project import legacy_metadata


def poetry(text: str) -> dict[str, Any]:
    found, source = legacy_metadata.project(Path("/nowhere"), {"tool": {"poetry": tomllib.loads(text)}})
    assert source == "pyproject.toml"
    return found


def written(root: Path, **files: str) -> tuple[dict[str, Any], str]:
    for name, text in files.items():
        path = root / name.replace("__", "/").replace("_", ".", 1).replace("/init.", "/__init__.")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return legacy_metadata.project(root, {})


class TestPoetry:
    def test_metadata(self) -> None:
        found = poetry(
            'name = "poem"\nversion = "2.1"\ndescription = "A poem"\nlicense = "MIT"\n'
            'homepage = "https://example.org"\nauthors = ["Ada <ada@example.org>", "nobody"]\n'
            '[scripts]\npoem = "poem:main"\nother = { callable = "x" }\n[dependencies]\npython = "^3.8"\n'
        )
        assert found == {
            "name": "poem",
            "version": "2.1",
            "description": "A poem",
            "license": "MIT",
            "scripts": {"poem": "poem:main"},
            "authors": [{"name": "Ada", "email": "ada@example.org"}],
            "urls": {"homepage": "https://example.org"},
            "requires-python": ">=3.8,<4",
            "dependencies": [],
            "notes": [],
        }

    @pytest.mark.parametrize(
        ("value", "requirement"),
        [
            ('"*"', "x"),
            ('"^1.2.3"', "x>=1.2.3,<2"),
            ('"^0.2.3"', "x>=0.2.3,<0.3"),
            ('"^0.0.3"', "x>=0.0.3,<0.0.4"),
            ('"^0"', "x>=0,<1"),
            ('"~1.2.3"', "x>=1.2.3,<1.3"),
            ('"~1"', "x>=1,<2"),
            ('"~=1.2"', "x~=1.2"),
            ('"1.2"', "x==1.2"),
            ('"1.*"', "x==1.*"),
            ('">=1, <2"', "x>=1,<2"),
            ('">= 1 < 2"', "x>=1,<2"),
            ('"^1.2 || ^2.0"', "x>=1.2,<3"),
            ('"^2|^1"', "x>=1,<3"),
            ('"^1 || >=4.1,<5 || 3.*"', "x>=1,<5,!=2.*,!=4.0.*"),
            ('">=1,<2.3 || >=2.5"', "x>=1,!=2.3.*,!=2.4.*"),
            ('"^1 || *"', "x"),
            ('"~2.7 || ^3.6"', "x>=3.6,<4"),
            ('"1.2 || !=1.4"', "x!=1.4"),
            ('{ version = "^2", extras = ["b", "c"] }', "x[b,c]>=2,<3"),
            ('{ version = "1", markers = "os_name == \'nt\'" }', "x==1 ; os_name == 'nt'"),
            (
                '{ version = "1", python = ">=3.9,<4" }',
                "x==1 ; python_version >= '3.9' and python_version < '4'",
            ),
            ('{ version = "1", platform = "win32" }', "x==1 ; sys_platform == 'win32'"),
            (
                '{ version = "1", python = "^3.9", platform = "linux || !=darwin" }',
                (
                    "x==1 ; python_version >= '3.9' and python_version < '4' and "
                    "(sys_platform == 'linux' or sys_platform != 'darwin')"
                ),
            ),
            ('{ git = "https://e.org/x.git", tag = "v1" }', "x @ git+https://e.org/x.git@v1"),
            (
                '{ git = "git@e.org:a/x.git", subdirectory = "py/x", rev = "v1" }',
                "x @ git+ssh://git@e.org/a/x.git@v1#subdirectory=py/x",
            ),
            ('{ url = "https://e.org/x.whl" }', "x @ https://e.org/x.whl"),
        ],
    )
    def test_requirements(self, value: str, requirement: str) -> None:
        assert poetry(f"[dependencies]\nx = {value}\n")["dependencies"] == [requirement]

    def test_what_is_left_out_and_what_is_several(self) -> None:
        found = poetry(
            '[dependencies]\na = { version = "1", optional = true }\n'
            'b = [{ version = "1", python = "<3.9" }, { version = "2", python = ">=3.9" }]\n'
        )
        assert found["dependencies"] == ["b==1 ; python_version < '3.9'", "b==2 ; python_version >= '3.9'"]

    @pytest.mark.parametrize(
        ("text", "start"),
        [
            (
                (
                    '[dependencies]\nsix = { version = "*", source = "acme" }\n'
                    '[[source]]\nname = "acme"\nurl = "https://wheels.example/simple"\n'
                    'priority = "explicit"\n'
                ),
                "pyproject.toml: six is on the package index acme (https://wheels.example/simple), ",
            ),
            (
                '[dependencies]\nsix = "*"\n[[source]]\nname = "acme"\nurl = "https://wheels.example"\n',
                "pyproject.toml: [[tool.poetry.source]] acme is the package index acme",
            ),
        ],
    )
    def test_a_private_index(self, text: str, start: str) -> None:
        with pytest.raises(ProjectError) as caught:
            poetry(text)
        assert caught.value.message.startswith(start)

    def test_an_index_for_other_packages(self) -> None:
        found = poetry(
            '[dependencies]\nsix = { version = "*", source = "pypi" }\n[[source]]\nname = "PyPI"\n'
            '[[source]]\nname = "acme"\nurl = "https://wheels.example"\npriority = "supplemental"\n'
        )
        assert found["dependencies"] == ["six"]

    def test_a_folder_is_refused(self) -> None:
        with pytest.raises(ProjectError, match="x is a folder or file on this machine"):
            poetry('[dependencies]\nx = { path = "../x" }\n')

    def test_it_is_a_project(self, tmp_path: Path) -> None:
        (tmp_path / "pyproject.toml").write_text(
            '[tool.poetry]\nname = "poem"\nversion = "1"\ndescription = "A poem"\nauthors = ["A <a@b.c>"]\n'
            '[tool.poetry.dependencies]\npython = "^3.8"\nflask = "^3"\n'
        )
        (tmp_path / "debonair.toml").write_text('wsgi = "poem:app"\n')
        found = project.load(tmp_path)
        assert (found.package, found.version, found.maintainer) == ("poem", "1", "A <a@b.c>")
        assert found.requirements == ("flask>=3,<4",)

    def test_a_wrong_type(self, tmp_path: Path) -> None:
        (tmp_path / "pyproject.toml").write_text("[tool.poetry]\nname = 1\n")
        with pytest.raises(ProjectError, match=r"'tool\.poetry\.name' is wrong: expected a string"):
            project.load(tmp_path)


class TestPipfile:
    @pytest.mark.parametrize("path", [".", "./", "././"])
    def test_the_project_itself_brings_its_requirements(self, path: str, tmp_path: Path) -> None:
        (tmp_path / "setup.py").write_text(
            "from setuptools import setup\nsetup(name='me', install_requires=['flask', 'redis'])\n"
        )
        (tmp_path / "Pipfile").write_text(f'[packages]\nflask = "*"\nme = {{ path = "{path}" }}\n')
        (tmp_path / "debonair.toml").write_text(
            'version = "1"\nmaintainer = "A <a@example.org>"\ndescription = "x"\nwsgi = "app:app"\n'
        )
        found = project.load(tmp_path)
        assert found.requirements == ("flask", "redis")
        (tmp_path / "Pipfile").write_text('[packages]\nflask = "*"\n')
        assert project.load(tmp_path).requirements == ("flask",)

    def test_packages(self, tmp_path: Path) -> None:
        path = tmp_path / "Pipfile"
        path.write_text(
            '[packages]\nflask = "*"\nx = { version = ">=2", extras = ["y"] }\n'
            'me = { path = ".", editable = true }\n'
            '[dev-packages]\npytest = "*"\n'
        )
        assert legacy_metadata.pipfile(path, tmp_path).requirements == ("flask", "x[y]>=2")
        path.write_text("[packages\n")
        with pytest.raises(ProjectError, match="not valid TOML"):
            legacy_metadata.pipfile(path, tmp_path)

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("packages = 3", "Pipfile: 'packages' is wrong: expected a table, got a number."),
            ("packages.flask = 3", "Pipfile: 'packages"),
            ("[[source]]\nname = 3", "Pipfile: 'source[0].name' is wrong"),
            ('packages.flask = ["x"]', "Pipfile: 'packages"),
            (
                "packages.flask.version = 3",
                "Pipfile, line 1: flask: 'version' is 3, which has the wrong type.",
            ),
            (
                'packages.flask.extras = "x"',
                "Pipfile, line 1: flask: 'extras' is 'x', which has the wrong type.",
            ),
            ("packages.flask.sys_platform = 1", "Pipfile, line 1: flask: 'sys_platform' is 1"),
            (
                "packages.flask.extras = [1]",
                "Pipfile, line 1: flask: 'extras' is [1], which has the wrong type.",
            ),
            (
                "packages.flask.git = true",
                "Pipfile, line 1: flask: 'git' is True, which has the wrong type.",
            ),
            ("packages.flask.markers = []", "Pipfile, line 1: flask: 'markers' is []"),
            ('packages.flask = "^"', "Pipfile, line 1: flask requires '^', which is not a version."),
            ('packages.flask = "~x"', "Pipfile, line 1: flask requires '~x', which is not a version."),
            (f'packages.flask = "^{"9" * 5000}"', "Pipfile, line 1: flask requires"),
        ],
    )
    def test_wrong_types(self, text: str, message: str, tmp_path: Path) -> None:
        (tmp_path / "Pipfile").write_text(text)
        with pytest.raises(ProjectError) as caught:
            legacy_metadata.pipfile(tmp_path / "Pipfile", tmp_path)
        assert caught.value.message.startswith(message)

    def test_a_marker_with_an_alternative(self, tmp_path: Path) -> None:
        """Else it would be read as: a, or b with this Python."""
        (tmp_path / "Pipfile").write_text(
            "[packages.x]\nversion = '*'\npython = '>=3.8'\n"
            "markers = \"sys_platform == 'linux' or os_name == 'nt'\"\n"
        )
        assert legacy_metadata.pipfile(tmp_path / "Pipfile", tmp_path).requirements == (
            "x ; (sys_platform == 'linux' or os_name == 'nt') and python_version >= '3.8'",
        )

    @pytest.mark.parametrize(
        ("value", "requirement"),
        [
            ("{ version = '*', sys_platform = \"== 'win32'\" }", "x ; sys_platform == 'win32'"),
            (
                "{ version = '>=2', os_name = \"=='nt'\", platform_machine = \"!= 'armv6l'\" }",
                "x>=2 ; os_name =='nt' and platform_machine != 'armv6l'",
            ),
            (
                "{ markers = \"python_version < '4' or os_name == 'nt'\", sys_platform = \"== 'linux'\" }",
                "x ; (python_version < '4' or os_name == 'nt') and sys_platform == 'linux'",
            ),
            (
                "{ git = 'https://e.org/x.git', ref = 'v1', subdirectory = 'py/x', editable = true }",
                "x @ git+https://e.org/x.git@v1#subdirectory=py/x",
            ),
            ("{ hg = 'https://e.org/x' }", "x @ hg+https://e.org/x"),
            ("{ version = '*', index = 'wheels' }", "x"),
        ],
    )
    def test_keys_of_a_package(self, value: str, requirement: str, tmp_path: Path) -> None:
        source = '[[source]]\nname = "pypi"\nurl = "https://pypi.org/simple"\n'
        source += '[[source]]\nname = "wheels"\nurl = "https://www.piwheels.org/simple"\n'
        (tmp_path / "Pipfile").write_text(f"{source}[packages]\nx = {value}\n")
        found = legacy_metadata.pipfile(tmp_path / "Pipfile", tmp_path)
        assert (found.requirements, found.notes) == ((requirement,), ())

    PUBLIC = '[[source]]\nname = "pypi"\nurl = "https://pypi.org/simple"\n'
    PRIVATE = '[[source]]\nname = "acme"\nurl = "https://ada:pw@wheels.example/simple"\n'

    @pytest.mark.parametrize(
        ("text", "start"),
        [
            (
                PUBLIC + PRIVATE + '[packages]\nflask = "*"\nsix = {version = "*", index = "acme"}\n',
                "Pipfile, line 9: six is on the package index acme (https://ada:pw@wheels.example/",
            ),
            (
                PRIVATE + '[packages.six]\nindex = "acme"\n',
                "Pipfile, line 2: [[source]] acme is the package",
            ),
            (PRIVATE + '[packages]\nsix = "*"\n', "Pipfile, line 2: [[source]] acme is the package index"),
            (
                PUBLIC + '[packages.six]\nindex = "none"\n',
                "Pipfile, line 4: six is on the package index none, but",
            ),
        ],
    )
    def test_a_private_index(self, text: str, start: str, tmp_path: Path) -> None:
        """A public package with the same name may be a stranger's."""
        (tmp_path / "Pipfile").write_text(text)
        with pytest.raises(ProjectError) as caught:
            legacy_metadata.pipfile(tmp_path / "Pipfile", tmp_path)
        assert caught.value.message.startswith(start)
        assert "requirements.in" in caught.value.hint

    def test_a_private_index_that_is_not_used(self, tmp_path: Path) -> None:
        (tmp_path / "Pipfile").write_text(f'{self.PUBLIC}{self.PRIVATE}[packages]\nflask = "*"\n')
        assert legacy_metadata.pipfile(tmp_path / "Pipfile", tmp_path).requirements == ("flask",)

    def test_groups(self, tmp_path: Path) -> None:
        (tmp_path / "Pipfile").write_text(
            '[packages]\nflask = "*"\n[dev-packages]\npytest = "*"\n[prod]\nwaitress = "*"\n'
            '[requires]\npython_version = "3"\n[docs]\nsphinx = "*"\n'
        )
        assert legacy_metadata.pipfile(tmp_path / "Pipfile", tmp_path).notes == (
            (
                "Pipfile, line 5: the group prod (waitress) is not taken over. If the app needs it on the "
                "Pi, move it to [packages]."
            ),
        )


class TestSetupCfg:
    @pytest.mark.parametrize(
        "value", ["file: list.txt", "file:\n    list.txt", "file: list.txt, other.txt"]
    )
    def test_requirements_in_a_file(self, value: str, tmp_path: Path) -> None:
        (tmp_path / "list.txt").write_text("# ours\nflask>=2\n")
        (tmp_path / "other.txt").write_text("flask>=2\n")
        cfg = f"[metadata]\nname = thing\n[options]\ninstall_requires = {value}\n"
        found, _ = written(tmp_path, setup_cfg=cfg)
        assert set(found["dependencies"]) == {"flask>=2"}

    def test_requirements_in_a_file_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(
            ProjectError, match=r"'install_requires' names the file list\.txt, which does not exist\."
        ):
            written(
                tmp_path, setup_cfg="[metadata]\nname = x\n[options]\ninstall_requires = file: list.txt\n"
            )

    CFG = (
        "[metadata]\nname = thing\nversion = {version}\ndescription = A thing\nauthor = Ada\n"
        "author_email = a@b.c\nurl = https://example.org\n"
        "[options]\npython_requires = >=3.8\ninstall_requires =\n    flask>=2\n    click\n"
        "[options.entry_points]\nconsole_scripts =\n    thing = thing:main [extra]\n"
    )

    def test_everything(self, tmp_path: Path) -> None:
        found, source = written(tmp_path, setup_cfg=self.CFG.format(version="1.0"))
        assert source == "setup.cfg"
        assert found == {
            "name": "thing",
            "version": "1.0",
            "description": "A thing",
            "authors": [{"name": "Ada", "email": "a@b.c"}],
            "urls": {"homepage": "https://example.org"},
            "scripts": {"thing": "thing:main"},
            "dependencies": ["flask>=2", "click"],
            "requires-python": ">=3.8",
        }

    @pytest.mark.parametrize("version", ["attr: thing.about.__version__", "file: VERSION"])
    def test_a_version_elsewhere(self, version: str, tmp_path: Path) -> None:
        (tmp_path / "VERSION").write_text("3.2\n")
        (tmp_path / "src/thing").mkdir(parents=True)
        (tmp_path / "src/thing/about.py").write_text('x = 1\n__version__ = "3.2"\n')
        found, _ = written(tmp_path, setup_cfg=self.CFG.format(version=version))
        assert found["version"] == "3.2"

    def test_without_metadata_it_says_nothing(self, tmp_path: Path) -> None:
        assert written(tmp_path, setup_cfg="[flake8]\nignore = E1\n") == ({}, "")

    def test_one_that_cannot_be_read(self, tmp_path: Path) -> None:
        with pytest.raises(ProjectError, match=r"setup\.cfg cannot be read"):
            written(tmp_path, setup_cfg="name = 1\n")


class TestSetupPy:
    def test_values_and_names_for_them(self, tmp_path: Path) -> None:
        found, source = written(
            tmp_path,
            setup_py="from setuptools import setup\nneeds = ['flask'] + ['click']\n"
            "setup(name='Thing', version='1.2', description='A ' + 'thing', author='Ada',\n"
            "      author_email='a@b.c',\n"
            "      install_requires=needs, python_requires='>=3',\n"
            "      entry_points={'console_scripts': ['thing=thing:main'], 'x': compute()})\n",
        )
        assert (found["name"], found["version"], found["description"]) == ("Thing", "1.2", "A thing")
        assert (found["dependencies"], found["scripts"]) == (["flask", "click"], {"thing": "thing:main"})
        assert (found["requires-python"], source) == (">=3", "setup.py")

    def test_what_would_have_to_be_run(self, tmp_path: Path) -> None:
        (tmp_path / "thing").mkdir()
        (tmp_path / "thing/__init__.py").write_text('__version__ = "4.5"\n')
        found, _ = written(
            tmp_path,
            setup_py="import setuptools\nsetuptools.setup(name='thing', version=version(), "
            "install_requires=open('r').read(), entry_points='[console_scripts]')\n",
        )
        assert found["version"] == "4.5"
        assert found["dynamic"] == ["dependencies"]
        assert "dependencies" not in found

    def test_it_goes_with_a_setup_cfg(self, tmp_path: Path) -> None:
        found, source = written(
            tmp_path,
            setup_py="import setuptools\n"
            "setuptools.setup(name='a', version='1', install_requires='x\\ny')\n",
            setup_cfg="[metadata]\nname = b\n",
        )
        assert (found["name"], found["version"], found["dependencies"]) == ("b", "1", ["x", "y"])
        assert source == "setup.py and setup.cfg"

    def test_a_setup_cfg_without_a_name(self, tmp_path: Path) -> None:
        found, _ = written(
            tmp_path,
            setup_py="import setuptools\nsetuptools.setup(name='a', version='1')\n",
            setup_cfg="[metadata]\nmaintainer = M\nmaintainer_email = m@n\n"
            "[options]\ninstall_requires = x\n",
        )
        assert (found["name"], found["dependencies"]) == ("a", ["x"])
        assert found["authors"] == [{"name": "M", "email": "m@n"}]

    @pytest.mark.parametrize("text", ["print 'x'\n", "setup()\n", "setup(version='1')\n"])
    def test_one_that_says_nothing(self, text: str, tmp_path: Path) -> None:
        assert written(tmp_path, setup_py=text)[0] == {}


class TestWanted:
    BARE = 'package = "xx"\nversion = "1"\nmaintainer = "A <a@b.c>"\ndescription = "X"\nwsgi = "x:app"\n'

    def load(self, root: Path, **files: str) -> project.Project:
        for name, text in {"debonair.toml": self.BARE, **files}.items():
            (root / name).parent.mkdir(exist_ok=True)
            (root / name).write_text(text)
        return project.load(root)

    def test_a_requirements_file_goes_before_a_pipfile_and_that_before_setup_py(
        self, tmp_path: Path
    ) -> None:
        setup = "setup(name='x', install_requires=['c'])\n"
        assert self.load(tmp_path, **{"setup.py": setup}).requirements == ("c",)
        assert self.load(tmp_path, Pipfile="[packages]\nb = '*'\n").requirements == ("b",)
        assert self.load(
            tmp_path, **{"requirements/base.txt": "a\n-c x.txt\n", "requirements/x.txt": "z<2"}
        ).requirements == ("a",)
        found = self.load(tmp_path, **{"requirements.txt": "-e .\nd\n-c requirements/x.txt\n"})
        assert (found.requirements, found.constraints) == (("d", "c"), ("z<2",))

    @pytest.mark.parametrize(
        ("text", "note"),
        [
            (
                (
                    '[tool.poetry.dependencies]\nflask = "^3"\n'
                    '[tool.poetry.group.prod.dependencies]\nwaitress = "^3"\n'
                    '[tool.poetry.group.dev.dependencies]\npytest = "*"\n'
                ),
                (
                    "pyproject.toml, line 3: the group prod (waitress) is not taken over. If the app needs "
                    "it on the Pi, move it to [tool.poetry.dependencies]."
                ),
            ),
            (
                (
                    '[project]\nname = "x"\ndependencies = ["flask>=3,<4"]\n[dependency-groups]\n'
                    'unit-tests = ["pytest"]\n"server" = ["uwsgi", "gevent>1", {include-group = "dev"}]\n'
                ),
                (
                    "pyproject.toml, line 6: the group server (uwsgi, gevent>1) is not taken over. If "
                    "the app needs it on the Pi, move it to [project].dependencies."
                ),
            ),
        ],
    )
    def test_groups(self, text: str, note: str, tmp_path: Path) -> None:
        found = self.load(tmp_path, **{"pyproject.toml": text})
        assert found.requirements == ("flask>=3,<4",)
        assert found.requirements_notes == (note,)

    def test_requirements_that_are_computed(self, tmp_path: Path) -> None:
        with pytest.raises(ProjectError, match=r"setup\.py computes 'install_requires'") as caught:
            self.load(tmp_path, **{"setup.py": "setup(name='x', install_requires=read('r'))\n"})
        assert "requirements.in" in caught.value.hint

    def test_dynamic_dependencies_of_poetry(self, tmp_path: Path) -> None:
        found = self.load(
            tmp_path,
            **{
                "pyproject.toml": '[project]\nname = "x"\ndynamic = ["dependencies"]\n'
                '[tool.poetry.dependencies]\nflask = "^3"\n'
            },
        )
        assert found.requirements == ("flask>=3,<4",)
