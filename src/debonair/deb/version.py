"""Versions: from Python's (PEP 440) to Debian's (Policy section 5.6.12, deb-version(7))."""

from __future__ import annotations

import re

from debonair.errors import PackageError
from debonair.host.terminal import line

_RELEASE = re.compile(r"[+~]deb(\d+)(?:u\d+)?(?:~\w+)?$")
REVISION = "1"


def from_pep440(version: str) -> str:
    """Return the upstream version of Debian that sorts as ``version`` does.

    A pre-release (``1.0rc1``, ``1.0.dev3``) gets a tilde, because a tilde sorts before the end. A
    post-release gets a hyphen, which PEP 440 reads as well. A hyphen sorts correctly: after the release and
    its local builds (``+``), before the next release (``.``). Two things stay as they are: zeros at the end
    (``1.0`` and ``1.0.0`` are one version to Python), and the order of local labels. Raises
    ``PackageError`` if ``version`` does not follow PEP 440.
    """
    from packaging.version import InvalidVersion, Version  # noqa: PLC0415 - unused by repo

    try:
        parsed = Version(version)
    except InvalidVersion:
        raise PackageError(
            f"'{line(version)}' is not a valid Python version (PEP 440).",
            hint="Write it as in 1.4.2, 2.0rc1 or 2026.11.1.",
        ) from None
    text = f"{parsed.epoch}:" if parsed.epoch else ""
    text += ".".join(str(number) for number in parsed.release)
    if parsed.pre:
        text += f"~{parsed.pre[0]}{parsed.pre[1]}"
    if parsed.post is not None:
        # .post1.dev2 sorts before .post1, but after the release itself
        text += f"-post{parsed.post}"
    if parsed.dev is not None:
        text += f"~dev{parsed.dev}" if parsed.pre or parsed.post is not None else f"~~dev{parsed.dev}"
    if parsed.local:
        text += f"+{parsed.local}"
    return text


def for_suite(version: str, debian_release: int, variant: str = "") -> str:
    """Return the whole Debian version of ``version`` (PEP 440) for one release of Debian.

    It contains that release, so that a release upgrade of the machine upgrades the package: 1.4.2 for
    Debian 13 is ``1.4.2-1+deb13``. A version for a ``variant`` of the architecture, which also runs on the
    plain architecture, sorts lower: ``1.4.2-1+deb13~armv6``.
    """
    return f"{from_pep440(version)}-{REVISION}+deb{debian_release}" + (f"~{variant}" if variant else "")


def release(version: str) -> int | None:
    """Return the release of Debian that a Debian version names (``+deb13``), or None if it names none."""
    found = _RELEASE.search(version)
    return int(found[1]) if found else None


def without_release(version: str) -> str:
    """Return a Debian version without the release of Debian that it names: ``1.4.2-1``."""
    return _RELEASE.sub("", version)


def without_epoch(version: str) -> str:
    """Return a Debian version as it appears in file names (deb(7)): without ``1:``."""
    return version.partition(":")[2] or version


def order(version: str) -> tuple[object, ...]:
    """Return a key by which Debian versions sort as dpkg sorts them (deb-version(7))."""
    epoch, colon, rest = version.partition(":")
    if not colon:
        epoch, rest = "", version
    upstream, _, revision = rest.rpartition("-") if "-" in rest else (rest, "", "")
    return (int(epoch or 0), _parts(upstream), _parts(revision))


def _parts(text: str) -> tuple[object, ...]:
    """Return text and numbers in turn; a tilde sorts before the end, and letters before the rest."""
    found: list[object] = []
    for word, digits in re.findall(r"(\D*)(\d*)", text):
        weights = (-1 if char == "~" else ord(char) + (0 if char.isalpha() else 256) for char in word)
        found += [(*weights, 0), int(digits or 0)]
    while found[-2:] == [(0,), 0]:  # a missing number counts as 0, and a missing revision as 0
        del found[-2:]
    return (*found, (0,))
