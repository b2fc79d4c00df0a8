"""The documentation as a site and as manual pages: made without a warning, searched, and read by man."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from pages import DOCS
from pictures import shot
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

from debonair.cli.main import main


def made(kind: str, folder: Path) -> Path:
    """Make the documentation as ``html`` or ``man``; a warning fails."""
    words = ["-m", "sphinx", "-q", "-W", "--keep-going", "-b", kind, "-d", f"{folder}/doctrees"]
    done = subprocess.run(
        [sys.executable, *words, DOCS, folder / kind], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return folder / kind


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("documentation")


def verbs(group: click.Group, before: str) -> Iterator[str]:
    for name, command in group.commands.items():
        yield f"{before}-{name}"
        if isinstance(command, click.Group):
            yield from verbs(command, f"{before}-{name}")


def test_each_verb_has_a_manual_page(folder: Path) -> None:
    pages = {path.name for path in made("man", folder).glob("*.1")}
    sequence = {"dh_debonair.1", "dh_debonair_scripts.1"}
    assert pages == {"debonair.1", *(f"{verb}.1" for verb in verbs(main, "debonair")), *sequence}


def test_man_can_read_them(folder: Path) -> None:
    for page in made("man", folder).glob("*.1"):
        words = ["man", "--warnings", "--encoding=UTF-8", "--local-file", str(page)]
        read = subprocess.run(words, check=False, capture_output=True, text=True, env={"MANWIDTH": "80"})
        assert read.returncode == 0, read.stderr
        assert not [line for line in read.stderr.splitlines() if "cannot adjust line" not in line]
        assert "SYNOPSIS" in read.stdout


def test_the_site_finds_what_is_searched_for(folder: Path, browser: Chrome) -> None:
    site = made("html", folder)
    browser.get((site / "index.html").as_uri())
    shot(browser, "documentation")
    field = browser.find_element(By.NAME, "q")
    field.send_keys("sleep-after", Keys.ENTER)
    found = WebDriverWait(browser, 20).until(
        lambda page: page.find_elements(By.CSS_SELECTOR, "#search-results ul.search li a")
    )
    assert any("settings" in (link.get_attribute("href") or "") for link in found)
    shot(browser, "documentation-search")
