from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from samples import sample_project
from sdistless import undescribed

from debonair import lock, target
from debonair.errors import Error, LockError, NetworkError, ProjectError
from debonair.host.cache import Cache
from debonair.host.run import CommandError, Completed
from debonair.lock import extra_indexes, read
from debonair.project import Project

TARGETS = [target.load("trixie-arm64"), target.load("bookworm-amd64")]
NOTHING = {"PIP_CONFIG_FILE": "/dev/null"}  # pip is configured nowhere


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def pylock_of(*pins: str, address: bool = True) -> str:
    """A pylock.toml with a wheel and an sdist of each of ``name==version; marker``."""
    text = 'lock-version = "1.0"\ncreated-by = "uv"\nrequires-python = ">=3.11"\n'
    for pin in pins:
        pinned, _, marker = pin.partition(";")
        name, _, version = pinned.strip().partition("==")
        text += f'\n[[packages]]\nname = "{name}"\nversion = "{version}"\n'
        if marker:
            text += f'marker = "{marker.strip()}"\n'
        for key, filename in (
            ("sdist", f"{name}-{version}.tar.gz"),
            ("wheels", f"{name}-{version}-py3-none-any.whl"),
        ):
            where = f'url = "https://index.example/{filename}"' if address else f'name = "{filename}"'
            table = f'{{ {where}, size = 7, hashes = {{ sha256 = "{sha(filename)}" }} }}'
            text += f"{key} = {table if key == 'sdist' else f'[{table}]'}\n"
    return text


def requirements_of(*pins: str) -> str:
    lines = []
    for pin in pins:
        name, _, version = pin.partition(";")[0].strip().partition("==")
        hashes = [sha(f"{name}-{version}.tar.gz"), sha(f"{name}-{version}-py3-none-any.whl")]
        lines.append(
            f"{pin} " + " ".join(f"\\\n    --hash=sha256:{value}" for value in hashes) + "\n    # via x\n"
        )
    return "# made by uv\n" + "".join(lines)


def _hash_lines(stem: str) -> list[str]:
    first, last = sorted([sha(f"{stem}.tar.gz"), sha(f"{stem}-py3-none-any.whl")])
    return [f"    --hash=sha256:{first} \\", f"    --hash=sha256:{last}"]


class FakeUv:
    """Answers as uv does, from ``versions``; what it was asked is noted."""

    def __init__(self) -> None:
        self.versions = {"flask": "3.1.0", "click": "8.1.0", "tomli": "2.0.0"}
        self.asked: list[list[str]] = []
        self.inputs: list[str] = []
        self.previous: list[str] = []
        self.says = ""
        self.exported = ""

    def __call__(self, argv: list[Any], **given: Any) -> Completed:
        words = list(map(str, argv))
        self.asked.append(words[1:])
        if self.says:
            raise CommandError(words, 2, self.says)
        if words[1] == "lock":
            (given["cwd"] / "uv.lock").write_text("written by uv")
            return Completed(0, "", "")
        out = Path(words[words.index("-o") + 1])
        if words[1] == "export":
            out.write_text(self.exported)
            return Completed(0, "", "")
        self.previous.append(out.read_text() if out.exists() else "")
        text = given["stdin"].decode()
        self.inputs.append(text)
        pins = []
        for line in text.splitlines():
            name = line.split("=")[0].split(">")[0].split(";")[0].strip().lower()
            if name in self.versions:
                pins.append(f"{name}=={self.versions[name]}")
        out.write_text(
            pylock_of(*pins) if out.name == "pylock.toml" else "".join(f"{pin}\n" for pin in pins)
        )
        return Completed(0, "", "")


@pytest.fixture
def uv() -> FakeUv:
    return FakeUv()


@pytest.fixture
def project(tmp_path: Path) -> Callable[..., Project]:
    root = tmp_path / "guestbook"
    root.mkdir()

    def make(*requirements: str, config: str = "pyproject.toml", **files: str) -> Project:
        for name, text in files.items():
            (root / name.replace("__", ".")).write_text(text)
        (root / config).touch()
        return sample_project(root=root, config_file=root / config, requirements=requirements)

    return make


@pytest.fixture
def ensure(uv: FakeUv, tmp_path: Path) -> Callable[..., lock.Lock]:
    def call(project: Project, targets: list[target.Target] = TARGETS) -> lock.Lock:
        return lock.ensure(
            project, targets, Cache(tmp_path / "cache"), NOTHING, runner=uv, describe=undescribed
        )

    return call


Make = Callable[..., Project]
Ensure = Callable[..., lock.Lock]


