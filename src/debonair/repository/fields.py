"""The types of values in the documents of a repository: short, printable, and of one form."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

Digest = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]
"""A SHA256."""
Fingerprint = Annotated[str, Meta(pattern=r"\A[0-9A-F]{40}\Z")]
"""The fingerprint of an OpenPGP key, version 4."""
Name = Annotated[str, Meta(pattern=r"\A[a-z0-9][a-z0-9-]{0,38}[a-z0-9]\Z")]
"""The name of a repository."""
Text = Annotated[
    str,
    Meta(
        max_length=4000,
        # controls of a terminal, separators of lines, and characters that change the direction of writing
        pattern="\\A[^\\x00-\\x1f\\x7f-\\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]*\\Z",
    ),
]
"""A line that a terminal shows."""
Time = Annotated[int, Meta(ge=0, le=253_402_300_799)]
"""Seconds since the epoch, before the year 10000."""
Url = Annotated[
    str, Meta(max_length=2000, pattern=r"\A(((https?://)|(file:/))[A-Za-z0-9\[\]._~:/%+-]+)?\Z")
]
"""The address at which clients read a repository."""
