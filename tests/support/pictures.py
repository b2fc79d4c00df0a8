"""Pictures of pages that tests have opened, kept for a person to look at."""

from __future__ import annotations

from pathlib import Path

from selenium.webdriver import Chrome

FOLDER = Path(__file__).parents[2] / "dist" / "screenshots"


def shot(page: Chrome, name: str) -> None:
    """Keep a picture of what the browser shows as ``name``.png."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    assert page.save_screenshot(str(FOLDER / f"{name}.png"))
