from __future__ import annotations

import json
import os
import re
import runpy
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import jsonschema
import pytest
from click.testing import CliRunner, Result
from elfmaker import make_elf
from reading import Here

from debonair import __version__, errors, target, trial
from debonair.build import Artefact
from debonair.cli import main as verbs
from debonair.cli import options
from debonair.cli.output import size
from debonair.deb import archive, tree
from debonair.deb.control import Control
from debonair.deb.tree import Source
from debonair.host import progress
from debonair.host import run as commands
from debonair.project import Project, settings
from debonair.trial import Options

BARE = """\
package = "hello-pi"
version = "1.0"
maintainer = "Ada <ada@example.org>"
description = "Says hello"
targets = ["trixie-amd64", "trixie-arm64"]
"""
VERBS = sorted(verbs.main.commands)
KINDS = [
    kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.Error)
]


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DEBONAIR_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    monkeypatch.setattr("debonair.debian.interpreter.interpreter", lambda *_, **__: None)
    monkeypatch.setattr("debonair.deb.reader_pool.Pool", Here)


def listed(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def run(*words: str) -> Result:
    return CliRunner().invoke(verbs.main, words)


def write(folder: Path, **files: str) -> None:
    for name, text in {"debonair_toml": BARE, "app_py": "app = x\n", **files}.items():
        (folder / name.replace("_", ".")).write_text(text)


def refused(code: int, *words: str) -> str:
    """What is said on stderr of a wrong use; nothing is said on stdout."""
    done = run(*words)
    assert done.exit_code == code, done.output
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    return done.stderr


class TestHelp:
    def test_the_verbs(self) -> None:
        names = (
            "build cache check completion doctor fetch init inspect library lock plan repo schema source"
        )
        assert [*names.split(), "targets", "try"] == VERBS

    @pytest.mark.parametrize("words", [[], *([verb] for verb in VERBS)])
    @pytest.mark.parametrize("option", ["--help", "-h"])
    def test_every_verb_explains_itself(self, words: list[str], option: str) -> None:
        done = run(*words, option)
        assert done.exit_code == 0
        assert done.output.startswith("Usage: ")
        assert "Error" not in done.output

    @pytest.mark.parametrize("verb", VERBS)
    def test_every_option_has_a_help(self, verb: str) -> None:
        for parameter in verbs.main.commands[verb].params:
            if parameter.param_type_name == "option":
                assert getattr(parameter, "help", ""), parameter.name

    def test_the_version(self) -> None:
        assert run("--version").output == f"debonair, version {__version__}\n"

    def test_as_a_module(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        monkeypatch.setattr("sys.argv", ["x", "--version"])
        with pytest.raises(SystemExit) as ended:
            runpy.run_module("debonair", run_name="__main__")
        assert ended.value.code == 0
        assert capsys.readouterr().out == f"debonair, version {__version__}\n"

    def test_no_verb(self) -> None:
        assert "Package a project:" in run().output

    def test_an_unknown_verb(self) -> None:
        assert "No such command 'buidl'" in refused(2, "buidl")

    @pytest.mark.parametrize(
        "words", [["inspect"], ["try"], ["completion", "csh"], ["try", "x", "--port", "0"]]
    )
    def test_a_wrong_use(self, words: list[str]) -> None:
        assert "Usage:" in refused(2, *words)


class TestVerboseAndQuiet:
    """-v and -q may stand before the verb and after it, and last for one run."""

    @pytest.fixture
    def seen(self, monkeypatch: pytest.MonkeyPatch) -> list[tuple[bool, bool]]:
        found: list[tuple[bool, bool]] = []

        def inspect(*_: object) -> None:
            found.append((commands.verbose, progress.quiet))
            progress.say("A note.")
            progress.warn("A warning.")
            raise errors.Error("Enough.")

        monkeypatch.setattr("debonair.deb.inspection.inspect", inspect)
        return found

    @pytest.mark.parametrize(
        ("words", "flags"),
        [
            (["inspect", "x.deb"], (False, False)),
            (["-v", "inspect", "x.deb"], (True, False)),
            (["inspect", "-v", "x.deb"], (True, False)),
            (["inspect", "x.deb", "--verbose"], (True, False)),
            (["-q", "inspect", "x.deb"], (False, True)),
            (["inspect", "x.deb", "-q"], (False, True)),
            (["-v", "inspect", "x.deb", "--quiet"], (True, True)),
        ],
    )
    def test_anywhere(
        self, words: list[str], flags: tuple[bool, bool], seen: list[tuple[bool, bool]]
    ) -> None:
        said = refused(1, *words)
        assert seen == [flags]
        assert ("A note." in said) != flags[1]
        assert "A warning.\nError: Enough.\n" in said
        run("targets")
        assert (commands.verbose, progress.quiet) == (False, False)

    def test_between_two_verbs(self) -> None:
        assert run("cache", "-v", "info").exit_code == 0
        assert commands.verbose

    def test_a_command_of_a_trial_keeps_its_own(self, monkeypatch: pytest.MonkeyPatch) -> None:
        given: list[Any] = []

        def try_deb(_: object, options: trial.Options, **__: object) -> int:
            given.append(options.command)
            return 0

        monkeypatch.setattr("debonair.trial.try_deb", try_deb)
        run("try", "x.deb", "--", "ls", "-q")
        assert given == [("ls", "-q")]
        assert not progress.quiet


class TestColours:
    @pytest.mark.parametrize(
        ("environ", "coloured"),
        [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)],
    )
    def test_a_terminal_may_refuse_them(
        self, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, *, coloured: bool
    ) -> None:
        def fail(*_: object) -> None:
            raise errors.Error("It is wrong.", hint="Fix it.")

        monkeypatch.setattr("debonair.deb.inspection.inspect", fail)
        runner = CliRunner(env={"NO_COLOR": None, "TERM": "xterm", **environ})
        done = runner.invoke(verbs.main, ["inspect", "x.deb"], color=True)
        assert ("\x1b[" in done.stderr) == coloured


class TestFromPypi:
    def test_a_folder_is_begun_with_what_is_said(self, monkeypatch: pytest.MonkeyPatch) -> None:
        begun: list[Any] = []

        def begin(root: Path, options: Mapping[str, Any], *_: object) -> None:
            begun.extend([root, options])
            raise errors.ProjectError("Enough.")

        monkeypatch.setattr("debonair.init.from_pypi.begin", begin)
        words = ["--wsgi", "x:y", "--maintainer", "Ada <a@b>", "-t", "trixie-arm64"]
        assert refused(3, "build", "--from-pypi", "x==1", *words) == "Error: Enough.\n"
        wanted = {
            "from-pypi": "x==1",
            "wsgi": "x:y",
            "maintainer": "Ada <a@b>",
            "targets": ["trixie-arm64"],
        }
        assert begun == [Path.cwd(), wanted]

    def test_a_command_is_a_server_of_the_apps_own(self, monkeypatch: pytest.MonkeyPatch) -> None:
        begun: list[Any] = []

        def begin(_: Path, options: Mapping[str, Any], *__: object) -> None:
            begun.append(options)
            raise errors.ProjectError("Enough.")

        monkeypatch.setattr("debonair.init.from_pypi.begin", begin)
        refused(3, "build", "--from-pypi", "x==1", "--command", "x --uds $SOCKET")
        assert begun == [{"from-pypi": "x==1", "command": "x --uds $SOCKET", "server": "command"}]

    @pytest.mark.parametrize("option", ["wsgi", "command", "package", "maintainer"])
    def test_what_is_said_in_the_settings_of_a_project(self, option: str) -> None:
        write(Path())
        assert (
            f"--{option} requires --from-pypi. For a project, set it in the project's settings."
            in refused(2, "build", f"--{option}", "x")
        )


class TestErrors:
    @pytest.mark.parametrize("kind", KINDS)
    def test_each_kind_is_shown_and_ends_with_its_code(
        self, kind: type[errors.Error], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object, **__: object) -> None:
            raise kind("It is wrong.", hint="Fix it.")

        monkeypatch.setattr("debonair.deb.inspection.inspect", fail)
        assert refused(kind.exit_code, "inspect", "x.deb") == "Error: It is wrong.\nHint:  Fix it.\n"

    def test_without_a_hint_there_is_no_line_of_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*_: object) -> None:
            raise errors.Error("It is wrong.")

        monkeypatch.setattr("debonair.deb.inspection.inspect", fail)
        assert refused(1, "inspect", "x.deb") == "Error: It is wrong.\n"

    def test_no_order_of_a_stranger_reaches_the_terminal(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*_: object) -> None:
            raise errors.Error("\x1b[2JIt is \u202egnorw.", hint="\x9b31mFix it.")

        monkeypatch.setattr("debonair.deb.inspection.inspect", fail)
        assert refused(1, "inspect", "x.deb") == (
            "Error: \\x1b[2JIt is \\u202egnorw.\nHint:  \\x9b31mFix it.\n"
        )

    def test_a_defect_is_not_hidden(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*_: object) -> None:
            raise ZeroDivisionError

        monkeypatch.setattr("debonair.deb.inspection.inspect", fail)
        assert isinstance(run("inspect", "x.deb").exception, ZeroDivisionError)

    @pytest.mark.parametrize("verb", ["build", "plan", "lock"])
    def test_no_project_here(self, verb: str, tmp_path: Path) -> None:
        stderr = refused(3, verb)
        assert f"There is no project in {tmp_path}" in stderr
        assert "Hint:" in stderr
        assert "There is no folder" in refused(3, verb, "none")

    def test_an_unknown_target(self, tmp_path: Path) -> None:
        write(tmp_path)
        stderr = refused(4, "build", "--target", "trixie-arm46")
        assert "There is no target 'trixie-arm46'" in stderr
        assert "Did you mean 'trixie-arm64'?" in stderr
        assert not (tmp_path / "dist").exists()

    def test_a_reader_that_has_seen_enough(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        def closed(*_: object, **__: object) -> None:
            raise BrokenPipeError

        ends: list[int] = []
        monkeypatch.setattr("debonair.deb.inspection.inspect", closed)
        monkeypatch.setattr(os, "dup2", lambda _, end: ends.append(end))
        with (tmp_path / "out").open("w") as out:
            monkeypatch.setattr("sys.stdout", out)
            with pytest.raises(SystemExit) as ended:
                verbs.main(["inspect", "x.deb"])
            assert ends == [out.fileno()]
        assert ended.value.code == 0


class TestNextStep:
    @pytest.fixture(autouse=True)
    def _terminal(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        write(tmp_path)
        monkeypatch.setattr("debonair.cli.output.attended", lambda: True)

    def test_after_a_build(self, tmp_path: Path) -> None:
        debs = [f"dist/hello-pi_1.0-1+deb13_{cpu}.deb" for cpu in ("amd64", "arm64")]
        done = run("build")
        assert done.stderr.splitlines()[-1] == f"Next: debonair try {' '.join(debs)}"
        assert [line.split()[0] for line in done.stdout.splitlines()] == debs
        done = run("build", "-o", "a b", "-t", "trixie-amd64")
        assert done.stderr.endswith("Next: debonair try 'a b/hello-pi_1.0-1+deb13_amd64.deb'\n")

    @pytest.mark.parametrize("words", [["-q", "build"], ["build", "-q"]])
    def test_not_if_it_is_to_be_quiet(self, words: list[str]) -> None:
        assert "Next" not in run(*words).stderr

    def test_not_for_a_program(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("debonair.cli.output.attended", lambda: False)
        assert "Next" not in run("build").stderr

    def test_after_a_trial(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("debonair.trial.try_deb", lambda *_, **__: 0)
        assert run("try", "dist/a_1.0_amd64.deb").stderr == (
            "Next: scp dist/a_1.0_arm64.deb pi@raspberrypi.local:\n"
            "      ssh pi@raspberrypi.local sudo apt install --yes ./a_1.0_arm64.deb\n"
        )
        assert run("try", "a.deb", "--", "ls").stderr == ""
        monkeypatch.setattr("debonair.trial.try_deb", lambda *_, **__: 1)
        assert run("try", "a.deb").stderr == ""


class TestBuild:
    def test_a_deb_for_every_target_of_the_project(self, tmp_path: Path) -> None:
        write(tmp_path)
        done = run("build")
        assert done.exit_code == 0, done.output
        assert [line.split()[0] for line in done.stdout.splitlines()] == [
            "dist/hello-pi_1.0-1+deb13_amd64.deb",
            "dist/hello-pi_1.0-1+deb13_arm64.deb",
        ]
        assert len(listed(tmp_path / "dist")) == 2
        assert "kB, " in done.stdout
        assert " installed" in done.stdout

    def test_for_programs(self, tmp_path: Path) -> None:
        write(tmp_path)
        done = run("build", "--json")
        assert done.exit_code == 0, done.output
        rows = json.loads(done.stdout)
        assert [row["target"] for row in rows] == ["trixie-amd64", "trixie-arm64"]
        for row in rows:
            assert Path(row["file"]).stat().st_size == row["size"]
            assert row["installed-size"] > row["size"]
            assert set(row["seconds"]) == {"plan", "splice", "write"}

    def test_for_the_targets_that_were_named(self, tmp_path: Path) -> None:
        write(tmp_path)
        done = run(
            "build", "-t", "bookworm-armv7", "--target", "trixie-armv7", "--out", "elsewhere", "--timings"
        )
        assert done.exit_code == 0, done.output
        assert (listed(tmp_path / "elsewhere")) == [
            "hello-pi_1.0-1+deb12_armhf.deb",
            "hello-pi_1.0-1+deb13_armhf.deb",
        ]
        assert re.search(r"plan \d+\.\d+, splice", done.stderr)

    def test_what_is_named_is_built_from_source(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[tuple[str, ...]] = []

        def build_all(
            project: Project, chosen: list[target.Target], out: Path, **_: object
        ) -> list[Artefact]:
            asked.append(project.from_source)
            return [Artefact(out / f"{each.name}.deb", 0, 0, each, {}) for each in chosen]

        monkeypatch.setattr("debonair.build.build_all", build_all)
        write(tmp_path)
        done = run("build", "--from-source", "cffi", "--from-source", "Ruamel.yaml_CLib")
        assert done.exit_code == 0, done.output
        assert asked == [("cffi", "ruamel-yaml-clib")]
        asked.clear()
        assert run("build", "-t", "trixie-arm64").exit_code == 0
        assert asked == [()]

    def test_a_name_that_debian_has(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("debonair.debian.offered.packages", lambda names, **_: {*names})
        write(tmp_path)
        done = run("build", "-t", "trixie-arm64")
        assert done.exit_code == 0, done.output
        assert "Debian has a package 'hello-pi', too" in done.stderr
        assert "package = 'my-hello-pi'" in done.stderr

    def test_what_is_named_must_be_locked(self, tmp_path: Path) -> None:
        write(tmp_path)
        assert "--from-source names cffi, but" in refused(6, "build", "--from-source", "CFFI")
        assert not (tmp_path / "dist").exists()

    def test_another_folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "project").mkdir()
        (tmp_path / "here").mkdir()
        write(tmp_path / "project")
        monkeypatch.chdir(tmp_path / "here")
        done = run("build", "../project", "-t", "trixie-amd64")
        assert done.exit_code == 0, done.output
        (made,) = (tmp_path / "project/dist").iterdir()
        assert Path(done.stdout.split()[0]).resolve() == made

    def test_the_second_of_two_targets_is_wrong(self, tmp_path: Path) -> None:
        write(tmp_path)
        stderr = refused(4, "build", "-t", "trixie-amd64", "-t", "none")
        assert "There is no target 'none'" in stderr
        assert not (tmp_path / "dist").exists()


class TestPlan:
    def test_for_people(self, tmp_path: Path) -> None:
        write(tmp_path)
        done = run("plan")
        assert done.exit_code == 0, done.output
        lines = done.stdout.splitlines()
        assert "- 0644           8  /usr/lib/hello-pi/dist/app/app.py" in lines
        assert "l 0777           0  /usr/bin/hello-pi -> ../lib/hello-pi/libexec/command.py" in lines
        assert "d 0755           0  /usr/lib/hello-pi" in lines
        files = sum(line.startswith("-") for line in lines)
        assert lines[-1].startswith(f"{files} files, ")
        assert not (tmp_path / "dist").exists()

    def test_for_programs(self, tmp_path: Path) -> None:
        write(tmp_path)
        rows = json.loads(run("plan", "--json", "--target", "bookworm-amd64").stdout)
        assert {
            "path": "/usr/lib/hello-pi/dist/app/app.py",
            "kind": "file",
            "mode": "0644",
            "size": 8,
            "target": "",
        } in rows
        assert any(row["target"] == "/usr/bin/python3.11" for row in rows)


def test_lock_says_what_it_wrote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path)
    seen: list[object] = []

    class Locked:
        packages = (1, 2, 3)

    def locking(project: Any, targets: Any, *_: object, upgrade: bool, **__: object) -> Path:
        seen.extend([project.package, [each.name for each in targets], upgrade])
        return tmp_path / "pylock.toml"

    monkeypatch.setattr("debonair.lock.write", locking)
    monkeypatch.setattr("debonair.lock.ensure", lambda *_, **__: Locked())
    monkeypatch.setattr("debonair.cli.output.attended", lambda: True)
    done = run("lock", "--upgrade")
    assert done.stdout == "pylock.toml  3 packages\n"
    assert done.stderr == "Next: debonair build\n"
    assert seen == ["hello-pi", ["trixie-amd64", "trixie-arm64"], True]


def test_targets() -> None:
    lines = run("targets").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["TARGET", *target.names()]
    assert lines[-3].split() == ["trixie-arm64", "13", "trixie", "arm64", "3.13", "armv8-a"]
    found = json.loads(run("targets", "--json").stdout)
    assert [each["name"] for each in found] == target.names()
    assert found[0]["debian-release"] == 12


def test_check(tmp_path: Path) -> None:
    for name, machine in (("good", "aarch64"), ("bad", "x86-64")):
        control = Control(name, "1-1+deb13", "arm64", "A <a@b>", "thing")
        source = Source.file("usr/x", make_elf(machine), mtime=0)
        plan = tree.assemble([tree.layer("x", [source])], mtime=0)
        (tmp_path / f"{name}.deb").write_bytes(archive.write(control, plan, {}, mtime=0))
    assert run("check", "good.deb").stdout == "good.deb: 1 compiled file, fit for trixie-arm64\n"
    done = run("check", "good.deb", "bad.deb")
    assert done.exit_code == 6
    assert "bad.deb: 1 compiled file, 1 problem on trixie-arm64:\n  Debian: /usr/x is for" in done.stdout
    found = json.loads(run("check", "--json", "-t", "trixie-amd64", "bad.deb").stdout)
    assert found == [{"file": "bad.deb", "target": "trixie-amd64", "compiled": 1, "problems": []}]


def test_inspect(tmp_path: Path) -> None:
    control = Control("x-y", "1", "all", "A <a@b>", "thing")
    plan = tree.assemble([tree.layer("x", [Source.file("usr/x", b"12", mtime=0)])], mtime=0)
    (tmp_path / "x.deb").write_bytes(archive.write(control, plan, {}, mtime=0))
    assert "Package: x-y" in run("inspect", "x.deb").stdout
    assert json.loads(run("inspect", "--json", "x.deb").stdout)["control"]["Package"] == "x-y"
    assert "There is no file" in refused(7, "inspect", "none.deb")


def test_schema() -> None:
    found = json.loads(run("schema").stdout)
    jsonschema.Draft202012Validator.check_schema(found)
    assert found == settings.schema()


class TestTry:
    @pytest.mark.parametrize(
        ("words", "given"),
        [
            (["a.deb"], {"debs": ("a.deb",), "suite": None, "port": None, "keep": False, "command": ()}),
            (
                ["--suite", "trixie", "a.deb", "b.deb", "--port", "8080", "--keep"],
                {"debs": ("a.deb", "b.deb"), "suite": "trixie", "port": 8080, "keep": True, "command": ()},
            ),
            (
                ["a.deb", "--", "ls", "--keep", "--", "x"],
                {"debs": ("a.deb",), "keep": False, "command": ("ls", "--keep", "--", "x")},
            ),
            (
                ["b.deb", "--upgrade-from", "a.deb", "--break", "-e", "A=1", "--env", "B=x=y"],
                {"upgrade_from": Path("a.deb"), "breaks": True, "variables": {"A": "1", "B": "x=y"}},
            ),
        ],
    )
    def test_its_arguments(
        self, words: list[str], given: Mapping[str, object], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen: dict[str, Any] = {}

        def trying(debs: tuple[Path, ...], options: Options, **more: object) -> int:
            del more
            seen.update(asdict(options), debs=tuple(map(str, debs)))
            return 0

        monkeypatch.setattr("debonair.trial.try_deb", trying)
        done = run("try", *words)
        assert done.exit_code == 0, done.output
        assert given.items() <= seen.items()

    def test_its_file_of_variables(self, monkeypatch: pytest.MonkeyPatch) -> None:
        seen: list[Options] = []

        def trying(debs: tuple[Path, ...], options: Options, **more: object) -> int:
            del debs, more
            seen.append(options)
            return 0

        monkeypatch.setattr("debonair.trial.try_deb", trying)
        Path(".env").write_text("A=1\nB=2\n")
        assert run("try", "a.deb", "--env-file", ".env", "-e", "B=3").exit_code == 0
        assert seen[0].variables == {"A": "1", "B": "3"}

    def test_a_variable_that_is_none(self) -> None:
        done = run("try", "a.deb", "-e", "hunter2")
        assert done.exit_code == errors.TrialError.exit_code
        assert "hunter2" not in done.output

    def test_it_ends_as_the_command_did(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("debonair.trial.try_deb", lambda *_, **__: 7)
        assert run("try", "a.deb", "--", "false").exit_code == 7


class TestCompletion:
    @pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
    def test_a_script_for_each_shell(self, shell: str, monkeypatch: pytest.MonkeyPatch) -> None:
        # Click asks bash for its version.
        monkeypatch.setattr("click.shell_completion.BashComplete._check_version", lambda *_: None)
        done = run("completion", shell)
        assert done.exit_code == 0
        assert "_DEBONAIR_COMPLETE" in done.stdout
        assert f"{shell}_complete" in done.stdout

    @pytest.mark.parametrize(
        ("words", "offered"),
        [
            ("debonair b", ["build"]),
            ("debonair build --target trixie-arm", ["trixie-arm64", "trixie-armv6", "trixie-armv7"]),
            ("debonair plan -t none", []),
            ("debonair completion ", ["bash", "zsh", "fish"]),
        ],
    )
    def test_what_is_offered(self, words: str, offered: list[str]) -> None:
        *before, last = words.split(" ")
        environ = {
            "_DEBONAIR_COMPLETE": "zsh_complete",
            "COMP_WORDS": " ".join([*before, last]).strip(),
            "COMP_CWORD": str(len(before)),
        }
        done = CliRunner().invoke(
            verbs.main, env=environ, prog_name="debonair", complete_var="_DEBONAIR_COMPLETE"
        )
        assert done.stdout.splitlines()[1::3] == offered


def test_verbose_shows_what_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "verbose", False)
    run("-v", "targets")
    assert commands.verbose
    run("targets")
    assert not commands.verbose


@pytest.mark.parametrize(
    ("count", "shown"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (12_345_678, "12.3 MB"), (5_000_000_000, "5.0 GB")],
)
def test_sizes(count: int, shown: str) -> None:
    assert size(count) == shown


class TestCache:
    @pytest.fixture(autouse=True)
    def _items(self, tmp_path: Path) -> None:
        """A wheel and a layer that were used long ago, and another layer that was used today."""
        for name, data in (("wheels/aa/a.whl", 5000), ("layers/bb", 20_000), ("layers/cc", 9000)):
            kind, item, *_ = name.split("/")
            path = tmp_path / "cache" / name.replace(item, item * 32)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"x" * data)
            if item != "cc":
                os.utime(tmp_path / "cache" / kind / (item * 32), (0, 0))

    def test_info(self, tmp_path: Path) -> None:
        done = run("cache", "info")
        assert (done.exit_code, done.stderr) == (0, "")
        first, *lines = done.stdout.splitlines()
        assert first == str(tmp_path / "cache")
        assert [line.split()[0] for line in lines] == ["layers", "wheels", "total"]
        assert re.fullmatch(r"layers +\d+\.\d kB +2 items  packed parts of packages", lines[0])
        assert re.fullmatch(r"total +\d+\.\d kB +3 items", lines[2])

    def test_prune(self, tmp_path: Path) -> None:
        for words, verb in ((["--dry-run"], "would be removed"), ([], "removed")):
            done = run("cache", "prune", "--older-than", "30d", *words)
            assert (done.exit_code, done.stderr) == (0, "")
            first, *lines = done.stdout.splitlines()
            assert first == f"{tmp_path}/cache: {verb}"
            told = [" ".join(line.split()[::3][:2]) for line in lines]
            assert told == ["layers 1", "wheels 1", "total 2"]
        assert listed(tmp_path / "cache/layers") == ["cc" * 32]
        assert listed(tmp_path / "cache/wheels") == []

    def test_for_programs(self, tmp_path: Path) -> None:
        found = json.loads(run("cache", "info", "--json").stdout)
        assert found["folder"] == str(tmp_path / "cache")
        assert [(each["kind"], each["items"]) for each in found["kinds"]] == [("layers", 2), ("wheels", 1)]
        assert all(each["size"] > 0 and each["what"] for each in found["kinds"])
        pruned = run("cache", "prune", "--older-than", "30d", "--dry-run", "--json")
        assert [each["items"] for each in json.loads(pruned.stdout)["kinds"]] == [1, 1]
        assert len(json.loads(run("cache", "info", "--json").stdout)["kinds"]) == 2

    def test_prune_asks_for_an_age(self) -> None:
        assert "Missing option '--older-than'" in refused(2, "cache", "prune")

    def test_files_of_another_user(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        def refuse(*_: object, **__: object) -> None:
            raise PermissionError("no")

        monkeypatch.setattr("os.rename", refuse)
        done = run("cache", "prune", "--older-than", "30")
        assert done.exit_code == 9
        assert f"2 items may not be removed by this user, such as {tmp_path}/cache/layers/" in done.stderr
        assert f"DEBONAIR_CACHE={tmp_path}/cache debonair cache prune --older-than 30" in done.stderr

    def test_nothing_is_pruned_that_a_running_verb_uses(self, tmp_path: Path) -> None:
        with click.Context(verbs.main):
            cache = options.cache()
            assert options.cache() == cache
            (running,) = (tmp_path / "cache/.running").iterdir()
            os.utime(running, (0, 0))  # it began before everything was used
            assert run("cache", "prune", "--older-than", "30").stdout.splitlines()[1:] == [
                "total                    0 B       0 items"
            ]
        assert listed(tmp_path / "cache/.running") == []
