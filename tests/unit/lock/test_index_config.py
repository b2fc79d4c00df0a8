from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from sdistless import undescribed

from debonair.errors import LockError, MachineError, NetworkError
from debonair.host.run import CommandError, Completed
from debonair.lock import index_config, uv
from debonair.lock.index_config import Index
from debonair.lock.uv import Uv

PIP = "[global]\nindex-url = https://{0}.example/simple\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "home/me/app"
    root.mkdir(parents=True)
    return root


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def of(project: Path, **environ: str) -> Index:
    base = project.parents[2]
    return index_config.of({"HOME": str(base / "home/me"), **environ}, project, base=base)


class TestPip:
    def test_nothing(self, project: Path) -> None:
        assert of(project) == Index()
        assert of(project).options(local=True) == []

    def test_the_nearer_counts(self, project: Path) -> None:
        base = project.parents[2]
        places = [
            "etc/xdg/pip/pip.conf",
            "etc/pip.conf",
            "home/me/.pip/pip.conf",
            "home/me/.config/pip/pip.conf",
        ]
        places += [f"{sys.prefix.lstrip('/')}/pip.conf", "own.conf"]
        environ = {}
        for number, place in enumerate(places):
            write(base / place, PIP.format(number))
            if place == "own.conf":
                environ["PIP_CONFIG_FILE"] = str(base / place)
            assert of(project, **environ).url == f"https://{number}.example/simple"
        assert of(project, PIP_INDEX_URL="https://env.example", **environ).url == "https://env.example"
        assert of(project, PIP_CONFIG_FILE="/dev/null") == Index()

    def test_xdg(self, project: Path) -> None:
        base = project.parents[2]
        write(base / "b/pip/pip.conf", PIP.format("b"))
        write(base / "a/pip/pip.conf", PIP.format("a"))
        assert of(project, XDG_CONFIG_DIRS="/a:/b").url == "https://a.example/simple"
        write(base / "own/pip/pip.conf", PIP.format("own"))
        assert of(project, XDG_CONFIG_HOME=str(base / "own")).url == "https://own.example/simple"
        assert index_config.of({}, project, base=base) == Index()

    def test_the_section_of_install_counts_more(self, project: Path) -> None:
        write(project / "pip.conf", PIP.format("a") + "[install]\nindex_url = https://b.example\n")
        assert of(project, PIP_CONFIG_FILE=str(project / "pip.conf")).url == "https://b.example"

    @pytest.mark.parametrize("text", ["no section", "[a]\n[a]\n"])
    def test_a_broken_file_is_not_ours_to_judge(self, project: Path, text: str) -> None:
        write(project / "pip.conf", text)
        assert of(project, PIP_CONFIG_FILE=str(project / "pip.conf")) == Index()

    def test_everything_at_once(self, project: Path) -> None:
        here = project / "files"
        here.mkdir()
        found = of(
            project,
            PIP_INDEX_URL="https://a.example",
            PIP_EXTRA_INDEX_URL=f"https://b.example {here.as_uri()} file:///not/there",
            PIP_FIND_LINKS=f"https://c.example\n{here} /not/there",
            PIP_TRUSTED_HOST="d.example",
            PIP_CERT="/etc/own.pem",
        )
        assert found.certificate == "/etc/own.pem"
        assert found.has_local
        remote = ["--default-index", "https://a.example", "--index", "https://b.example"]
        best = ["--index-strategy", "unsafe-best-match"]
        trust = ["--allow-insecure-host", "d.example"]
        assert found.options(local=False) == [*remote, *best, "--find-links", "https://c.example", *trust]
        assert found.options(local=True) == [
            *remote,
            *["--index", here.as_uri()],
            *best,
            *["--find-links", "https://c.example", "--find-links", str(here)],
            *trust,
        ]

    def test_without_an_index_its_folders_are_all_there_is(self, project: Path) -> None:
        found = of(project, PIP_NO_INDEX="1", PIP_FIND_LINKS=str(project))
        assert found.options(local=False) == ["--find-links", str(project), "--no-index"]


class TestUvItself:
    @pytest.mark.parametrize(
        ("place", "text"),
        [
            ("home/me/app/uv.toml", 'index-url = "x"'),
            ("home/me/app/pyproject.toml", '[[tool.uv.index]]\nurl = "x"'),
            ("home/uv.toml", 'extra-index-url = ["x"]'),
            ("home/me/.config/uv/uv.toml", '[pip]\nfind-links = ["x"]'),
            ("etc/uv/uv.toml", "no-index = true"),
        ],
    )
    def test_configured_it_is_left_alone(self, project: Path, place: str, text: str) -> None:
        environ = {"PIP_INDEX_URL": "https://a.example", "PIP_CERT": "/etc/own.pem"}
        assert of(project, **environ).url == "https://a.example"
        write(project.parents[2] / place, text)
        assert of(project, **environ) == Index(certificate="/etc/own.pem")

    def test_configured_by_the_environment(self, project: Path) -> None:
        assert of(project, PIP_INDEX_URL="https://a.example", UV_INDEX="x") == Index()

    @pytest.mark.parametrize("text", ["[tool]\nuv = 1\n", "<<<<", '[tool.uv]\nname = "x"\n', "tool = 5"])
    def test_not_configured(self, project: Path, text: str) -> None:
        write(project / "pyproject.toml", text)
        assert of(project, PIP_INDEX_URL="https://a.example").url == "https://a.example"


