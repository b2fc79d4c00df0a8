"""The app's site in nginx: part of a release, but the admin's as soon as somebody has edited it."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import call
import own_port
from durable import flush, replace_link, write
from release import Home, Release
from text import tail

_PATIENCE = 30.0  # seconds for nginx, which resolves the names of upstream servers


@dataclass(frozen=True)
class Site:
    """The site of the app in ``home``."""

    home: Home

    @property
    def nginx(self) -> Path:
        """Nginx's own folder."""
        return self.home.root / "etc/nginx"

    @property
    def file(self) -> Path:
        """The site, which is linked in sites-enabled."""
        return self.nginx / "sites-available" / self.home.package

    @property
    def link(self) -> Path:
        """The link; without it nginx does not read the site."""
        return self.nginx / "sites-enabled" / self.home.package

    @property
    def written(self) -> Path:
        """A copy of the last written site; if an admin changes the site, it differs from the copy."""
        return self.home.lib / "site.conf"

    @property
    def port(self) -> Path:
        """The file with the number of the app's own port, once there is one."""
        return self.home.lib / "port"

    def text(self, release: Release) -> str | None:
        """Return the text of the site for ``release``, or None if the site must not change."""
        new = self._new(release)
        return new if new and self._ours() and new != _read(self.file) else None

    def _ours(self) -> bool:
        """Return whether the package may write the site: nobody has edited it."""
        now, written = _read(self.file), _read(self.written)
        return not now or (now == written if written else self.foreign())

    def _new(self, release: Release) -> str | None:
        """Return the site of ``release`` with the app's own port; None if the release has no site."""
        text = _read(release.folder / "nginx/site.conf")
        port = self._own_port(text)
        return own_port.added(text, port) if text and port else text

    def _own_port(self, text: str | None) -> int:
        """Return the app's own port for the site ``text`` of a release; 0 if that does not get one."""
        if not text or not own_port.fits(text):
            return 0
        known = own_port.recorded(self.port)
        return known or (own_port.free(self.nginx, self.home.root) if self._ours() else 0)

    def enabled(self) -> bool:
        """Return whether nginx reads it: always at the first installation, later as the admin decides."""
        return not _read(self.written) or self.linked()

    def linked(self) -> bool:
        """Return whether a link leads nginx to the site, whatever the name of the link."""
        return os.path.lexists(self.link) or bool(self.links())

    def links(self) -> list[Path]:
        """Return the entries of sites-enabled that lead to the site."""
        return [
            entry
            for entry in (self.nginx / "sites-enabled").glob("*")
            if entry.is_symlink() and os.path.realpath(entry) == os.path.realpath(self.file)
        ]

    @property
    def entry(self) -> Path:
        """The link by which nginx reads the site; without one, the link that it would have."""
        return next(iter(sorted(self.links())), self.link)

    def _place(self, text: str | None) -> Path:
        """Return the link to create for the site ``text``.

        nginx reads the links by name, and the first site gets the requests for the machine's own names. A
        later app gets a later link, so that visitors still find the earlier one at those names.
        """
        if not text or not own_port.names_any(text):
            return self.link
        entries = (self.nginx / "sites-enabled").glob("*")
        last = max((one.name for one in entries if own_port.names_any(_read(one) or "")), default="")
        names = [self.home.package, *(f"zz{number:02}-{self.home.package}" for number in range(1, 100))]
        return self.link.with_name(next((name for name in names if name > last), f"{last}-{names[0]}"))

    def includes(self, text: str) -> bool:
        """Return whether ``text`` includes the part of the site that the package updates."""
        part = re.escape(f"{self.home.lib}/") + r"(current|releases/[^/;]+)/nginx/server\.conf"
        return re.search(rf"(?m)^[^#\n]*\binclude\s+[\"']?{part}", text) is not None

    def foreign(self) -> bool:
        """Return whether something else wrote the site, before this package wrote one.

        A site that includes the app's part is its owner's own version of the package's site.
        """
        now = _read(self.file)
        return bool(now) and not _read(self.written) and not self.includes(now or "")

    def put_aside(self) -> list[str]:
        """Rename the site of an earlier installation, before the first ``put``; return what to print.

        Nothing is removed except a link in sites-enabled that leads to another file.
        """
        lines: list[str] = []
        if _read(self.written):
            return lines
        if self.foreign():
            kept = self._moved(self.file)
            lines.append(f"{self.file} was not written by this package. It is now {kept}.")
        if self.link.is_symlink() and os.path.realpath(self.link) != os.path.realpath(self.file):
            lines.append(f"{self.link} led to {os.path.realpath(self.link)}. It now leads to {self.file}.")
            self.link.unlink()
        elif self.link.is_file() and not self.link.is_symlink():
            kept = self._moved(self.link)
            lines.append(f"{self.link} was not written by this package. It is now {kept}.")
        return lines

    def problem(self, release: Release) -> str:
        """Return nginx's error about the site of ``release``; empty if nginx accepts it.

        Nothing is changed: nginx tests a copy of its configuration that contains the release's site. If
        nginx's configuration is broken without the release, too, that does not count against the release.
        """
        if not self.enabled() or not self._has_nginx():
            return ""
        with tempfile.TemporaryDirectory(prefix=f"{self.home.package}.") as name:
            problem = self._test(self._copy(release, Path(name)))
            # The copy is gone when someone reads this.
            problem = problem.replace(f"{name}/sites-enabled/{self.link.name}", str(self.file))
            problem = problem.replace(f"{name}/release/nginx/", f"{self.home.current}/nginx/")
            problem = problem.replace(name, str(self.nginx))
        return problem if problem and not self._test(self.nginx / "nginx.conf") else ""

    def put(self, release: Release, before: Release | None) -> str:
        """Write the site of ``release`` and reload nginx, if anything changed.

        Returns nginx's error about its configuration, if another part of it is broken.
        """
        text, new, first = self.text(release), self._new(release), not _read(self.written)
        if text is not None:
            self._record(self._own_port(_read(release.folder / "nginx/site.conf")))
            self.file.parent.mkdir(parents=True, exist_ok=True)
            write(self.file, text)
        if first and not self.linked():
            self.link.parent.mkdir(parents=True, exist_ok=True)
            replace_link(self._place(_read(self.file)), f"../sites-available/{self.home.package}")
            flush(self.link.parent)
        # This copy comes last, because it marks the site as written and linked: after a power cut, both
        # repeat.
        if new:
            write(self.written, new)
        same = before is not None and _texts(before.folder / "nginx") == _texts(release.folder / "nginx")
        changed = text is not None or first or not same
        if not self._has_nginx() or not (changed or self.enabled()):
            return ""
        problem = self._test(self.nginx / "nginx.conf")
        if problem or not changed:
            return problem
        if call.systemd_runs():
            call.systemctl("try-reload-or-restart", "nginx.service")
        elif "DPKG_MAINTSCRIPT_PACKAGE" in os.environ:
            call.call("dpkg-trigger", "--no-await", "nginx-reload")
        return ""

    def _record(self, port: int) -> None:
        """Write down the app's own ``port`` before the site: after a power cut, it is the same one."""
        if port and not own_port.recorded(self.port):
            write(self.port, f"{port}\n")

    def _moved(self, file: Path) -> Path:
        """Rename ``file`` to a name in sites-available that is free, and return that."""
        number, folder = 1, self.file.parent
        kept = folder / f"{self.file.name}.before-{self.home.package}"
        while os.path.lexists(kept):
            number += 1
            kept = folder / f"{self.file.name}.before-{self.home.package}.{number}"
        file.rename(kept)
        flush(folder)
        return kept

    def _has_nginx(self) -> bool:
        return shutil.which("nginx", path="/usr/sbin:/usr/bin:/sbin") is not None

    def _test(self, file: Path) -> str:
        status, output = call.call(
            "/usr/sbin/nginx", "-t", "-q", "-c", str(file), seconds=_PATIENCE, errors=True
        )
        return (tail(output) or f"nginx -t ended with status {status}") if status else ""

    def _copy(self, release: Release, folder: Path) -> Path:
        """Copy nginx's configuration to ``folder``, with the site of ``release``; return its main file."""
        current = f"{self.home.current}/"
        mine = folder / "release"
        shutil.copytree(release.folder / "nginx", mine / "nginx")
        for path in [*mine.rglob("*")]:
            if path.is_file():
                path.write_text((_read(path) or "").replace(f"{current}nginx/", f"{mine}/nginx/"))
        for entry in self.nginx.iterdir():
            if entry.name not in {"nginx.conf", "sites-enabled"}:
                (folder / entry.name).symlink_to(entry)
        enabled = folder / "sites-enabled"
        enabled.mkdir()
        for entry in (self.nginx / "sites-enabled").glob("*"):
            if entry.name != self.link.name and entry not in self.links():
                (enabled / entry.name).symlink_to(entry)
        text = self.text(release)
        site = text if text is not None else _read(self.file) or ""
        (enabled / self.link.name).write_text(site.replace(f"{current}nginx/", f"{mine}/nginx/"))
        main = folder / "nginx.conf"
        main.write_text(
            (_read(self.nginx / "nginx.conf") or "").replace(f"{self.nginx}/sites-enabled", str(enabled))
        )
        return main


def _texts(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*") if path.name != "site.conf"}


def _read(file: Path) -> str | None:
    """Return the text of a file, None if it is missing or empty (as a power cut may leave it)."""
    try:
        return file.read_text(encoding="utf-8", errors="surrogateescape") or None
    except OSError:
        return None
