"""The control file of a binary package (deb-control(5), Policy section 5.3)."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from debonair.deb import deb822
from debonair.errors import PackageError
from debonair.host import terminal

_MAX_SYNOPSIS = 80
_NAME = re.compile(r"[a-z0-9][a-z0-9+.-]+")
CONTROL_CHARACTER = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
"""Characters that no field may contain: Unicode's C0, C1 and line separators, except tab and line break."""


class Control(msgspec.Struct, frozen=True):
    """The fields that describe a binary package."""

    package: str
    version: str
    architecture: str
    maintainer: str
    synopsis: str
    """One line, not a sentence, below 80 characters (Policy section 3.4.1)."""
    description: str = ""
    """Paragraphs of plain text, separated by empty lines."""
    depends: tuple[str, ...] = ()
    recommends: tuple[str, ...] = ()
    section: str = "misc"
    priority: str = "optional"
    homepage: str = ""
    extra: Mapping[str, str] = {}
    """Further fields, written last in their order."""

    def text(self, *, installed_size: int) -> str:
        """Return the file; ``installed_size`` is in KiB.

        Raises ``PackageError`` for a name or a value that the format cannot carry.
        """
        check_name(self.package)
        fields = {
            "Package": self.package,
            "Version": self.version,
            "Architecture": self.architecture,
            "Maintainer": self.maintainer,
            "Installed-Size": str(installed_size),
            "Depends": ", ".join(self.depends),
            "Recommends": ", ".join(self.recommends),
            "Section": self.section,
            "Priority": self.priority,
            "Homepage": self.homepage,
            **self.extra,
        }
        for name, value in {**fields, "Description": self.synopsis}.items():
            if "\n" in value or "\r" in value:
                raise PackageError(
                    f"The field {name} of the package '{self.package}' has more than one line.",
                    hint="Write it on one line.",
                )
        described = self.synopsis + "".join(self.description.splitlines())
        for name, value in {**fields, "Description": described}.items():
            if found := CONTROL_CHARACTER.search(value):
                raise PackageError(
                    f"The field {name} of the package '{self.package}' has a control character: "
                    f"{found[0]!r}.",
                    hint="Remove the character; a terminal could execute it.",
                )
        lines = [line.strip() for line in self.description.strip().splitlines()]
        stanza = {name: value for name, value in fields.items() if value}
        return deb822.text({**stanza, "Description": "\n".join([self.synopsis, *lines])})


def synopsis(text: str) -> str:
    """Return ``text``, a line, cut to what a synopsis may hold (Policy section 3.4.1)."""
    return text[: _MAX_SYNOPSIS - 1].rstrip(" .")


def check_name(package: str) -> None:
    """Raise ``PackageError`` if ``package`` is not a valid package name (Policy section 5.6.1)."""
    if not _NAME.fullmatch(package):
        raise PackageError(
            f"'{terminal.line(package)}' is not a valid name of a Debian package.",
            hint="Use two or more of a-z, 0-9, '+', '-' and '.', starting with a letter or a digit.",
        )
