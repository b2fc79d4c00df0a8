"""Make a release of Debonair: date the news, set the version, commit, tag (docs/maintenance/release.md).

    .venv/bin/python packaging/dev/make_release.py 0.1.0 [--dry-run]

It checks everything before it writes anything; each refusal explains what to do.
"""

from __future__ import annotations

import argparse
import datetime
import difflib
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
NEWS, CODE, CHANGELOG = "NEWS.md", "src/debonair/__init__.py", "debian/changelog"
BRANCH = "main"

_VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")
_SECTION = re.compile(r"^## (?P<version>\S+), (?P<date>.+)$", re.MULTILINE)
_NOT_YET = "not yet released"
_CODE_VERSION = re.compile(r'^__version__ = "[^"\n]*"$', re.MULTILINE)
_ENTRY = re.compile(r"debonair \((?P<version>[^-)]+)-\d+\) ")
_TRAILER = re.compile(r"^ -- .*$", re.MULTILINE)

Git = Callable[..., str]
"""Runs git with the given words and returns its output; raises ``CalledProcessError`` if it fails."""


class RefusedError(Exception):
    """The release cannot be made; the message states why and what to do."""


def main(words: Sequence[str], root: Path, git: Git, now: datetime.datetime) -> int:
    """Make the release that ``words`` request in the checkout ``root``; return the exit status."""
    parser = argparse.ArgumentParser(prog="make_release.py", description="Make a release of Debonair.")
    parser.add_argument("version", help="the version to release, such as 1.2.3")
    parser.add_argument("--dry-run", action="store_true", help="show the changes and write nothing")
    options = parser.parse_args(words)
    try:
        check(options.version, git)
        old = {name: (root / name).read_text(encoding="utf-8") for name in (NEWS, CODE, CHANGELOG)}
        maintainer = f"{_configured(git, 'user.name')} <{_configured(git, 'user.email')}>"
        new = changes(old, options.version, maintainer, now)
    except RefusedError as why:
        print(f"release: {why}", file=sys.stderr)
        return 1
    if options.dry_run:
        for name, text in new.items():
            sys.stdout.writelines(_difference(name, old[name], text))
        return 0
    for name, text in new.items():
        (root / name).write_text(text, encoding="utf-8")
    title = f"Debonair {options.version}"
    try:
        git("commit", "--quiet", "--message", f"release: {title}", "--", *new)
        git("tag", "--sign", "--message", title, f"v{options.version}")
    except subprocess.CalledProcessError as failed:
        # Only the maintainer knows which step is missing, so the changes stay. Nothing was pushed.
        print(
            f"release: {' '.join(failed.cmd[:2])} failed. Check the checkout: git status; git log -1",
            file=sys.stderr,
        )
        return 1
    print(f"Tagged v{options.version}. Push it: git push origin {BRANCH} v{options.version}")
    return 0


def check(version: str, git: Git) -> None:
    """Raise ``RefusedError`` unless ``version`` can be released from the state that ``git`` reports."""
    if not _VERSION.fullmatch(version):
        raise RefusedError(f"'{version}' is not a version of the form 1.2.3.")
    branch = git("branch", "--show-current").strip()
    if branch != BRANCH:
        raise RefusedError(f"The branch is '{branch}'. Type: git switch {BRANCH}")
    if git("status", "--porcelain").strip():
        raise RefusedError("There are uncommitted changes. Commit or remove them: git status")
    tags = [tag[1:] for tag in git("tag", "--list", "v*").split() if _VERSION.fullmatch(tag[1:])]
    if version in tags:
        raise RefusedError(
            f"The tag v{version} exists. A published version never changes: choose a higher one."
        )
    last = max(tags, key=_numbers, default="")
    if last and _numbers(version) <= _numbers(last):
        raise RefusedError(f"{version} is not higher than {last}, the last release.")


def changes(
    old: Mapping[str, str], version: str, maintainer: str, now: datetime.datetime
) -> dict[str, str]:
    """Return the new text of each file; raise ``RefusedError`` if one is not ready."""
    return {
        NEWS: news(old[NEWS], version, now.date()),
        CODE: code(old[CODE], version),
        CHANGELOG: changelog(old[CHANGELOG], version, maintainer, now),
    }


def news(text: str, version: str, day: datetime.date) -> str:
    """Return the news with the date of the first section, which must be of ``version`` and not empty."""
    section = _SECTION.search(text)
    heading = f"## {version}, {_NOT_YET}"
    if section is None or section["version"] != version:
        found = section[0] if section else "no section"
        raise RefusedError(f"{NEWS} begins with '{found}'. Begin it with: {heading}")
    if section["date"] != _NOT_YET:
        raise RefusedError(f"{NEWS} dates {version} already: '{section[0]}'. Change it to: {heading}")
    following = _SECTION.search(text, section.end())
    if not re.search(
        r"^- \S", text[section.end() : following.start() if following else len(text)], re.MULTILINE
    ):
        raise RefusedError(f"{NEWS} lists no change below '{section[0]}'. Add a line '- ...' for each.")
    return f"{text[: section.start()]}## {version}, {day:%Y-%m-%d}{text[section.end() :]}"


def code(text: str, version: str) -> str:
    """Return the module with its ``__version__`` set."""
    if len(_CODE_VERSION.findall(text)) != 1:
        raise RefusedError(f'{CODE} needs exactly one line: __version__ = "..."')
    return _CODE_VERSION.sub(f'__version__ = "{version}"', text)


def changelog(text: str, version: str, maintainer: str, now: datetime.datetime) -> str:
    """Return Debian's changelog with a dated first entry of ``version`` (deb-changelog(5))."""
    trailer = f" -- {maintainer}  {now:%a, %d %b %Y %H:%M:%S %z}"
    first = _ENTRY.match(text)
    if first is None:
        raise RefusedError(f"{CHANGELOG} does not begin with an entry 'debonair (VERSION-REVISION) ...'.")
    if first["version"] != version:
        change = "  * New release; see NEWS.md."
        return f"debonair ({version}-1) unstable; urgency=medium\n\n{change}\n\n{trailer}\n\n{text}"
    return _TRAILER.sub(lambda _: trailer, text, count=1)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in version.split("."))


def _configured(git: Git, key: str) -> str:
    try:
        return git("config", key).strip()
    except subprocess.CalledProcessError:
        raise RefusedError(f"git does not know your {key}. Type: git config {key} ...") from None


def _difference(name: str, old: str, new: str) -> list[str]:
    return list(
        difflib.unified_diff(
            old.splitlines(keepends=True), new.splitlines(keepends=True), f"a/{name}", f"b/{name}", n=1
        )
    )


def _git(*words: str) -> str:
    return subprocess.run(
        ["git", *words], cwd=ROOT, check=True, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    ).stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], ROOT, _git, datetime.datetime.now(datetime.UTC)))
