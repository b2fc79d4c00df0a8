"""The bootstrap deb, which makes a machine a client of the repository, and keeps it one.

It installs the public keys, the sources, the pin that a rollback needs, and the origins that
unattended-upgrades follows. It is in the repository itself, so that machines have the next key before that
key signs alone.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from debonair.deb import archive, tree
from debonair.deb.control import Control
from debonair.deb.gzip import gzip
from debonair.deb.tree import Source
from debonair.errors import RepositoryError
from debonair.repository import signing
from debonair.repository.pool import COMPONENT
from debonair.repository.release import stamp
from debonair.repository.state import Head, Suite
from debonair.repository.storage.protocol import Storage, TooLarge
from debonair.template import fill

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,38}[a-z0-9]")
_URL = re.compile(r"(https?://|file:/)[A-Za-z0-9\[\]._~:/%+-]+")
_FOLDER = "bootstrap/"
MOST = 16 << 20
"""Most bytes of a bootstrap deb: each of its keys is at most 100,000."""
_TEMPLATES = "packaging/repo/"


def package(name: str) -> str:
    """Return the name of the bootstrap deb's package, for the repository ``name``."""
    return f"{name}-archive-keyring"


def path(name: str, suite: str) -> str:
    """Return the path, below the root, from which a new machine of Debian's ``suite`` fetches the deb."""
    return f"{_FOLDER}{name}-{suite}.deb"


def check_name(name: str) -> str:
    """Return ``name``, or raise ``RepositoryError`` if packages and files cannot be named by it."""
    if not _NAME.fullmatch(name):
        raise RepositoryError(
            f"'{name}' is not a valid name of a repository.",
            hint="Use 2 to 40 of a-z, 0-9 and '-', such as acme. The name is the Origin in every Release "
            "file.",
        )
    return name


def check_url(url: str) -> str:
    """Return ``url`` without a slash at its end, or raise ``RepositoryError`` if apt could not read it."""
    if not _URL.fullmatch(url) or "@" in urlsplit(url).netloc:
        raise RepositoryError(
            f"'{url}' is not an address that apt supports.",
            hint="Write it as in https://apt.example.org, without a name or a password.",
        )
    return url.rstrip("/")


def deb(head: Head, suites: Sequence[Suite], suite: str, version: str, *, now: int) -> bytes:
    """Return the bootstrap deb for machines of Debian's ``suite``; same arguments, same bytes.

    ``suites`` are all that the repository has.
    """
    name = package(head.name)
    host = urlsplit(head.url).hostname or ""
    host = host if re.search(r"\.[a-z]+$", host) else "example.org"  # an email address needs a domain
    maintainer = f"{head.name} <{head.name}@{host}>"
    values = {
        "name": head.name,
        "package": name,
        "suite": suite,
        "url": head.url,
        "component": COMPONENT,
        "version": version,
        "maintainer": maintainer,
        "fingerprints": "\n".join(f"    {key.fingerprint}" for key in head.keys),
        "date": stamp(now).replace("UTC", "+0000"),
        "year": stamp(now).split()[3],
        "pins": _pins(head.name, suites, suite),
    }
    texts = _texts(head.name, values)
    changelog = gzip(fill(f"{_TEMPLATES}archive.changelog.in", values).encode())
    data = {
        **{path: text.encode() for path, text in texts.items()},
        f"usr/share/keyrings/{name}.gpg": signing.keyring(head.keys),
        f"usr/share/doc/{name}/changelog.gz": changelog,
        f"usr/share/doc/{name}/copyright": fill(f"{_TEMPLATES}archive.copyright.in", values).encode(),
        f"usr/share/lintian/overrides/{name}": fill(
            f"{_TEMPLATES}archive.lintian-overrides.in", values
        ).encode(),
    }
    files = [Source.file(path, content, mtime=now) for path, content in sorted(data.items())]
    control = Control(
        package=name,
        version=version,
        architecture="all",
        maintainer=maintainer,
        synopsis=f"apt sources and keys of the repository {head.name}",
        description=f"It lets apt install and upgrade from\n{head.url}\n"
        "and from nothing else that the machine did not have before.",
        depends=("apt (>= 2.2)",),
        recommends=("unattended-upgrades",),
        section="admin",
    )
    conffiles = "".join(f"/{path}\n" for path in sorted(texts))
    layer = tree.layer("the repository", files)
    members = {"conffiles": conffiles, "postinst": fill(f"{_TEMPLATES}archive.postinst.in", values)}
    return archive.write(control, tree.assemble([layer], mtime=now), members, mtime=now)