class TestOfUwsgi:
    """Debian's uWSGI serves the app, and the one of the index needs a compiler."""

    LOCKED = "uwsgi==2.0.21"

    @pytest.mark.parametrize("requirement", ["uWSGI==2.0.21", "uwsgi >= 2", "pyuwsgi"])
    def test_a_new_lock(
        self,
        requirement: str,
        project: Make,
        ensure: Ensure,
        uv: FakeUv,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        uv.versions |= {"uwsgi": "2.0.21", "pyuwsgi": "2.0"}
        made = project("flask", requirement)
        assert [package.name for package in ensure(made).packages] == ["flask"]
        assert uv.inputs == ["flask\n"]
        name = "pyuwsgi" if "pyuwsgi" in requirement else "uwsgi"
        said = f"Left out of the lock, because packages of Debian replace them: {name}."
        assert said in capsys.readouterr().err
        assert ensure(made).packages  # the lock is not stale

    def test_a_lock_that_has_it(self, project: Make, ensure: Ensure) -> None:
        made = project("flask", "uWSGI", pylock__toml=pylock_of("flask==3.1.0", self.LOCKED))
        assert "uwsgi" not in {package.name for package in ensure(made).packages}

    @pytest.mark.parametrize("changes", [{"wsgi": "", "command": "uwsgi x.ini"}, {"sdists": "allow"}])
    def test_where_it_is_needed(
        self, changes: dict[str, str], project: Make, ensure: Ensure, uv: FakeUv
    ) -> None:
        uv.versions["uwsgi"] = "2.0.21"
        made = dataclasses.replace(project("flask", "uwsgi"), **changes)  # type: ignore[arg-type]
        assert [package.name for package in ensure(made).packages] == ["flask", "uwsgi"]


class TestWhichOne:
    def test_none(self, project: Make) -> None:
        assert lock.find(project(requirements__txt="flask\n").root) is None

    def test_order(self, project: Make) -> None:
        made = project(requirements__txt=requirements_of("flask==3.1.0"))
        assert lock.find(made.root) == ("requirements.txt", made.root / "requirements.txt")
        made = project(uv__lock="")
        assert lock.find(made.root) == ("uv.lock", made.root / "uv.lock")
        made = project(pylock__toml="")
        assert lock.find(made.root) == ("pylock.toml", made.root / "pylock.toml")

    def test_says_which_is_read(
        self, project: Make, ensure: Ensure, capsys: pytest.CaptureFixture[str]
    ) -> None:
        made = project(
            "flask",
            pylock__toml=pylock_of("flask==3.1.0"),
            requirements__txt=requirements_of("flask==3.0.0"),
        )
        assert ensure(made).packages[0].version == "3.1.0"
        assert "The lock is pylock.toml; requirements.txt is not read." in capsys.readouterr().err


class TestMaking:
    def test_makes_one_and_says_so(
        self, project: Make, ensure: Ensure, uv: FakeUv, capsys: pytest.CaptureFixture[str]
    ) -> None:
        made = project("Flask>=3", 'click; python_version < "3.12"')
        found = ensure(made)
        assert [package.name for package in found.packages] == ["flask", "click"]
        assert found.form == "pylock.toml"
        assert found.path == made.root / "pylock.toml"
        (asked,) = uv.asked
        assert asked[:2] == ["pip", "compile"]
        assert "--universal" in asked
        assert asked[asked.index("--python-version") + 1] == "3.11"
        assert uv.inputs == ['Flask>=3\nclick; python_version < "3.12"\n']
        stderr = capsys.readouterr().err
        assert "No lock file found, so creating pylock.toml. Commit it." in stderr
        assert "2 requirements" in stderr
        text = found.path.read_text()
        assert '"click; python_version < \\"3.12\\""' in text
        assert 'python = "3.11"' in text

    def test_keeps_to_the_versions_of_another_tool(
        self, project: Make, ensure: Ensure, uv: FakeUv, capsys: pytest.CaptureFixture[str]
    ) -> None:
        other = '{"default": {"flask": {"version": "==3.1.0"}, "click": {"version": "==8.0.0"}}}'
        made = project("flask", "click", Pipfile__lock=other)
        ensure(made)
        assert 'name = "click"\nversion = "8.0.0"' in uv.previous[0]
        assert (
            "All versions of Pipfile.lock are kept except: click 8.1.0 (was 8.0.0)."
            in capsys.readouterr().err
        )
        (made.root / "pylock.toml").unlink()
        uv.versions["click"] = "8.0"
        ensure(made)
        assert "All versions come from Pipfile.lock." in capsys.readouterr().err

    def test_constraints_are_handed_on_and_make_a_lock_stale(
        self, project: Make, ensure: Ensure, uv: FakeUv
    ) -> None:
        made = dataclasses.replace(project("flask"), constraints=("click<9",))
        text = ensure(made).path.read_text()
        assert "--constraints" in uv.asked[0]
        assert 'constraints = [\n    "click<9",\n]' in text
        ensure(made)
        with pytest.raises(LockError, match="'click<9' was changed to 'click<8'"):
            ensure(dataclasses.replace(made, constraints=("click<8",)))

    def test_a_release_that_is_too_old_to_be_built(self, project: Make, ensure: Ensure, uv: FakeUv) -> None:
        uv.says = (
            "error: Failed to build `markupsafe==1.0`\n  cause: x\n\n  ImportError: Feature\n\nhint: Build"
        )
        with pytest.raises(LockError) as caught:
            ensure(project("markupsafe==1.0"))
        assert caught.value.message == (
            "markupsafe 1.0 cannot be built, so its requirements are unknown: ImportError: Feature"
        )
        assert (
            "It may be too old for the current Python. Require a newer markupsafe, or any version."
            in caught.value.hint
        )

    @pytest.mark.parametrize(
        "why",
        [
            "You need to install libcap development headers to build this module",
            "fatal error: sys/capability.h: No such file or directory",
            "Dependency 'cairo' not found, tried pkgconfig and cmake",
            "Error: pg_config executable not found.",
            "error: command 'gcc' failed: No such file or directory",
        ],
    )
    def test_a_build_that_lacks_something_of_the_machine(
        self, why: str, project: Make, ensure: Ensure, uv: FakeUv
    ) -> None:
        uv.says = f"error: Failed to build `python-prctl==1.8.1`\n  cause: x\n\n  {why}\n"
        with pytest.raises(LockError) as caught:
            ensure(project("flask"))
        assert caught.value.message.endswith(f"so its requirements are unknown: {why}")
        assert caught.value.hint.startswith("Install what it lacks on this machine (Debian calls such")
        with pytest.raises(LockError) as caught:
            ensure(dataclasses.replace(project("PiCamera2>0.3"), requirements_file="requirements.txt"))
        assert caught.value.hint == (
            "Use Debian's package of picamera2: remove picamera2 from requirements.txt, and set depends = "
            '["python3-picamera2"] and system-site-packages = true in pyproject.toml.'
        )

    @pytest.mark.parametrize(
        ("address", "stderr", "message"),
        [
            (
                "git+ssh://git@git.example.org/ada/greet.git@v1",
                "ssh: Could not resolve hostname git.example.org\nfatal: Could not read",
                "could not be read over ssh: ssh: Could not resolve hostname git.example.org.",
            ),
            (
                "git+ssh://git@git.example.org/ada/greet.git#subdirectory=py/greet",
                "git@git.example.org: Permission denied (publickey).",
                "could not be read over ssh: git@git.example.org: Permission denied (publickey).",
            ),
            (
                "git+https://git.example.org/ada/greet.git@feature/x#subdirectory=py",
                "fatal: could not read Username for 'https://git.example.org'",
                "could not be read over https: could not read Username for 'https://git.example.org'.",
            ),
            (
                "git+https://git.example.org/ada/greet.git@v9",
                "fatal: couldn't find remote ref refs/tags/v9",
                "has no branch, tag or commit 'v9'.",
            ),
        ],
    )
    def test_a_repository_that_cannot_be_read(
        self, address: str, stderr: str, message: str, project: Make, ensure: Ensure, *, uv: FakeUv
    ) -> None:
        lines = "".join(f"         {line}\n" for line in stderr.splitlines())
        uv.says = (
            f"error: Failed to download and build `greet @ {address}`\n  cause: Git operation failed\n"
            "  cause: failed to fetch into: /x/git-v2/db/0\n  cause: process didn't exit successfully: "
            f"`/usr/bin/git fetch` (exit status: 128)\n         --- stderr\n{lines}"
        )
        with pytest.raises(Error) as caught:
            ensure(project(f"greet @ {address}"))
        repository = address[4 : address.index("greet.git") + 9]
        assert caught.value.message == f"The git repository {repository} of greet {message}"
        assert caught.value.exit_code == (5 if "has no" in message else 8)
        assert f"git ls-remote {repository}" in caught.value.hint

    def test_a_project_without_requirements_needs_none(
        self, project: Make, ensure: Ensure, uv: FakeUv
    ) -> None:
        found = ensure(project())
        assert (found.packages, found.form, uv.asked) == ((), "none", [])

    def test_is_read_once(
        self, project: Make, ensure: Ensure, uv: FakeUv, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = project("flask")
        first = ensure(made)
        monkeypatch.setattr(read, "Reader", None)
        assert ensure(made) == first
        assert len(uv.asked) == 1

    def test_is_read_again_if_what_was_kept_is_broken(
        self, project: Make, ensure: Ensure, tmp_path: Path
    ) -> None:
        made = project("flask")
        first = ensure(made)
        (kept,) = (tmp_path / "cache/locks").glob("*.lock")
        kept.write_bytes(b"\xc1")
        assert ensure(made) == first

    def test_locks_again_with_the_versions_that_were(
        self, project: Make, ensure: Ensure, uv: FakeUv, tmp_path: Path
    ) -> None:
        made = project("flask")
        ensure(made)
        for upgrade in (False, True):
            path = lock.write(
                made, TARGETS, Cache(tmp_path), NOTHING, upgrade=upgrade, runner=uv, describe=undescribed
            )
            assert path == made.root / "pylock.toml"
        assert "[tool.debonair]" in uv.previous[1]
        assert ["--upgrade" in asked for asked in uv.asked] == [False, False, True]

    def test_asks_the_extra_indexes_of_the_targets(
        self, project: Make, uv: FakeUv, tmp_path: Path, asked: list[list[str]]
    ) -> None:
        made = project("flask")
        armv7 = target.load("trixie-armv7")
        cache = Cache(tmp_path / "cache")
        found = lock.ensure(made, [*TARGETS, armv7], cache, NOTHING, runner=uv, describe=undescribed)
        assert asked == [["trixie-arm64", "bookworm-amd64", "trixie-armv7"]]
        assert "[tool.debonair.extra-indexes]\n" in found.path.read_text()
        lock.write(made, TARGETS, cache, NOTHING, runner=uv, describe=undescribed)
        off = dataclasses.replace(made, piwheels=False)
        lock.write(off, [*TARGETS, armv7], cache, NOTHING, runner=uv, describe=undescribed)
        assert len(asked) == 1
        assert "extra-indexes" not in found.path.read_text()

    def test_a_lock_that_fails_stays_as_it_was(
        self, project: Make, ensure: Ensure, uv: FakeUv, tmp_path: Path
    ) -> None:
        made = project("flask")
        before = ensure(made).path.read_bytes()
        uv.says = "error: No solution found when resolving dependencies"
        with pytest.raises(LockError, match="cannot be met"):
            lock.write(made, TARGETS, Cache(tmp_path), NOTHING, runner=uv, describe=undescribed)
        assert (made.root / "pylock.toml").read_bytes() == before

    @pytest.mark.parametrize(
        ("says", "message"),
        [
            ("you require flaskk>=3", "The package index has no package named 'flaskk'."),
            (
                "thing==1.0 depends on flaskk, we can conclude that thing==1.0 cannot be used",
                "The package index has no package named 'flaskk', which thing==1.0 requires.",
            ),
            (
                "all versions of thing depend on flaskk[web]>=2, we can conclude",
                "The package index has no package named 'flaskk', which thing requires.",
            ),
        ],
    )
    def test_a_name_that_the_index_does_not_have(
        self, says: str, message: str, project: Make, ensure: Ensure, uv: FakeUv
    ) -> None:
        uv.says = (
            "error: No solution found when resolving dependencies\n  cause: Because flaskk was not found "
            f"in the package registry and {says}, we can conclude that your requirements are unsatisfiable."
        )
        with pytest.raises(LockError) as caught:
            ensure(project("flaskk>=3"))
        assert caught.value.message == message
        assert "UV_INDEX" in caught.value.hint

    def test_without_a_network_the_hint_does_not_repeat_the_default_index(
        self, project: Make, ensure: Ensure, uv: FakeUv
    ) -> None:
        uv.says = "error: Failed to fetch: `https://index.example/simple/flask/`\n  cause: dns error"
        with pytest.raises(NetworkError, match=r"at index\.example could not .* dns error") as caught:
            ensure(project("flask"))
        assert caught.value.hint == (
            "Connect to the network, or set the address of a mirror that you can reach "
            "(UV_DEFAULT_INDEX=ADDRESS)."
        )

    def test_a_requirement_that_is_none(self, project: Make, ensure: Ensure, uv: FakeUv) -> None:
        with pytest.raises(ProjectError, match=r"pyproject\.toml: the requirement 'flask ==> 3'"):
            ensure(project("flask ==> 3"))
        assert uv.asked == []

    @pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
    def test_pins_that_were_saved_on_windows(self, project: Make, ensure: Ensure, encoding: str) -> None:
        made = project("flask>=3")
        text = requirements_of("flask==3.1.0").replace("\n", "\r\n")
        (made.root / "requirements.txt").write_bytes(text.encode(encoding))
        found = ensure(made)
        assert found.form == "requirements.txt"
        assert [(each.name, each.version) for each in found.packages] == [("flask", "3.1.0")]

    def test_renews_requirements_as_requirements(self, project: Make, uv: FakeUv, tmp_path: Path) -> None:
        made = project("flask", requirements__txt=requirements_of("flask==3.0.0"))
        lock.write(made, TARGETS, Cache(tmp_path), NOTHING, runner=uv, describe=undescribed)
        text = (made.root / "requirements.txt").read_text()
        assert text.splitlines()[1:] == ["flask==3.1.0 \\", *_hash_lines("flask-3.1.0")]
        assert "flask==3.0.0" in uv.previous[0]
        assert not (made.root / "pylock.toml").exists()

    def test_does_not_renew_pins_that_nothing_stands_behind(
        self, project: Make, uv: FakeUv, tmp_path: Path
    ) -> None:
        made = project(requirements__txt=requirements_of("flask==3.0.0"), config="debonair.toml")
        with pytest.raises(LockError) as wrong:
            lock.write(made, TARGETS, Cache(tmp_path), NOTHING, runner=uv, describe=undescribed)
        assert "requirements.in" in wrong.value.hint

    def test_a_first_lock_is_of_uv_if_only_uv_finds_a_package(
        self, project: Make, uv: FakeUv, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        made = project("flask", pyproject__toml='[tool.uv.sources]\nflask = { index = "ours" }\n')
        made = dataclasses.replace(made, requirements_file="pyproject.toml")
        lock.write(made, TARGETS, Cache(tmp_path), NOTHING, runner=uv, describe=undescribed)
        assert (made.root / "uv.lock").read_text() == "written by uv"

    def test_does_not_renew_a_lock_that_cannot_have_a_package(
        self, project: Make, uv: FakeUv, tmp_path: Path
    ) -> None:
        made = project(
            "flask",
            pyproject__toml='[tool.uv.sources]\nflask = { index = "ours" }\n',
            pylock__toml=pylock_of("flask==3.1.0"),
        )
        made = dataclasses.replace(made, requirements_file="pyproject.toml")
        with pytest.raises(LockError, match=r"\[tool.uv.sources\] has 'flask'") as wrong:
            lock.write(made, TARGETS, Cache(tmp_path), NOTHING, runner=uv, describe=undescribed)
        assert wrong.value.hint == "Remove pylock.toml, then run 'debonair lock', which writes uv.lock."
        assert uv.asked == []

    def test_refuses_requirements_of_the_settings_in_a_uv_lock(
        self, project: Make, ensure: Ensure, uv: FakeUv, tmp_path: Path
    ) -> None:
        made = dataclasses.replace(project("flask", "cgi<2", uv__lock=""), further_requirements=("cgi<2",))
        for act in (
            lambda: ensure(made),
            lambda: lock.write(made, TARGETS, Cache(tmp_path), NOTHING, runner=uv, describe=undescribed),
        ):
            with pytest.raises(
                LockError, match=r"uv\.lock cannot have the packages in 'requirements'"
            ) as wrong:
                act()
            assert wrong.value.hint.endswith("uv add 'cgi<2'")

    def test_leaves_a_uv_lock_to_uv(self, project: Make, uv: FakeUv, tmp_path: Path) -> None:
        made = project("flask", uv__lock="")
        lock.write(made, TARGETS, Cache(tmp_path), NOTHING, upgrade=True, runner=uv, describe=undescribed)
        (asked,) = uv.asked
        assert asked[:3] == ["lock", "-q", "--upgrade"]
        assert (made.root / "uv.lock").read_text() == "written by uv"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The targets whose extra indexes were asked, which have a wheel of flask."""
    found = list[list[str]]()

    def complete(data: bytes, path: Path, targets: list[target.Target], *_: Any) -> tuple[bytes, Any]:
        found.append([on.name for on in targets])
        return data, {"https://extra.example": ("flask-3.1.0-py3-none-any.whl",)}

    monkeypatch.setattr(extra_indexes, "complete", complete)
    return found


class TestStale:
    def test_extra_indexes_were_turned_off(
        self, project: Make, ensure: Ensure, asked: list[list[str]]
    ) -> None:
        made = project("flask")
        found = ensure(made, [target.load("trixie-armv7")])
        assert found.packages[0].wheels[0].index == "https://extra.example"
        with pytest.raises(LockError, match="it has files of extra indexes, but 'piwheels' is now false"):
            ensure(dataclasses.replace(made, piwheels=False))

    @pytest.mark.parametrize(
        ("before", "after", "why"),
        [
            (["flask"], ["flask", "click"], "'click' was added"),
            (["flask", "click"], ["flask"], "'click' was removed"),
            (["Flask>=3"], ["Flask>=3.1"], "'flask>=3' was changed to 'flask>=3.1'"),
        ],
    )
    def test_requirements_changed(
        self, project: Make, ensure: Ensure, before: list[str], after: list[str], why: str
    ) -> None:
        ensure(project(*before))
        with pytest.raises(LockError) as wrong:
            ensure(project(*after))
        assert why in wrong.value.message
        assert str(project().root / "pylock.toml") in wrong.value.message
        assert "debonair lock" in wrong.value.hint

    def test_only_written_otherwise(self, project: Make, ensure: Ensure) -> None:
        ensure(project("Flask >=3", "click"))
        assert ensure(project("click", "flask>=3"))

    def test_an_older_python_is_to_be_served(self, project: Make, ensure: Ensure) -> None:
        ensure(project("flask"), [TARGETS[0]])
        with pytest.raises(LockError, match=r"it is for Python 3\.13 and later, but a target has 3\.11"):
            ensure(project("flask"))

    def test_a_lock_of_somebody_else(self, project: Make, ensure: Ensure) -> None:
        text = pylock_of("flask==3.1.0")
        assert ensure(project("flask>=3", pylock__toml=text))
        with pytest.raises(LockError, match=r"it has flask 3\.1\.0, but the project requires 'flask>=4'"):
            ensure(project("flask>=4", pylock__toml=text))

    @pytest.mark.parametrize(
        ("requires", "why"),
        [('"<3.13"', "is for Python <3.13, but trixie-arm64 has 3.13."), ('"!"', "is not valid")],
    )
    def test_a_lock_for_another_python(
        self, project: Make, ensure: Ensure, requires: str, why: str
    ) -> None:
        text = pylock_of("flask==3.1.0").replace('">=3.11"', requires)
        with pytest.raises(LockError, match=why):
            ensure(project("flask", pylock__toml=text))

    def test_a_lock_for_another_system(self, project: Make, ensure: Ensure) -> None:
        text = "environments = [\"sys_platform == 'win32'\"]\n" + pylock_of("flask==3.1.0")
        with pytest.raises(
            LockError, match=r"is for other machines: trixie-arm64 is not among its 'environments'\."
        ):
            ensure(project("flask", pylock__toml=text))


class TestRequirements:
    def test_asks_once_where_the_files_are(self, project: Make, ensure: Ensure, uv: FakeUv) -> None:
        pins = ["click==8.1.0", "flask==3.1.0 ; python_version >= '3.11'"]
        made = project("flask>=3", requirements__txt=requirements_of(*pins))
        found = ensure(made)
        assert found.form == "requirements.txt"
        click, flask = found.packages
        assert [file.filename for file in click.files] == [
            "click-8.1.0-py3-none-any.whl",
            "click-8.1.0.tar.gz",
        ]
        assert flask.wheels[0].url == "https://index.example/flask-3.1.0-py3-none-any.whl"
        assert flask.marker == 'python_version >= "3.11"'  # which the answer has lost
        assert "--no-deps" in uv.asked[0]
        assert uv.inputs == ['click==8.1.0\nflask==3.1.0 ; python_version >= "3.11"\n']
        assert ensure(project("flask>=2")).packages == found.packages
        assert len(uv.asked) == 1

    def test_takes_no_file_that_is_not_pinned(self, project: Make, ensure: Ensure) -> None:
        text = f"flask==3.1.0 --hash=sha256:{sha('flask-3.1.0.tar.gz')}"
        (flask,) = ensure(project("flask", requirements__txt=text)).packages
        assert flask.wheels == ()
        assert flask.sdist
        assert flask.sdist.filename == "flask-3.1.0.tar.gz"

    def test_hands_on_where_the_index_is(self, project: Make, ensure: Ensure, uv: FakeUv) -> None:
        text = "--index-url https://index.example/\n" + requirements_of("flask==3.1.0")
        ensure(project("flask", requirements__txt=text))
        assert uv.inputs[0].startswith("--index-url https://index.example/\n")

    def test_an_index_with_other_files(
        self, project: Make, ensure: Ensure, uv: FakeUv, tmp_path: Path
    ) -> None:
        text = f"flask==3.1.0 --hash=sha256:{'0' * 64}"
        with pytest.raises(LockError, match=r"the index has no file of flask 3\.1\.0 with a locked hash\."):
            ensure(project("flask", requirements__txt=text))
        assert list((tmp_path / "cache/locks").iterdir()) == []

    def test_what_no_target_wants_may_be_missing(self, project: Make, ensure: Ensure) -> None:
        pins = requirements_of("flask==3.1.0", "colorama==0.4.6 ; sys_platform == 'win32'")
        assert [
            package.wheels != () for package in ensure(project("flask", requirements__txt=pins)).packages
        ] == [
            True,
            False,
        ]

    @pytest.mark.parametrize(
        ("wanted", "why"),
        [
            ("click", "'click' is not in it"),
            ("flask>=4", "it has flask 3.1.0, but the project requires 'flask>=4'"),
        ],
    )
    def test_stale(self, project: Make, ensure: Ensure, wanted: str, why: str) -> None:
        with pytest.raises(LockError, match=why):
            ensure(project(wanted, requirements__txt=requirements_of("flask==3.1.0")))

    def test_what_no_target_wants_makes_none_stale(self, project: Make, ensure: Ensure) -> None:
        pins = requirements_of("flask==3.1.0")
        assert ensure(project("flask", "colorama; sys_platform == 'win32'", requirements__txt=pins))

    def test_a_version_that_is_none(self, project: Make, ensure: Ensure) -> None:
        pins = f"flask===three --hash=sha256:{'0' * 64}"
        with pytest.raises(LockError, match="has flask three"):
            ensure(project("flask>=3", requirements__txt=pins))

    def test_offline(self, project: Make, ensure: Ensure, uv: FakeUv) -> None:
        uv.says = (
            "error: Request failed after 3 retries\n  cause: Failed to fetch: https://index.example/simple/\n"
            "  cause: no route to host"
        )
        with pytest.raises(NetworkError) as wrong:
            ensure(project("flask", requirements__txt=requirements_of("flask==3.1.0", "click==8.1.0")))
        assert "flask 3.1.0, click 8.1.0" in wrong.value.message
        assert "index.example could not be reached: no route to host" in wrong.value.message

    def test_a_wheel_by_its_address(self, project: Make, ensure: Ensure, uv: FakeUv) -> None:
        url = "https://files.example/own-2.0-py3-none-any.whl"
        text = f"own @ {url} --hash=sha256:{'0' * 64}"
        (own,) = ensure(project("own", requirements__txt=text)).packages
        assert (own.version, own.wheels[0].url, own.wheels[0].filename) == (
            "2.0",
            url,
            url.rpartition("/")[2],
        )
        assert uv.asked == []

    @pytest.mark.parametrize("number", [0, 1, 2])
    def test_of_several_hashes_of_an_address_that_of_the_file_counts(
        self, number: int, project: Make, ensure: Ensure, tmp_path: Path
    ) -> None:
        """pip takes a file with any of them, as of one that was built again."""
        wheel = tmp_path / "own-2.0-py3-none-any.whl"
        wheel.write_bytes(b"a wheel")
        right = hashlib.sha256(b"a wheel").hexdigest()
        hashes = sorted(["0" * 64, "f" * 64])
        hashes.insert(number, right)
        text = f"own @ {wheel.as_uri()} " + " ".join(f"--hash=sha256:{value}" for value in hashes)
        (own,) = ensure(project("own", requirements__txt=text)).packages
        assert [file.sha256 for file in own.wheels] == [right]

    def test_an_address_with_a_file_of_another_hash(
        self, project: Make, ensure: Ensure, tmp_path: Path
    ) -> None:
        wheel = tmp_path / "own-2.0-py3-none-any.whl"
        wheel.write_bytes(b"another wheel")
        text = f"own @ {wheel.as_uri()} --hash=sha256:{'0' * 64} --hash=sha256:{'1' * 64}"
        with pytest.raises(LockError, match=r"which is not one of those of own\."):
            ensure(project("own", requirements__txt=text))

    def test_an_address_that_is_no_wheel(self, project: Make, ensure: Ensure) -> None:
        text = f"own @ https://files.example/own.tar.gz --hash=sha256:{'0' * 64}"
        with pytest.raises(LockError, match="not a wheel"):
            ensure(project("own", requirements__txt=text))


UV_LOCK = """
version = 1
[[package]]
name = "guestbook"
version = "1.4.2"
source = { virtual = "." }
[package.metadata]
requires-dist = [
    { name = "flask", extras = ["async"], specifier = ">=3,<4" },
    { name = "tomli", marker = "python_full_version < '3.12'" },
    { name = "pytest", marker = "extra == 'test'" },
]
"""


class TestUvLock:
    WANTED = ("Flask[async]<4,>=3", "tomli; python_version < '3.12'")

    def test_is_converted_by_uv_once(self, project: Make, ensure: Ensure, uv: FakeUv) -> None:
        uv.exported = pylock_of("flask==3.1.0", "tomli==2.0.0")
        made = project(*self.WANTED, uv__lock=UV_LOCK)
        found = ensure(made)
        assert found.form == "uv.lock"
        assert found.path == made.root / "uv.lock"
        assert [package.name for package in found.packages] == ["flask", "tomli"]
        assert ensure(made) == found
        (asked,) = uv.asked
        assert asked[0] == "export"
        assert {"--frozen", "--no-emit-project", "--no-dev"} <= set(asked)

    @pytest.mark.parametrize(
        ("wanted", "why"),
        [
            (["Flask[async]>=3.1,<4", "tomli"], "'flask.* was changed to"),
            (["Flask>=3,<4", "tomli"], "'flask.* was changed to"),
            ([*WANTED, "click"], "'click' was added"),
            (WANTED[:1], "'tomli' was removed"),
        ],
    )
    def test_stale(self, project: Make, ensure: Ensure, uv: FakeUv, wanted: list[str], why: str) -> None:
        with pytest.raises(LockError, match=why):
            ensure(project(*wanted, uv__lock=UV_LOCK))
        assert uv.asked == []

    @pytest.mark.parametrize("extra", ["postgresql_psycopg", "PostgreSQL.psycopg", "postgresql--psycopg"])
    def test_the_names_of_extras_are_normalised(
        self, extra: str, project: Make, ensure: Ensure, uv: FakeUv
    ) -> None:
        uv.exported = pylock_of("flask==3.1.0", "tomli==2.0.0")
        text = UV_LOCK.replace('["async"]', '["async", "postgresql-psycopg"]')
        made = project(f"Flask[{extra}, Async]<4,>=3", self.WANTED[1], uv__lock=text)
        assert ensure(made).form == "uv.lock"

    def test_is_converted_anew_if_the_project_changed(
        self, project: Make, ensure: Ensure, uv: FakeUv
    ) -> None:
        uv.exported = pylock_of("flask==3.1.0", "tomli==2.0.0")
        for text in ("[tool.uv]", "[tool.uv] # changed"):
            ensure(project(*self.WANTED, uv__lock=UV_LOCK, pyproject__toml=text))
        assert len(uv.asked) == 2

    def test_of_another_project(self, project: Make, ensure: Ensure) -> None:
        with pytest.raises(LockError, match="does not have the project Guestbook"):
            ensure(project("flask", uv__lock=UV_LOCK.replace("guestbook", "other")))

    def test_not_to_be_read(self, project: Make, ensure: Ensure) -> None:
        with pytest.raises(LockError, match=r"uv\.lock is not valid"):
            ensure(project("flask", uv__lock="<<<<<<<"))


class TestPylockWithoutAddresses:
    def test_those_that_have_one_stay(self, project: Make, ensure: Ensure) -> None:
        text = pylock_of("flask==3.1.0", address=False).replace(
            "wheels = [",
            f'wheels = [{{ url = "https://extra.example/x.whl", hashes = {{ sha256 = "{"0" * 64}" }} }}, ',
        )
        (flask,) = ensure(project("flask", pylock__toml=text)).packages
        assert [file.url.rpartition("/")[0] for file in flask.wheels] == [
            "https://extra.example",
            "https://index.example",
        ]

    def test_are_asked_for(self, project: Make, ensure: Ensure, uv: FakeUv) -> None:
        made = project("flask", pylock__toml=pylock_of("flask==3.1.0", address=False))
        assert (
            ensure(made).packages[0].wheels[0].url == "https://index.example/flask-3.1.0-py3-none-any.whl"
        )
        assert uv.inputs == ["flask==3.1.0\n"]


def test_a_lock_that_may_not_be_read(
    project: Make, ensure: Ensure, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, *_: object) -> int:
        raise PermissionError(13, "Permission denied", str(path))

    made = project("flask", pylock__toml="")
    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(ProjectError, match=r"pylock\.toml is not readable\."):
        ensure(made)
