"""The notes of ``init`` about what the files of requirements say."""

from __future__ import annotations

from pathlib import Path

import drafts

from debonair.errors import MachineError
from debonair.init import proposal


def told(root: Path, **files: str) -> str:
    (root / "app.py").write_text("from flask import Flask\n\napp = Flask(__name__)\n")
    for name, text in files.items():
        (root / name.replace("_", ".")).write_text(text)
    environ = {"DEBFULLNAME": "Ada", "DEBEMAIL": "ada@example.org"}

    def no_git(*_: object, **__: object) -> None:
        raise MachineError("git does not exist")

    draft = proposal.draft(root, environ, runner=no_git)  # type: ignore[arg-type]
    return " ".join(drafts.told(draft, columns=60).split())


def test_a_group_that_is_not_taken_over(tmp_path: Path) -> None:
    text = told(
        tmp_path,
        pyproject_toml='[tool.poetry]\nname = "thermo"\nversion = "1.0"\ndescription = "x"\n'
        '[tool.poetry.dependencies]\nflask = "^3.0"\n'
        "[tool.poetry.group.prod]\noptional = true\n"
        '[tool.poetry.group.prod.dependencies]\nwaitress = "^3"\n',
    )
    assert "the group prod (waitress) is not taken over. If the app needs it on the Pi, move it to" in text
    assert "flask>=3.0,<4" in text


def test_a_password_that_a_line_break_would_split(tmp_path: Path) -> None:
    address = f"https://ada:{'s3-cret-' * 20}@wheels.example.org/simple"
    text = told(tmp_path, requirements_txt=f"-i {address}\nflask\n")
    assert "https://****@wheels.example.org/simple" in text
    assert "cret" not in text
