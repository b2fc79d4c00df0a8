"""Configure Sphinx, which builds the documentation's site and the manual pages (sphinx-build(1))."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

import verb

from debonair import __version__

project = "Debonair"
author = "The Debonair authors"
version = release = __version__
copyright = author  # noqa: A001

extensions = ["myst_parser", "keys", "ragged", "verb"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = "Debonair"
html_copy_source = False
html_show_sphinx = False

man_pages = [
    *(
        ("reference/dh_debonair", name, "build a package with debhelper and Debonair", "", 1)
        for name in ("dh_debonair", "dh_debonair_scripts")
    ),
    ("reference/commands", "debonair", "turn a WSGI project into a .deb for Raspberry Pi OS", "", 1),
    *(
        (
            f"reference/verbs/{words.replace(' ', '-')}",
            f"debonair-{words.replace(' ', '-')}",
            verb.summary(words),
            "",
            1,
        )
        for words in verb.verbs()
    ),
]
