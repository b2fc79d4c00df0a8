"""Projects as their authors write them, and what ``debonair init`` proposes for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from debonair.errors import ProjectError
from debonair.host.run import Completed
from debonair.init import proposal as init
from debonair.init import report
from debonair.init.model import Draft

FLASK = "from flask import Flask\n\napp = Flask(__name__)\n"


def git(argv: Sequence[Any], **_: object) -> Completed:
    """Answer as git with a configuration does."""
    assert argv[:2] == ("git", "config")
    output = "global\0user.name\nAda Lovelace\0global\0user.email\nada@example.org\0"
    return Completed(0, output, "")


def make(root: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def draft(root: Path, **given: Any) -> Draft:
    return init.draft(root, {}, **{"runner": git, **given})


def refused(root: Path, **given: Any) -> ProjectError:
    with pytest.raises(ProjectError) as caught:
        draft(root, **given)
    return caught.value


def told(draft: Draft, columns: int) -> str:
    """Return all that ``debonair init`` prints about ``draft``."""
    found = report.found(draft, columns=columns)[:-1]
    return "\n".join([found, report.text(draft, columns=columns), report.next_steps(draft)])