class TestFurther:
    """What is beside the default index may be private."""

    def test_pip_and_the_environment(self, project: Path) -> None:
        environ = {
            "PIP_CONFIG_FILE": "/dev/null",
            "PIP_INDEX_URL": "https://default.example/simple",
            "PIP_EXTRA_INDEX_URL": "https://a.example/simple https://me:p@b.example/simple",
            "PIP_FIND_LINKS": "/srv/wheels https://c.example/list",
            "UV_DEFAULT_INDEX": "https://default.example/simple",
            "UV_INDEX": "own=https://d.example/simple",
            "UV_EXTRA_INDEX_URL": "https://e.example/simple",
            "UV_FIND_LINKS": "https://f.example/list,https://g.example/list",
        }
        found = index_config.further(environ, project, base=project.parents[2])
        assert found == {f"{letter}.example" for letter in "abcdefg"}

    def test_files_of_uv(self, project: Path) -> None:
        base = project.parents[2]
        write(
            project / "pyproject.toml",
            '[tool.uv]\nfind-links = ["https://a.example", "wheels"]\n'
            '[[tool.uv.index]]\nurl = "https://b.example/simple"\n'
            '[[tool.uv.index]]\nurl = "https://default.example/simple"\ndefault = true\n',
        )
        write(base / "etc/uv/uv.toml", 'index = [1]\n[pip]\nextra-index-url = "https://c.example/simple"\n')
        write(
            base / "own.toml", 'extra-index-url = ["https://d.example/simple"]\nindex-url = "https://x"\n'
        )
        environ = {"PIP_CONFIG_FILE": "/dev/null", "UV_CONFIG_FILE": str(base / "own.toml")}
        found = index_config.further(environ, project, base=base)
        assert found == {f"{letter}.example" for letter in "abcd"}


def test_an_extra_index_of_a_target_does_not_resolve(project: Path) -> None:
    """Raspberry Pi OS configures pip with it."""
    environ = {"PIP_EXTRA_INDEX_URL": "https://www.piwheels.org/simple/ https://a.example"}
    assert of(project, **environ).extra == ("https://a.example",)


def test_credentials(project: Path) -> None:
    environ = {
        "PIP_CONFIG_FILE": "/dev/null",
        "PIP_EXTRA_INDEX_URL": "https://me:p%40ss@a.example/simple https://b.example",
        "UV_INDEX": "internal=https://token@c.example/simple?x=1",
    }
    assert index_config.credentials(environ) == {
        "https://a.example:443": ("me", "p@ss"),
        "https://c.example:443": ("token", ""),
    }


@pytest.mark.parametrize(
    "spoilt", ["https://me:x@[a/simple", "https://me:x@a:port/simple", "https://me:x@/"]
)
def test_an_address_that_is_none_has_no_credentials(spoilt: str) -> None:
    assert index_config.credentials({"PIP_CONFIG_FILE": "/dev/null", "UV_INDEX_URL": spoilt}) == {}


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://A.example/simple", "https://a.example:443"),
        ("http://a.example:8080/simple", "http://a.example:8080"),
        ("http://me:x@a.example", "http://a.example:80"),
        ("file:///a", ""),
        ("https://a.example:99999/", ""),
    ],
)
def test_whose_an_address_is(url: str, origin: str) -> None:
    assert index_config.origin(url) == origin


class Runner:
    def __init__(self, *failures: str) -> None:
        self.failures = list(failures)
        self.calls: list[tuple[list[str], dict[str, Any]]] = []

    def __call__(self, argv: list[Any], **given: Any) -> Completed:
        words = list(map(str, argv))
        self.calls.append((words, given))
        if self.failures and (failure := self.failures.pop(0)):
            raise CommandError(words, 2, failure)
        Path(words[words.index("-o") + 1]).write_text("answer")
        return Completed(0, "", "")


