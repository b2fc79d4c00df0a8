"""The documents in ``/usr/share``: copyright, changelog, README.Debian and the manual page."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from debonair.deb.gzip import gzip
from debonair.deb.tree import Source
from debonair.project import Project
from debonair.target import Target
from debonair.template import fill
from debonair.tree.service import emperor

COMMON = {
    "Apache-2.0": "Apache-2.0",
    "Artistic-1.0-Perl": "Artistic",
    "CC0-1.0": "CC0-1.0",
    "GPL-1.0-only": "GPL-1",
    "GPL-2.0-only": "GPL-2",
    "GPL-2.0-or-later": "GPL-2",
    "GPL-3.0-only": "GPL-3",
    "GPL-3.0-or-later": "GPL-3",
    "LGPL-2.1-only": "LGPL-2.1",
    "LGPL-2.1-or-later": "LGPL-2.1",
    "LGPL-3.0-only": "LGPL-3",
    "LGPL-3.0-or-later": "LGPL-3",
    "MPL-2.0": "MPL-2.0",
}
"""Licences (SPDX) that every Debian has in /usr/share/common-licenses, so that a reference is enough."""

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def texts(project: Project, *, version: str, epoch: int) -> dict[str, str]:
    """Return the documents that are installed unchanged: text by path."""
    folder = f"usr/share/doc/{project.package}"
    found = {
        f"{folder}/copyright": copyright_text(project, epoch=epoch),
        overrides(project.package): fill(
            "packaging/doc/lintian-overrides.in",
            {"app": project.package, "serves": project.serves},
        ),
    }
    if project.serves:
        title = f"{project.package} on this machine"
        values = {
            "app": project.package,
            "underline": "=" * len(title),
            "listen": " and ".join(project.nginx.listen),
        }
        found[f"{folder}/README.Debian"] = fill(emperor.of(project).readme, values)
    return found


def overrides(package: str) -> str:
    """Return where lintian looks for the tags that it must not report for ``package``."""
    return f"usr/share/lintian/overrides/{package}"


def compressed(project: Project, target: Target, *, version: str, epoch: int) -> list[Source]:
    """Return the documents that Debian wants compressed (Policy sections 12.1 and 12.7)."""
    found = {
        f"usr/share/doc/{project.package}/changelog.Debian.gz": changelog(
            project, target, version=version, epoch=epoch
        )
    }
    manuals = dict(project.manuals)
    if project.serves:
        manuals[f"{project.package}.1"] = manual(project, version=version, epoch=epoch)
    found |= {f"usr/share/man/man1/{name}.gz": text for name, text in manuals.items()}
    return [Source.file(path, gzip(text.encode()), mtime=epoch) for path, text in found.items()]


def copyright_text(project: Project, *, epoch: int) -> str:
    """Return the copyright file, in the machine-readable format (copyright-format 1.0)."""
    if project.copyright:
        return project.copyright
    if common := COMMON.get(project.license):
        text = f"On Debian systems the whole text is in /usr/share/common-licenses/{common}."
    else:
        text = project.license_text.strip() or "The author has not said under which licence this is."
    by = project.author or project.maintainer
    year = datetime.fromtimestamp(epoch, UTC).year
    holders = re.findall(
        r"^[^\w\n]*copyright[^\S\n]+(?:\(c\)[^\S\n]*|©[^\S\n]*)?(\d{4}.*)$",
        project.license_text,
        re.IGNORECASE | re.MULTILINE,
    )
    return fill(
        "packaging/doc/copyright.in",
        {
            "app": project.package,
            "name": project.name,
            "maintainer": by,
            "homepage": project.homepage,
            "holders": [holder.strip() for holder in holders] or [f"{year} {by}"],
            "license": re.sub(r"\s+", "-", project.license) or "as-written-below",
            "license_text": [line.rstrip() for line in text.splitlines()],
        },
    )


def changelog(project: Project, target: Target, *, version: str, epoch: int) -> str:
    """Return the changelog, one entry for this version (deb-changelog(5))."""
    return fill(
        "packaging/doc/changelog.in",
        {
            "app": project.package,
            "version": version,
            "suite": target.suite,
            "name": project.name,
            "upstream_version": project.version,
            "maintainer": project.maintainer,
            "date": date(epoch),
        },
    )


def manual(project: Project, *, version: str, epoch: int) -> str:
    """Return the manual page of the command on the Pi (man(7))."""
    return fill(
        "packaging/doc/app.1.in",
        {
            "app": project.package,
            "manual_app": _roff(project.package),
            "manual_name": _roff(project.package.upper()),
            "manual_version": _roff(version),
            "manual_description": _roff(project.description),
            "date": f"{datetime.fromtimestamp(epoch, UTC):%Y-%m-%d}",
        },
        {"server": f"packaging/doc/app.1.{'command' if project.command else 'uwsgi'}.in"},
    )


def date(epoch: int) -> str:
    """Return ``epoch`` in the form of deb-changelog(5), in English whatever the locale (RFC 5322)."""
    at = datetime.fromtimestamp(epoch, UTC)
    return f"{_DAYS[at.weekday()]}, {at:%d} {_MONTHS[at.month - 1]} {at:%Y %H:%M:%S} +0000"


def _roff(text: str) -> str:
    """Return ``text`` for a line of roff, where a backslash and a leading dot or quote are commands."""
    return text.replace("\\", "\\e").replace("-", "\\-").replace('"', "\\(dq")
