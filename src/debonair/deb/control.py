"""The control file of a binary package (deb-control(5), Policy section 5.3)."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

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
                    f"The field {name} of the package '{self.package}' has a control character, "
                    f"{found[0]!r}.",
                    hint="Write it without: no terminal is to obey what a package says.",
                )
        lines = [f"{name}: {value}" for name, value in fields.items() if value]
        lines.append(f"Description: {self.synopsis}")
        # Policy section 5.6.13: a blank indents each line, and an empty line becomes a dot
        lines += [f" {line.strip() or '.'}" for line in self.description.strip().splitlines()]
        return "\n".join(lines) + "\n"


def synopsis(text: str) -> str:
    """Return ``text``, a line, cut to what a synopsis may hold (Policy section 3.4.1)."""
    return text[: _MAX_SYNOPSIS - 1].rstrip(" .")


def check_name(package: str) -> None:
    """Raise ``PackageError`` if ``package`` is not a valid package name (Policy section 5.6.1)."""
    if not _NAME.fullmatch(package):
        raise PackageError(
            f"'{terminal.line(package)}' cannot be the name of a Debian package.",
            hint="Use two or more of a-z, 0-9, '+', '-' and '.', beginning with a letter or a digit.",
        )


def parse(text: str) -> dict[str, str]:
    """Return the fields of the first paragraph of a control file, by their name.

    A field of several lines keeps them, without the blank that indents each (Policy section 5.1).
    """
    fields: dict[str, str] = {}
    name = ""
    for line in text.split("\n"):  # str.splitlines would also break lines at characters that are text here
        if not line.strip():
            break
        if line[0] in " \t" and name:
            fields[name] += "\n" + line[1:]
        else:
            name, _, value = line.partition(":")
            fields[name] = value.strip()
    return fields
