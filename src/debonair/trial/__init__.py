"""``debonair try``: install a deb in a Debian, and open its page."""

from __future__ import annotations

from debonair.trial.try_deb import Site, addresses, forwarded, healthy, install, page, release_of, try_deb

__all__ = ["Site", "addresses", "forwarded", "healthy", "install", "page", "release_of", "try_deb"]
