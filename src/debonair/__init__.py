"""Debonair turns a WSGI project into a reproducible .deb for Raspberry Pi OS.

    project  ->  lock  ->  wheels  ->  tree  ->  deb
    (what the   (which    (verified   (every    (bytes)
     author      bytes)    files)      file of
     declared)                         the deb)

Each stage is a function from values to a value, in the module of its name; ``build`` calls them in this
order, and none imports one to its right. ``target`` says where the deb will run, ``trial`` boots a Debian
and tries it there.
"""

from __future__ import annotations

__version__ = "0.1.0"
