"""Debonair turns a WSGI project into a reproducible .deb for Raspberry Pi OS.

    project  ->  lock  ->  wheels  ->  tree  ->  deb
    (what the   (which    (verified   (every    (bytes)
     author      bytes)    files)      file of
     declared)                         the deb)

Each stage is a function from values to a value, in the room (package) of its name. ``build`` calls the
stages in this order, and no stage imports one to its right. The stages use ``host`` (this machine),
``target`` (where the deb will run) and ``debian`` (what Debian offers). ``repository`` publishes debs.
People reach the stages through ``source``, ``init``, ``trial`` and ``cli``.
"""

from __future__ import annotations

__version__ = "0.1.0"
