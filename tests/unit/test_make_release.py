"""A release is made only if version, tags, news and changelog agree."""

from __future__ import annotations

import datetime
import subprocess
from pathlib import Path

import make_release as release
import pytest

ROOT = Path(__file__).parents[2]
NOW = datetime.datetime(2026, 11, 30, 9, 5, tzinfo=datetime.UTC)
NEWS = "# News\n\n## 0.2.0, not yet released\n\n- A change.\n\n## 0.1.0, 2026-10-01\n\n- The first.\n"
CODE = '"""Text."""\n\n__version__ = "0.1.0"\n'
CHANGELOG = (
    "debonair (0.1.0-1) unstable; urgency=medium\n\n  * First release.\n\n"
    " -- Ada <ada@example.org>  Sun, 22 Nov 2026 10:00:00 +0000\n"
)


class Git:
    """A git with the answers that a test gives it; it remembers what it was called with."""

    def __init__(self, **answers: str) -> None:
        self.answers = {
            "branch": "main\n",
            "status": "",
            "tag": "v0.1.0\nvalley\n",
            "user.name": "Bo",
            "user.email": "bo@example.org",
        } | answers
        self.calls: list[tuple[str, ...]] = []

    def __call__(self, *words: str) -> str:
        self.calls.append(words)
        answer = self.answers.get(words[1] if words[0] == "config" else words[0], "")
        if answer == "missing":
            raise subprocess.CalledProcessError(1, ["git", *words])
        return answer


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, text in ((release.NEWS, NEWS), (release.CODE, CODE), (release.CHANGELOG, CHANGELOG)):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def files(root: Path) -> dict[str, str]:
    return {name: (root / name).read_text() for name in (release.NEWS, release.CODE, release.CHANGELOG)}


def test_a_release_changes_three_files_and_is_tagged(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    git = Git()
    assert release.main(["0.2.0"], root, git, NOW) == 0
    made = files(root)
    assert made[release.NEWS] == NEWS.replace("not yet released", "2026-11-30")
    assert made[release.CODE] == CODE.replace("0.1.0", "0.2.0")
    assert made[release.CHANGELOG] == (
        "debonair (0.2.0-1) unstable; urgency=medium\n\n  * New release; see NEWS.md.\n\n"
        f" -- Bo <bo@example.org>  Mon, 30 Nov 2026 09:05:00 +0000\n\n{CHANGELOG}"
    )
    assert git.calls[-2:] == [
        ("commit", "--quiet", "--message", "release: Debonair 0.2.0", "--", *made),
        ("tag", "--sign", "--message", "Debonair 0.2.0", "v0.2.0"),
    ]
    assert "git push origin main v0.2.0" in capsys.readouterr().out


def test_a_dry_run_shows_the_changes_and_makes_none(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    git = Git()
    before = files(root)
    assert release.main(["0.2.0", "--dry-run"], root, git, NOW) == 0
    assert "+## 0.2.0, 2026-11-30\n" in capsys.readouterr().out
    assert files(root) == before
    assert not {"commit", "tag"} & {words[0] for words in git.calls if words[:2] != ("tag", "--list")}


@pytest.mark.parametrize(
    ("version", "answers", "message"),
    [
        ("0.2", {}, "not a version of the form"),
        ("v0.2.0", {}, "not a version of the form"),
        ("0.02.0", {}, "not a version of the form"),
        ("0.2.0", {"branch": "other\n"}, "git switch main"),
        ("0.2.0", {"status": " M NEWS.md\n"}, "uncommitted changes"),
        ("0.1.0", {}, "The tag v0.1.0 exists"),
        ("0.0.9", {}, "not higher than 0.1.0"),
        ("0.2.0", {"tag": "v0.9.0\nv0.10.0\n"}, "not higher than 0.10.0"),
        ("0.3.0", {}, "Begin it with: ## 0.3.0, not yet released"),
        ("0.2.0", {"user.email": "missing"}, "git config user.email"),
    ],
)
def test_a_wrong_release_is_refused(
    version: str, answers: dict[str, str], message: str, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    git = Git(**answers)
    before = files(root)
    assert release.main([version], root, git, NOW) == 1
    assert message in capsys.readouterr().err
    assert files(root) == before
    assert all(words[0] != "commit" for words in git.calls)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("# News\n", "no section"),
        (NEWS.replace("not yet released", "2026-11-01"), "dates 0.2.0 already"),
        (NEWS.replace("- A change.\n", ""), "lists no change"),
    ],
)
def test_news_that_are_not_ready_are_refused(text: str, message: str) -> None:
    with pytest.raises(release.RefusedError, match=message):
        release.news(text, "0.2.0", NOW.date())


def test_a_failure_of_git_ends_in_a_message(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    git = Git(commit="missing")
    assert release.main(["0.2.0"], root, git, NOW) == 1
    assert "git commit failed" in capsys.readouterr().err


def test_code_without_a_version_is_refused() -> None:
    with pytest.raises(release.RefusedError, match="exactly one line"):
        release.code("version = 1\n", "0.2.0")


def test_an_entry_of_this_version_gets_the_date_only() -> None:
    made = release.changelog(CHANGELOG, "0.1.0", "Bo <bo@example.org>", NOW)
    assert made == CHANGELOG.replace(
        "Ada <ada@example.org>  Sun, 22 Nov 2026 10:00:00", "Bo <bo@example.org>  Mon, 30 Nov 2026 09:05:00"
    )


def test_a_changelog_of_another_package_is_refused() -> None:
    with pytest.raises(release.RefusedError, match="does not begin with an entry"):
        release.changelog("other (1-1) unstable\n", "0.2.0", "Bo <bo@example.org>", NOW)


def test_the_files_of_this_checkout_have_the_form_that_a_release_needs() -> None:
    ours = files(ROOT)
    section = release._SECTION.search(ours[release.NEWS])
    assert section
    ready = ours | {release.NEWS: ours[release.NEWS].replace(section["date"], release._NOT_YET, 1)}
    made = release.changes(ready, section["version"], "Bo <bo@example.org>", NOW)
    assert f'__version__ = "{section["version"]}"' in made[release.CODE]
