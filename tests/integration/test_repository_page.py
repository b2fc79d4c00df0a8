"""The landing page of a repository, opened in a browser: read, copied from, by day and by night."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from debs import make_deb
from pictures import shot
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from debonair.cli import main as cli
from debonair.repository import http_server

BACKGROUND = "return getComputedStyle(document.body).backgroundColor"
WIDE = "return document.documentElement.scrollWidth > innerWidth"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A repository with two apps, one of them on its way to the machines, served on the loopback."""
    folder = tmp_path_factory.mktemp("page")
    root = folder / "apt"

    def repo(*words: str | Path) -> None:
        env = {"XDG_CONFIG_HOME": str(folder / "config"), "DEBONAIR_REPOSITORY": str(root)}
        done = CliRunner().invoke(cli.main, ["repo", *map(str, words)], env=env)
        assert done.exit_code == 0, done.output

    repo("init", root, "--name", "acme", "--url", "http://apt.example.org")
    repo("add", *(make_deb(folder, "guestbook", f"1.{n}-1+deb13") for n in (0, 1)))
    repo("add", make_deb(folder, "weather", "2.0-1+deb12"), make_deb(folder, "weather", "2.0-1+deb13"))
    repo("add", make_deb(folder, "guestbook", "1.2-1+deb13"), "--percent", "10")
    with http_server.server(root, "127.0.0.1", 0, accounts=frozenset(), log=lambda _: None) as bound:
        thread = threading.Thread(target=bound.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{bound.server_port}/"
        finally:
            bound.shutdown()
            thread.join()


@pytest.fixture
def page(browser: Chrome, address: str) -> Chrome:
    browser.get(address)
    return browser


def test_it_says_what_there_is(page: Chrome) -> None:
    assert page.title == "acme: apt repository"
    sections = {
        part.find_element(By.TAG_NAME, "h3").text: part.text
        for part in page.find_elements(By.TAG_NAME, "section")
    }
    assert {"guestbook", "weather"} <= sections.keys()
    assert "1.2-1+deb13 10 %" in sections["guestbook"]
    assert "1.1-1+deb13" in sections["guestbook"]
    assert "1.0-1+deb13" not in sections["guestbook"]
    assert "bookworm 2.0-1+deb12" in sections["weather"]
    key = page.find_element(By.CSS_SELECTOR, "li code").text.replace(" ", "")
    assert len(key) == 40
    asked = page.execute_script("return performance.getEntriesByType('resource').map(e => e.name)")
    assert asked == [], "one file is all that it takes, and nobody else is asked"


def test_the_line_is_copied_by_a_click(page: Chrome) -> None:
    grant = {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]}
    page.execute_cdp_cmd("Browser.grantPermissions", grant)
    button = page.find_element(By.ID, "copy")
    button.click()
    WebDriverWait(page, 5).until(lambda _: button.text == "Copied")
    copied = page.execute_async_script("navigator.clipboard.readText().then(arguments[0])")
    assert copied == page.find_element(By.ID, "line").text
    assert "apt-get install" in copied


def test_a_version_is_downloaded_by_a_click(page: Chrome) -> None:
    link = page.find_element(By.LINK_TEXT, "1.1-1+deb13").get_attribute("href")
    found = page.execute_async_script(
        "fetch(arguments[0]).then(r => r.arrayBuffer()).then(b => new TextDecoder().decode(b.slice(0, 7)))"
        ".then(arguments[1])",
        link,
    )
    assert found == "!<arch>"


@pytest.mark.parametrize(("scheme", "dark"), [("light", False), ("dark", True)])
def test_by_day_and_by_night(page: Chrome, scheme: str, dark: bool) -> None:  # noqa: FBT001
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    red = int(page.execute_script(BACKGROUND).partition("(")[2].partition(",")[0])
    assert (red < 64) is dark
    shot(page, f"repository-{scheme}")


def test_on_a_phone_nothing_is_cut_off(page: Chrome) -> None:
    size = {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        assert not page.execute_script(WIDE)
        shot(page, "repository-phone")
    finally:
        page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_without_javascript_it_can_be_read(browser: Chrome, address: str) -> None:
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.get(address)
        assert "apt-get install" in browser.find_element(By.ID, "line").text
        assert browser.find_element(By.LINK_TEXT, "1.2-1+deb13").is_displayed()
        assert not browser.find_element(By.ID, "copy").is_displayed(), "a button that does nothing"
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
