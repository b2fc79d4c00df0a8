"""Debonair turns a WSGI project into a reproducible .deb for Raspberry Pi OS.

    project  ->  lock  ->  wheels  ->  tree  ->  deb
    (what the   (which    (verified   (every    (bytes)
     author      bytes)    files)      file of
     declared)                         the deb)

Each stage is a function from values to a value, in the room (package) of its name; ``build`` calls them in
this order, and none imports one to its right. ``host``, ``target`` and ``debian`` are what they stand on:
this machine, where the deb will run, and what Debian offers. ``repository`` publishes debs, ``source``,
``init`` and ``trial`` are what people reach the stages through, by ``cli``.
"""

from __future__ import annotations

__version__ = "0.1.0"
