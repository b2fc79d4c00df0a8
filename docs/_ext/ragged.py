"""Sphinx: do not justify the text of the manual pages.

groff cannot justify the narrow columns of a table that have long words, and lintian reports each such line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sphinx.writers.manpage import ManualPageTranslator

if TYPE_CHECKING:
    from sphinx.application import Sphinx


class RaggedTranslator(ManualPageTranslator):
    """A writer of manual pages whose lines start at the left margin, and end where the words end."""

    def header(self) -> str:
        """Return the head of the page; groff_man(7) describes the string AD, older versions ignore it."""
        return f".ds AD l\n{super().header()}.ad l\n"


def setup(app: Sphinx) -> None:
    """Replace Sphinx's own writer."""
    app.set_translator("man", RaggedTranslator)
