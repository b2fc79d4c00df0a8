"""What becomes of existing configurations of uWSGI and nginx: whole accounts, as goldens."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from debonair import imports
from debonair.imports import Imported, nginx, uwsgi

BEFORE = Path(__file__).parent / "imports"
"""Projects as they were before; their configurations are those that are widely copied."""


def imported(root: Path, *names: str) -> Imported:
    readers = {True: nginx.read, False: uwsgi.read}
    return imports.merge(readers[name.endswith(".conf")](root / name, root) for name in names)


@pytest.mark.parametrize(
    ("project", "names"),
    [
        ("classic", ["uwsgi.ini", "site.conf"]),
        ("socket", ["myproject.ini", "site.conf"]),
        ("quickstart", ["uwsgi.ini", "site.conf"]),
        ("django", ["mysite_uwsgi.ini", "site.conf"]),
        ("dashboard", ["uwsgi.ini", "site.conf"]),
        ("jobs", ["uwsgi.ini"]),
        ("forms", ["uwsgi.yaml", "uwsgi.json", "uwsgi.xml"]),
        ("tls", ["nginx.conf"]),
    ],
)
def test_the_account(
    project: str,
    names: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    golden: Callable[[str, str], None],
) -> None:
    shutil.copytree(BEFORE / project, tmp_path / project)
    monkeypatch.chdir(tmp_path / project)
    found = imported(Path(), *names)
    lines = [imports.table(found.accounts), json.dumps(found.settings, indent=2), "", *found.warnings, ""]
    text = "\n".join(lines)
    assert "not-to-be-seen" not in text
    golden(f"imports/{project}.txt", text)
