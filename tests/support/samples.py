"""Projects to render that have no files on the disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from debonair.project import Project
from debonair.project.settings import Nginx, Service

EPOCH = 1_700_000_000
VERSION = "1.4.2-1+deb13"

_GREETING = '50 % "off" \\o/'
_LICENSE = """\
MIT License

Copyright (c) 2024 Ada Lovelace

Permission is hereby granted, free of charge, to any person obtaining a copy.
"""


def sample_service(**changes: Any) -> Service:
    """Return a unit with an environment and no limits, except for ``changes``."""
    values = {
        "memory_max": "",
        "cpu_weight": 0,
        "network": True,
        "environment": {"GREETING": _GREETING},
        "proc": "pid",
    }
    return Service(**{**values, **changes})


def sample_project(**changes: Any) -> Project:
    """Return a guestbook that uses every possible setting."""
    values: dict[str, Any] = {
        "root": Path("/nowhere/guestbook"),
        "config_file": Path("/nowhere/guestbook/pyproject.toml"),
        "package": "guestbook",
        "name": "Guestbook",
        "version": "1.4.2",
        "wsgi": "guestbook:create_app()",
        "install": "files",
        "targets": ("trixie-arm64",),
        "maintainer": "Ada Lovelace <ada@example.org>",
        "description": "A guestbook to sign",
        "homepage": "https://guestbook.example.org/",
        "license": "MIT",
        "license_text": _LICENSE,
        "static": {"/static/": "guestbook/static"},
        "health": "/healthz",
        "uwsgi": {"threads": 4, "buffer-size": 32768, "harakiri": 60},
        "nginx": Nginx(server_name="", listen=["80", "[::]:80"], client_max_body_size="10m"),
        "service": sample_service(memory_max="200M", cpu_weight=50),
    }
    return Project(**{**values, **changes})
