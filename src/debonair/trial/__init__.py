"""``debonair try``: install a deb in a Debian, and open its page."""

from __future__ import annotations

from debonair.trial.page_text import page
from debonair.trial.site import Site, healthy
from debonair.trial.try_deb import (
    Options,
    addresses,
    forwarded,
    install,
    patience,
    refusal,
    release_of,
    try_deb,
)

__all__ = [
    "Options",
    "Site",
    "addresses",
    "forwarded",
    "healthy",
    "install",
    "page",
    "patience",
    "refusal",
    "release_of",
    "try_deb",
]
