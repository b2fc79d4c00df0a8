"""The credentials of an author, in the files of the AWS CLI in ``~/.aws``.

The library reads the variables AWS_* of the environment, and knows the roles of machines and containers. It
does not read the files of the CLI.
"""

from __future__ import annotations

import configparser
from collections.abc import Mapping
from pathlib import Path

from debonair.errors import RepositoryError

_KEYS = {
    "aws_access_key_id": "access_key_id",
    "aws_secret_access_key": "secret_access_key",
    "aws_session_token": "session_token",
}
ENDPOINTS = frozenset({"AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT"})


def profile(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the values of the profile AWS_PROFILE, else ``default``, that ``environ`` does not set.

    The names are those of obstore's S3Config. Raises ``RepositoryError`` if a file is not one of the AWS
    CLI, or has no profile of the name in AWS_PROFILE.
    """
    chosen = environ.get("AWS_PROFILE", "default")
    home = Path(environ.get("HOME", "/")) / ".aws"
    credentials = _section(environ.get("AWS_SHARED_CREDENTIALS_FILE") or home / "credentials", chosen)
    section = "default" if chosen == "default" else f"profile {chosen}"
    config = _section(environ.get("AWS_CONFIG_FILE") or home / "config", section)
    if "AWS_PROFILE" in environ and credentials is None and config is None:
        raise RepositoryError(
            f"AWS_PROFILE is '{chosen}', but {home} has no such profile.",
            hint="List the profiles: aws configure list-profiles",
        )
    known = {**(config or {}), **(credentials or {})}
    found = {}
    if "AWS_ACCESS_KEY_ID" not in environ:
        found = {name: known[key] for key, name in _KEYS.items() if key in known}
    if not environ.keys() & {"AWS_REGION", "AWS_DEFAULT_REGION"} and "region" in known:
        found["region"] = known["region"]
    if not environ.keys() & ENDPOINTS and "endpoint_url" in known:
        found["endpoint"] = known["endpoint_url"]
    return found


def _section(path: str | Path, name: str) -> Mapping[str, str] | None:
    parser = configparser.RawConfigParser()
    try:
        parser.read(path, encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError, OSError) as damage:
        raise RepositoryError(f"{path} is not a valid file of the AWS CLI: {damage}.") from damage
    return dict(parser[name]) if name in parser else None
