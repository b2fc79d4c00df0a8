"""A name that a pyproject.toml takes from a place of its own is never searched on the public index."""

from __future__ import annotations

from pathlib import Path

import pytest
from samples import sample_project

from debonair.errors import Error
from debonair.lock import bound_packages
from debonair.project import Project

NOTHING = {"PIP_CONFIG_FILE": "/dev/null"}
PRIVATE = "https://index.example/simple"
POETRY = f"""
[[tool.poetry.source]]
name = "ours"
url = "{PRIVATE}"
priority = "explicit"

[tool.poetry.dependencies]
Our_Library = {{ source = "ours" }}
"""
PDM = f"""
[[tool.pdm.source]]
name = "ours"
url = "{PRIVATE}/"
include_packages = ["our-*"]
"""


def project(root: Path, text: str, *requirements: str, file: str = "pyproject.toml") -> Project:
    (root / "pyproject.toml").write_text(text)
    return sample_project(
        root=root,
        config_file=root / "pyproject.toml",
        requirements=requirements or ("flask", "our.library>=1"),
        requirements_file=file,
    )


def refusal(project: Project, **environ: str) -> Error | None:
    try:
        bound_packages.check(project, {**NOTHING, **environ})
    except Error as refused:
        return refused
    return None


class TestUv:
    @pytest.mark.parametrize(
        "value",
        ['{ index = "ours" }', '[{ git = "https://git.example/x", marker = "os_name == \'posix\'" }]'],
    )
    def test_a_source(self, value: str, tmp_path: Path) -> None:
        made = project(tmp_path, f"[tool.uv.sources]\nOur_Library = {value}\n")
        assert bound_packages.of_uv(made) == ["our-library"]

    @pytest.mark.parametrize("requirement", ["flask", "our-library @ https://index.example/x.whl"])
    def test_a_source_of_something_else(self, requirement: str, tmp_path: Path) -> None:
        made = project(tmp_path, '[tool.uv.sources]\nour-library = { index = "ours" }\n', requirement)
        assert bound_packages.of_uv(made) == []

    def test_requirements_of_another_file(self, tmp_path: Path) -> None:
        text = '[tool.uv.sources]\nour-library = { index = "ours" }\n'
        assert bound_packages.of_uv(project(tmp_path, text, file="requirements.in")) == []


class TestPoetryAndPdm:
    @pytest.mark.parametrize(
        ("text", "where"),
        [
            (POETRY, "pyproject.toml, line 8: Our_Library"),
            (
                POETRY.replace('"explicit"', '"primary"'),
                "pyproject.toml, line 3: [[tool.poetry.source]] ours",
            ),
            (PDM, "pyproject.toml, line 3: [[tool.pdm.source]] ours"),
            (PDM.replace("our-*", "*"), "pyproject.toml, line 3: [[tool.pdm.source]] ours"),
            (PDM.partition("include")[0], "pyproject.toml, line 3: [[tool.pdm.source]] ours"),
        ],
    )
    def test_a_private_index(self, text: str, where: str, tmp_path: Path) -> None:
        refused = refusal(project(tmp_path, text))
        assert refused is not None
        assert refused.message.startswith(where)
        assert "[[tool.uv.index]]" in refused.hint

    @pytest.mark.parametrize("text", [POETRY, PDM])
    def test_that_uv_searches_too(self, text: str, tmp_path: Path) -> None:
        made = project(tmp_path, text)
        assert refusal(made, UV_INDEX=f"ours={PRIVATE}/") is None
        assert refusal(made, UV_INDEX="https://me:secret@index.example/simple") is None
        made = project(tmp_path, f'{text}\n[[tool.uv.index]]\nurl = "{PRIVATE}"\n')
        assert refusal(made) is None

    @pytest.mark.parametrize("text", [POETRY, PDM])
    def test_that_uv_does_not_search(self, text: str, tmp_path: Path) -> None:
        made = project(tmp_path, f'{text}\n[[tool.uv.index]]\nurl = "{PRIVATE}"\nexplicit = true\n')
        assert refusal(made) is not None

    def test_pips_index_counts_only_if_uv_gets_it(self, tmp_path: Path) -> None:
        pip = {"PIP_EXTRA_INDEX_URL": PRIVATE}
        assert refusal(project(tmp_path, POETRY), **pip) is None
        assert (
            refusal(project(tmp_path, POETRY), **pip, UV_INDEX="https://other.example/simple") is not None
        )

    @pytest.mark.parametrize("text", [POETRY, PDM])
    def test_of_packages_that_the_app_does_not_need(self, text: str, tmp_path: Path) -> None:
        assert refusal(project(tmp_path, text, "flask")) is None

    def test_the_public_index(self, tmp_path: Path) -> None:
        text = '[[tool.pdm.source]]\nname = "pypi"\nurl = "https://pypi.org/simple"\n'
        assert refusal(project(tmp_path, text)) is None

    def test_a_repository(self, tmp_path: Path) -> None:
        text = '[tool.poetry.dependencies]\nour-library = { git = "https://git.example/x", tag = "v1" }\n'
        refused = refusal(project(tmp_path, text))
        assert refused is not None
        assert refused.hint == 'Write it there: "our-library @ git+https://git.example/x@v1"'
