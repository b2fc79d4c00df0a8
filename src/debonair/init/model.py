"""The proposal of ``debonair init``: the findings, and the files that it would write."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from debonair.errors import ProjectError
from debonair.host.cache import whole
from debonair.host.terminal import line
from debonair.init import settings_file
from debonair.init.discovery.application import Ask, Check
from debonair.init.discovery.code_change import Change
from debonair.init.discovery.finding import File, Finding
from debonair.init.imports.account import Imported
from debonair.project import maintainer, reader, settings

REQUIREMENTS = "requirements.txt"
"""The file to write if no file declares the app's requirements."""
_HEAD = "Written by 'debonair init'. You can edit it. 'debonair schema' lists every key."


@dataclass(frozen=True)
class Draft:
    """The findings of ``debonair init`` about a project, and the files that it would write."""

    root: Path
    file: Path
    """The file of the settings, which may exist already."""
    present: bool
    """True if there are settings already; then nothing is written."""
    findings: tuple[Finding, ...]
    imported: Imported
    """The settings from the files of other tools."""
    notes: tuple[str, ...]
    """Notes for the author, each a sentence or two."""
    text: str
    """The text of the settings to write."""
    requirements: str = ""
    """The text of the requirements.txt to write; empty to write none."""
    changes: tuple[Change, ...] = ()
    """Proposed changes of the code; ``notes`` describe them, too."""
    files: tuple[File, ...] = ()
    """Files of code to write, which do not exist."""

    @property
    def has_guesses(self) -> bool:
        """True if the author may know some of the findings better."""
        return not self.present and any(found.guessed for found in self.findings)


def write(draft: Draft) -> None:
    """Write the settings of ``draft``; existing text in a pyproject.toml stays, and they are appended.

    If the draft proposes requirements, because no file declares them, also write a requirements.txt. Also
    write the files of code that the draft proposes. Raises ``ProjectError`` if the file of the settings is
    a link that leads out of the project.
    """
    file = Path(os.path.realpath(draft.file))  # resolve() fails for a link to itself
    if not reader.is_inside(file, draft.root):
        raise ProjectError(
            f"{draft.file} is a link that leads out of the project, to {file}.",
            hint="Replace the link by a file.",
        )
    before = file.read_bytes() if reader.is_file(file) else b""
    added = draft.text.encode()
    if before:
        added = b"\n" * (2 - before.endswith(b"\n")) + added
    if b"\r\n" in before:
        added = added.replace(b"\n", b"\r\n")
    if draft.requirements:
        with whole(draft.root / REQUIREMENTS) as temporary:
            temporary.write_text(draft.requirements, encoding="utf-8")
    for each in draft.files:
        with whole(draft.root / each.name) as temporary:
            temporary.write_text(each.text, encoding="utf-8")
    with whole(file) as temporary:
        temporary.write_bytes(before + added)


def answered(draft: Draft, ask: Ask) -> Draft:
    """Return ``draft`` with the author's answers instead of guesses; ``ask`` asks for them.

    Raises ``ProjectError`` for an answer that cannot be a setting.
    """
    findings = [
        replace(found, value=ask(*_QUESTIONS[found.name](found)), where="", guessed=False)
        if found.guessed
        else found
        for found in draft.findings
    ]
    prefix = "tool.debonair" if draft.file.name == "pyproject.toml" else ""
    return replace(draft, findings=tuple(findings), text=text(findings, draft.file, prefix))


def text(findings: Sequence[Finding], file: Path, prefix: str) -> str:
    """Return the settings in ``findings``, which ``file`` has below ``prefix``."""
    lines = [(found.key, found.value, found.where) for found in findings if found.key]
    written = settings_file.text(lines, prefix=prefix, head=_HEAD)
    _check(written, file, prefix)
    return written


def _unfit(text: str) -> str:
    return f"It {why}." if (why := reader.unfit(text)) else ""


_QUESTIONS: Mapping[str, Callable[[Finding], tuple[str, Sequence[str], str, Check]]] = {
    "description": lambda found: ("What does the app do, in one line?", (), found.value, _unfit),
    "maintainer": lambda _: ("Who maintains the package (Name <mail>)?", (), "", maintainer.problem),
}
"""The question for each guess: its text, its answers, the default and the check of an answer."""


def _check(text: str, file: Path, prefix: str) -> None:
    """Raise ``ProjectError`` if a value from an answer or a foreign file is invalid; nothing is written."""
    table: dict[str, Any] = tomllib.loads(text)
    for name in prefix.split(".") if prefix else ():
        table = table[name]
    values = settings.read(table, file=file, prefix=prefix)
    if values.maintainer and maintainer.problem(values.maintainer):
        raise ProjectError(
            f"The maintainer '{line(values.maintainer)}' is not a name and a mail address.",
            hint=maintainer.FORM,
        )
