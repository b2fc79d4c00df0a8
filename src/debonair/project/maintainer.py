"""The person who makes packages on this machine."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from debonair.errors import MachineError, ProjectError
from debonair.host.run import Completed, run
from debonair.host.terminal import line
from debonair.project import reader

_PERSON = re.compile(r"[^<>\n]+ <[^<>@\s]+@[^<>@\s]+>")
"""A name and a mail address, in the format of the field Maintainer (Policy section 5.6.2)."""
_GIT = ("git", "config", "--null", "--show-scope", "--get-regexp", r"^user\.(name|email)$")
_OF_THE_PROJECT = {"local", "worktree"}
"""Scopes of git's configuration that are in the project's folder, which a stranger may have written."""
_SECONDS = 10
FORM = "Write it as in: Your Name <you@example.org>"


def of(
    root: Path, environ: Mapping[str, str], *, runner: Callable[..., Completed] = run
) -> tuple[str, str]:
    """Return the name and mail address of the person who makes packages in ``root``, and their source.

    They come from the person's own git configuration, or from DEBFULLNAME and DEBEMAIL (debchange(1)). Both
    are empty if neither source has them. The repository's configuration does not count, but the person's
    own may depend on the folder (``includeIf`` of git-config(1)).
    """
    config = {"user.name": "", "user.email": ""}
    try:
        words = runner(_GIT, cwd=root, check=False, timeout=_SECONDS).stdout.split("\0")
    except MachineError:
        words = []
    for scope, entry in zip(words[::2], words[1::2], strict=False):
        if scope not in _OF_THE_PROJECT:  # of several, the last one counts
            key, _, value = entry.partition("\n")
            config[key] = value.strip()
    name, mail = config.values()
    from_environ = f"{environ.get('DEBFULLNAME', '')} <{environ.get('DEBEMAIL', '')}>"
    sources = ((f"{name} <{mail}>", "git's configuration"), (from_environ, "DEBFULLNAME and DEBEMAIL"))
    return next(((text, source) for text, source in sources if fits(text)), ("", ""))


def fits(text: str) -> bool:
    """Tell whether ``text`` is a name and a mail address."""
    return bool(_PERSON.fullmatch(text)) and not reader.unfit(text)


def needed(option: str, root: Path, environ: Mapping[str, str]) -> str:
    """Return the maintainer that the command line gives as ``option``, or else the one from ``of``.

    Raises ``ProjectError`` if the maintainer is missing, or is not a name and a mail address.
    """
    found = option or of(root, environ)[0]
    if not found:
        raise ProjectError(
            "The package has no maintainer. The app's authors did not create this package, so they are not "
            "its maintainers.",
            hint='Name the maintainer: --maintainer "Your Name <you@example.org>". Or set DEBFULLNAME and '
            "DEBEMAIL, or git's user.name and user.email.",
        )
    check(found, Path("The command line"))
    return found


def problem(person: str) -> str:
    """Return what to tell the author if ``person`` is not a name and a mail address; empty if it is."""
    if fits(person):
        return ""
    return f"'{line(person)}' is not a name and a mail address. {FORM}"


def check(person: str, file: Path) -> None:
    """Raise ``ProjectError`` if ``person``, from ``file``, is not a name and a mail address."""
    if not fits(person):
        raise ProjectError(
            f"{file.name}: 'maintainer' is '{line(person)}', which is not a name and a mail address.",
            hint='Write it as in maintainer = "Your Name <you@example.org>".',
        )