def find(storage: Storage, head: Head, suite: str) -> bytes | None:
    """Return the newest bootstrap deb of ``suite``, from where machines fetch it or from the pool.

    None if neither has the bytes that the state names.
    """
    expected = head.bootstrap[suite]
    for where in (expected.filename, path(head.name, suite)):
        try:
            found = storage.read(where, MOST)
        except TooLarge:
            continue
        if found is not None and hashlib.sha256(found.data).hexdigest() == expected.sha256:
            return found.data
    return None


def line(head: Head, *, login: str = "") -> str:
    """Return the line to type on a new machine; empty if there is no bootstrap deb yet.

    The line contains the deb's hash, so that only the page that shows it must be trusted, not a connection
    without TLS. With ``login`` the line asks for that user's password. The password is written to
    /etc/apt/auth.conf.d, for root alone (apt_auth.conf(5)).
    """
    if not head.bootstrap:
        return ""
    sums = " ".join(
        f"{each.sha256} {path(head.name, suite).removeprefix(_FOLDER)}"
        for suite, each in sorted(head.bootstrap.items())
    )
    deb = f"{head.name}-$VERSION_CODENAME.deb"
    user, auth = "", ""
    if login:
        user = f'-u "{login}:$P" '
        # apt_auth.conf(5): without a scheme, it applies only to https
        host = head.url.removeprefix("https://")
        auth = (
            f"printf 'machine %s login %s password %s\\n' {host} {login} \"$P\" | "
            f"sudo install -m 600 /dev/stdin /etc/apt/auth.conf.d/{head.name}.conf && "
        )
    ask = "read -rsp 'Password: ' P; " if login else ""
    return (
        f'{ask}. /etc/os-release; cd "$(mktemp -d)" && chmod 755 . && '
        f"curl -fsSLO {user}{head.url}/{_FOLDER}{deb} && "
        f"printf '%s  %s\\n' {sums} | sha256sum -c --ignore-missing --quiet && "
        f"{auth}sudo apt-get install -y ./{deb} && sudo apt-get update"
    )


def _texts(name: str, values: Mapping[str, str]) -> dict[str, str]:
    """Return the configuration files, by path; the admin may change them."""
    return {
        f"etc/apt/sources.list.d/{name}.sources": fill(f"{_TEMPLATES}archive.sources.in", values),
        f"etc/apt/preferences.d/{name}.pref": fill(f"{_TEMPLATES}archive.pref.in", values),
        # sorts before the other file: of two pins that fit a version, apt takes the first
        f"etc/apt/preferences.d/{name}-suite.pref": fill(f"{_TEMPLATES}archive.suite.pref.in", values),
        f"etc/apt/apt.conf.d/52{name}": fill(f"{_TEMPLATES}archive.conf.in", values),
    }


def _pins(name: str, suites: Sequence[Suite], suite: str) -> str:
    """Return the pins of the suites that a machine of Debian's ``suite`` does not follow.

    The suite of a later Debian is for upgrades, but may not downgrade a package. All others are refused.
    """
    ours = next(each for each in suites if each.name == suite)
    pins = []
    for each in sorted(suites, key=lambda each: each.name):
        later = each.channel == ours.channel and each.debian_release > ours.debian_release
        if each.name != suite:
            priority = 990 if later else -1
            pins.append(f"Package: *\nPin: release o={name}, n={each.name}\nPin-Priority: {priority}\n")
    return "\n".join(pins).rstrip()
