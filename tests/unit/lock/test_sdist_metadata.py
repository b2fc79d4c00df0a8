"""What uv is told instead of building anything."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from debonair.errors import LockError, MachineError
from debonair.host import sandbox
from debonair.host.run import CommandError, Completed
from debonair.host.sandbox import Sandbox
from debonair.lock.sdist_metadata import Describe, NoBuildOptions, Unbuilt
from debonair.lock.uv import Uv
from debonair.wheels import pure as sdists

METADATA = b"""\
Metadata-Version: 2.1
Name: Purely
Version: 1.0
Requires-Dist: flask>=3; python_version >= "3.12"
Requires-Dist: click ; extra == "cli"
Requires-Python: >=3.9
Provides-Extra: cli
"""


@pytest.fixture(autouse=True)
def _sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Sandbox("unshare", Path("/usr/bin/python3"), Path("/usr"))
    monkeypatch.setattr(sandbox, "find", lambda: (found, ""))


def describe(*_: object) -> bytes:
    return METADATA


def told(folder: Path, describe: Describe = describe, **environ: str) -> NoBuildOptions:
    environ = {"DEBONAIR_CACHE": str(folder / "cache"), "PIP_CONFIG_FILE": "/dev/null", **environ}
    made = NoBuildOptions(folder, environ, describe)
    sdist = folder / "purely-1.0.tar.gz"
    sdist.write_bytes(b"an sdist")
    made.learn(Unbuilt("purely", url=sdist.as_uri()), None)
    return made


@pytest.mark.parametrize(
    ("output", "found"),
    [
        ("error: Failed to build `dyn==2.0`\n  cause: x", Unbuilt("dyn", "2.0")),
        ("  cause: Failed to download and build `my-dyn==2.0.post1`", Unbuilt("my-dyn", "2.0.post1")),
        ("Failed to build `a @ https://x.example/a.zip`", Unbuilt("a", url="https://x.example/a.zip")),
        ("error: No solution found", None),
        ("error: Failed to build the thing", None),
    ],
)
def test_what_uv_could_not_look_into(output: str, found: Unbuilt | None) -> None:
    assert Unbuilt.of(output) == found


class TestSettings:
    ASKED: Mapping[str, Any] = {
        "name": "purely",
        "version": "1.0",
        "requires-dist": ['flask>=3; python_version >= "3.12"', 'click; extra == "cli"'],
        "requires-python": ">=3.9",
        "provides-extra": ["cli"],
    }

    def read(self, path: str) -> dict[str, Any]:
        return tomllib.loads(Path(path).read_text())

    def test_nothing_is_set_while_nothing_is_known(self, tmp_path: Path) -> None:
        assert NoBuildOptions(tmp_path, {}, describe).variables() == {}

    def test_those_of_the_user_stay(self, tmp_path: Path) -> None:
        users = tmp_path / "home/.config/uv/uv.toml"
        users.parent.mkdir(parents=True)
        users.write_text('index-url = "https://i.example"\n[pip]\nstrict = true\n')
        variables = told(tmp_path, HOME=str(tmp_path / "home")).variables()
        found = self.read(f"{variables['XDG_CONFIG_HOME']}/uv/uv.toml")
        assert found == {
            "index-url": "https://i.example",
            "pip": {"strict": True},
            "dependency-metadata": [self.ASKED],
        }

    def test_a_file_that_the_user_names(self, tmp_path: Path) -> None:
        (tmp_path / "own.toml").write_text("offline = true\n")
        variables = told(tmp_path, UV_CONFIG_FILE=str(tmp_path / "own.toml"), UV_NO_CONFIG="1").variables()
        assert self.read(variables["UV_CONFIG_FILE"]) == {
            "offline": True,
            "dependency-metadata": [self.ASKED],
        }
        assert variables["UV_NO_CONFIG"] == "0"

    def test_a_user_who_wants_none_of_theirs(self, tmp_path: Path) -> None:
        users = tmp_path / ".config/uv/uv.toml"
        users.parent.mkdir(parents=True)
        users.write_text("offline = true\n")
        variables = told(tmp_path, HOME=str(tmp_path), UV_NO_CONFIG="1").variables()
        assert self.read(variables["UV_CONFIG_FILE"]) == {"dependency-metadata": [self.ASKED]}


class TestLearning:
    def test_it_is_asked_once(self, tmp_path: Path) -> None:
        made = told(tmp_path)
        with pytest.raises(
            LockError,
            match=r"cannot be locked: uv does not accept the metadata that its build backend returned\.",
        ):
            made.learn(*next((one, None) for one in made.known))

    def test_not_of_more_than_anybody_needs(self, tmp_path: Path) -> None:
        made = NoBuildOptions(tmp_path, {}, describe)
        made.known |= {Unbuilt(f"x{number}"): "" for number in range(64)}
        with pytest.raises(
            LockError,
            match=r"cannot be locked: uv does not accept the metadata that its build backend returned\.",
        ):
            made.learn(Unbuilt("purely", "1.0"), None)

    @pytest.mark.parametrize("url", ["git+https://x.example/a", "file:///srv/a/", "ssh://x/a.zip"])
    def test_what_is_no_sdist(self, url: str, tmp_path: Path) -> None:
        with pytest.raises(LockError, match=r"^a .* is not an sdist, so") as caught:
            NoBuildOptions(tmp_path, {"HOME": str(tmp_path)}, describe).learn(Unbuilt("a", url=url), None)
        assert (
            "Build a wheel of a and require its address, or publish it on your index." in caught.value.hint
        )

    def test_without_a_sandbox(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sandbox, "find", lambda: (None, "not permitted"))
        with pytest.raises(
            MachineError, match=r"^The requirements of a 1 are determined by code of others"
        ):
            NoBuildOptions(tmp_path, {"HOME": str(tmp_path)}, describe).learn(Unbuilt("a", "1"), None)

    def test_one_that_cannot_be_built(self, tmp_path: Path) -> None:
        def failing(*_: object) -> bytes:
            raise LockError("ImportError: Feature")

        with pytest.raises(
            LockError, match="cannot be built, so its requirements are unknown: ImportError"
        ) as caught:
            told(tmp_path, failing)
        assert (
            "It may be too old for the current Python. Require a newer purely, or any version."
            in caught.value.hint
        )


class Lines:
    """Stands in for uv: it fails to build what it was not told of, and writes a lock then."""

    def __init__(self, fails: str) -> None:
        self.fails = fails
        self.asked: list[list[str]] = []
        self.settings: list[str] = []

    def __call__(self, argv: list[Any], *, env: Mapping[str, str], **_: object) -> Completed:
        words = list(map(str, argv))
        self.asked.append(words)
        config = env.get("XDG_CONFIG_HOME")
        self.settings.append((Path(config) / "uv/uv.toml").read_text() if config else "")
        if "purely" not in self.settings[-1] and "--no-deps" not in words:
            raise CommandError(words, 2, self.fails)
        if "-o" in words:
            text = (
                'lock-version = "1.0"\n[[packages]]\nname = "purely"\nversion = "1.0"\n'
                f'sdist = {{ url = "{self.sdist.as_uri()}", hashes = {{ sha256 = "{self.sha256}" }} }}\n'
            )
            Path(words[words.index("-o") + 1]).write_text(text)
        return Completed(0, "", "")

    sdist: Path
    sha256: str


@pytest.fixture
def lines(tmp_path: Path) -> Lines:
    made = Lines("error: Failed to build `purely==1.0`")
    made.sdist = tmp_path / "purely-1.0.tar.gz"
    made.sdist.write_bytes(b"an sdist")
    made.sha256 = sdists.sha256(made.sdist)
    return made


def test_uv_is_asked_again_when_it_was_told(lines: Lines, tmp_path: Path) -> None:
    uv = Uv(
        tmp_path,
        {"DEBONAIR_CACHE": str(tmp_path / "cache"), "PIP_CONFIG_FILE": "/dev/null"},
        describe,
        lines,
    )
    assert b"purely" in uv.lock(["purely"], "3.11", tmp_path / "pylock.toml")
    assert ["--no-deps" in words for words in lines.asked] == [False, True, False]
    assert all("--no-build-isolation" in words for words in lines.asked)
    assert "dependency-metadata" in lines.settings[-1]


def test_a_lock_of_uv_is_left_to_uv(lines: Lines, tmp_path: Path) -> None:
    """What it was told of would be written there, and its next reader would find it stale."""
    with pytest.raises(LockError, match=r"^uv\.lock cannot be renewed here: .* purely ") as caught:
        Uv(tmp_path, {"PIP_CONFIG_FILE": "/dev/null"}, describe, lines).relock("3.13")
    assert "If you trust it, run 'uv lock', which does that; then build." in caught.value.hint
    (words,) = lines.asked
    assert words[words.index("--python") - 1] == "-q"


def test_where_no_sandbox_can_be_made_and_none_is_needed(
    lines: Lines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from debonair.lock import uv as resolve

    monkeypatch.setattr(resolve, "find_sandbox", lambda: (None, "not permitted"))
    environ = {"PIP_CONFIG_FILE": "/dev/null", sandbox.VARIABLE: "1"}
    with pytest.raises(LockError):
        Uv(tmp_path, environ, describe, lines).lock(["purely"], "3.11", tmp_path / "pylock.toml")
    (words,) = lines.asked
    assert "--no-build-isolation" not in words
