"""The source package of a library: the files of debian/, from stdeb's and from the library's metadata."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import msgspec

from debonair.deb import control, deb822, dsc
from debonair.target import Target
from debonair.template import fill
from debonair.tree import documents

_COLUMNS = 75


class Probed(msgspec.Struct, frozen=True):
    """The metadata of a library (core metadata), and its build dependencies."""

    name: str
    """As its author writes it."""
    version: str
    summary: str = ""
    author: str = ""
    homepage: str = ""
    license: str = ""
    """An SPDX expression, or the text that the library has instead."""
    license_text: str = ""
    requires: tuple[str, ...] = ()
    """PEP 508."""
    requires_python: str = ""
    """Bounds of Python's version (PEP 440)."""
    compiled: bool = False
    build_depends: tuple[str, ...] = ()
    """The Debian packages that its build backend needs."""


@dataclass(frozen=True)
class Recipe:
    """The instructions for the package of a library."""

    library: Probed
    package: str
    version: str
    """The Debian version."""
    target: Target
    depends: tuple[str, ...]
    maintainer: str

    @property
    def source(self) -> str:
        """The name of the source package."""
        return self.package.removeprefix("python3-")

    def debian(self, made: Mapping[str, str], build_depends: Iterable[str], epoch: int) -> dict[str, str]:
        """Return the files of debian/ by their names, based on those that stdeb ``made``.

        ``build_depends`` are further packages; ``epoch`` is the time of the changelog, in seconds.
        """
        source, binary = deb822.paragraphs(made["control"])
        python = "python3-all-dev" if self.library.compiled else "python3-all"
        needed = ["debhelper-compat (= 13)", "dh-sequence-python3", "pybuild-plugin-pyproject", python]
        source |= {
            "Maintainer": self.maintainer,
            "Build-Depends": ", ".join([*needed, *sorted({*self.library.build_depends, *build_depends})]),
            "Standards-Version": dsc.STANDARDS,
            "Homepage": self.library.homepage,
            "Rules-Requires-Root": "no",
        }
        binary |= {"Description": f"{self.synopsis()}\n{self.description()}"}
        name = self.library.name
        return {
            "control": "\n".join([_stanza(source), _stanza(binary)]),
            "rules": fill("packaging/library/rules.in", {"name": self.source}),
            "copyright": self._copyright(),
            "changelog": fill(
                "packaging/doc/changelog.in",
                {
                    "app": self.source,
                    "version": self.version,
                    "suite": self.target.suite,
                    "name": name,
                    "upstream_version": self.library.version,
                    "maintainer": self.maintainer,
                    "date": documents.date(epoch),
                },
            ),
            "source/format": f"{dsc.FORMAT}\n",
        }

    def synopsis(self) -> str:
        """Return its summary without an article, and as more than one word (Policy section 3.4.1)."""
        text = re.sub(r"^(an?|the)\s+", "", " ".join(self.library.summary.split()), flags=re.IGNORECASE)
        return control.synopsis(text if " " in text else f"Python library {self.library.name}")

    def description(self) -> str:
        """Return the rest of its description."""
        text = f"This package provides the Python library {self.library.name} for Debian's own Python."
        return textwrap.fill(text, _COLUMNS)

    def _copyright(self) -> str:
        library = self.library
        common = documents.COMMON.get(library.license)
        stated = (
            f"states this licence: {library.license}" if library.license else "does not state a licence"
        )
        text = library.license_text or f"The library {stated}."
        if common:
            text = f"On Debian systems the whole text is in /usr/share/common-licenses/{common}."
        return fill(
            "packaging/library/copyright.in",
            {
                "name": library.name,
                "homepage": library.homepage,
                "author": library.author or f"The authors of {library.name}",
                "license": re.sub(r"\s+", "-", library.license)[:60] or "as-written-below",
                "license_text": [line.rstrip() for line in text.splitlines()],
            },
        )


def _stanza(fields: Mapping[str, str]) -> str:
    """Return a paragraph of debian/control, without the empty ones of ``fields``."""
    values = {name: value.splitlines() for name, value in fields.items() if value}
    return deb822.text({name: "\n".join(map(str.strip, lines)) for name, lines in values.items()})