class TestUv:
    def test_a_folder_of_this_machine_comes_last(self, project: Path) -> None:
        environ = {"PIP_CONFIG_FILE": "/dev/null", "PIP_FIND_LINKS": str(project)}
        runner = Runner()
        assert (
            Uv(project, environ, undescribed, runner).lock(["a"], "3.11", project / "pylock.toml")
            == b"answer"
        )
        runner = Runner("error: No solution found")
        assert (
            Uv(project, environ, undescribed, runner).lock(["a"], "3.11", project / "pylock.toml")
            == b"answer"
        )
        assert ["--find-links" in words for words, _ in runner.calls] == [False, True]
        runner = Runner("No solution found", "No solution found: x")
        with pytest.raises(LockError, match="x"):
            Uv(project, environ, undescribed, runner).files(["a==1"], "3.11")

    def test_it_runs_where_the_project_is(self, project: Path) -> None:
        runner = Runner()
        Uv(project, {"PIP_CONFIG_FILE": "/dev/null"}, undescribed, runner).files(["a==1"], "3.11")
        ((words, given),) = runner.calls
        assert words[0] == uv.program()
        assert given["cwd"] == project
        assert given["stdin"] == b"a==1\n"

    @pytest.mark.parametrize(
        ("own", "expected"),
        [({}, {"SSL_CERT_FILE": "/a.pem"}), ({"SSL_CERT_FILE": "/b"}, {"SSL_CERT_FILE": "/b"})],
    )
    def test_it_trusts_whom_pip_trusts(
        self, project: Path, own: dict[str, str], expected: dict[str, str]
    ) -> None:
        runner = Runner()
        environ = {"PIP_CONFIG_FILE": "/dev/null", "PIP_CERT": "/a.pem", **own}
        Uv(project, environ, undescribed, runner).files(["a==1"], "3.11")
        assert runner.calls[0][1]["env"] == {**environ, **expected}

    @pytest.mark.parametrize(
        ("output", "kind", "message"),
        [
            (
                "error: Failed to fetch: `https://i.example/x`\n  cause: dns error",
                NetworkError,
                "at i.example could",
            ),
            ("error: Network connectivity is disabled", NetworkError, "index could not"),
            (
                "error: No solution found\n  cause: a",
                LockError,
                "The requirements cannot be met together. uv reports: No solution found",
            ),
            ("error: something else", LockError, "failed and printed: something else"),
            ("", LockError, "exited with status 2"),
        ],
    )
    def test_what_failures_mean(
        self, project: Path, output: str, kind: type[Exception], message: str
    ) -> None:
        class Failing(Runner):
            def __call__(self, argv: list[Any], **given: Any) -> Completed:
                raise CommandError(list(map(str, argv)), 2, output)

        with pytest.raises(kind) as wrong:
            Uv(project, {"PIP_CONFIG_FILE": "/dev/null"}, undescribed, Failing()).export()
        assert message in str(wrong.value)


class TestProgram:
    def test_beside_debonair(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
        (tmp_path / "uv").touch()
        assert uv.program() == str(tmp_path / "uv")

    def test_as_the_package_says(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
        monkeypatch.setattr("uv.find_uv_bin", lambda: "/somewhere/uv")
        assert uv.program() == "/somewhere/uv"

    def test_on_the_path_or_nowhere(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
        monkeypatch.setitem(sys.modules, "uv", None)
        monkeypatch.setenv("PATH", str(tmp_path / "bin"))
        with pytest.raises(MachineError) as wrong:
            uv.program()
        assert "pip install uv" in wrong.value.hint
        (tmp_path / "bin").mkdir()
        (tmp_path / "bin/uv").write_text("")
        (tmp_path / "bin/uv").chmod(0o755)
        assert uv.program() == str(tmp_path / "bin/uv")


class TestOwnChoices:
    """A project of a stranger decides nothing about its author's machine."""

    @pytest.mark.parametrize(
        ("file", "text"),
        [
            ("uv.toml", 'cache-dir = "../elsewhere"\nkeyring-provider = "subprocess"\n'),
            ("pyproject.toml", '[tool.uv]\ncache-dir = "/srv"\nkeyring-provider = "subprocess"\n'),
            ("../uv.toml", 'keyring-provider = "subprocess"\ncache-dir = "x"\n'),
        ],
    )
    def test_its_cache_and_its_keyring_are_not_used(self, file: str, text: str, project: Path) -> None:
        write(project / file, text)
        assert index_config.own_choices({"HOME": "/home/me"}, project) == {
            "UV_CACHE_DIR": "/home/me/.cache/uv",
            "UV_KEYRING_PROVIDER": "disabled",
        }

    def test_the_authors_are(self, project: Path) -> None:
        write(project / "uv.toml", 'cache-dir = "x"\nkeyring-provider = "subprocess"\n')
        environ = {"UV_CACHE_DIR": "/mine", "UV_KEYRING_PROVIDER": "subprocess"}
        assert index_config.own_choices(environ, project) == {}

    def test_without_them_uv_decides(self, project: Path) -> None:
        write(project / "uv.toml", "offline = true\n")
        assert index_config.own_choices({"HOME": "/home/me"}, project) == {}

    def test_uv_gets_them(self, project: Path) -> None:
        write(project / "uv.toml", 'cache-dir = "../elsewhere"\n')
        given: list[dict[str, str]] = []

        def runner(*_: Any, env: dict[str, str], **__: Any) -> Completed:
            given.append(env)
            return Completed(0, "", "")

        Uv(project, {"HOME": "/home/me"}, undescribed, runner)._uv(["x"])
        assert given[0]["UV_CACHE_DIR"] == "/home/me/.cache/uv"
