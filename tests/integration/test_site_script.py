"""The part of postinst that writes the site, as a shell runs it, in a root of its own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from samples import VERSION, sample_project

from debonair import render
from debonair.run import run

APP = "guestbook"


class Pi:
    """A folder that stands for the root of a Pi, with the programs that the script calls noted in a log."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.site = root / f"etc/nginx/sites-available/{APP}"
        self.link = root / f"etc/nginx/sites-enabled/{APP}"
        self.written = root / f"usr/lib/{APP}/site.conf"
        self.template = root / f"usr/lib/{APP}/current/nginx/site.conf"
        self.template.parent.mkdir(parents=True)
        self.template.write_text("server {}\n")
        (root / "etc/nginx").mkdir(parents=True)
        text = render.members(sample_project(), VERSION)["postinst"]
        text = text[text.index("# The site is the admin's") :]
        self.script = re.sub(r"(?<![\w.])/(etc/|etc\b|usr/|var/)", rf"{root}/\1", text)
        programs = root / "programs"
        programs.mkdir()
        for name in ("sync", "mv", "ln", "dpkg-trigger", "nginx"):
            real = f'exec /bin/{name} "$@"' if name in {"mv", "ln"} else ""
            program = programs / name
            program.write_text(f'#!/bin/sh\necho {name} "$@" >>{root}/log\n{real}\n')
            program.chmod(0o755)

    def configure(self) -> list[str]:
        """Run the part, and return what it called, without the root."""
        log = self.root / "log"
        log.write_text("")
        path = f"{self.root}/programs:/usr/bin:/bin"
        run(["sh", "-e", "-c", self.script], env={"PATH": path})
        return log.read_text().replace(str(self.root), "").splitlines()


@pytest.fixture
def pi(tmp_path: Path) -> Pi:
    return Pi(tmp_path)


def test_bytes_are_on_the_disk_before_names(pi: Pi) -> None:
    did = [line for line in pi.configure() if line.startswith(("sync", "mv", "ln"))]
    site, written = f"/etc/nginx/sites-available/{APP}", f"/usr/lib/{APP}/site.conf"
    assert did == [
        "sync /etc/nginx",
        *(f"sync {site}.new", f"mv {site}.new {site}", "sync /etc/nginx/sites-available"),
        f"ln -sf ../sites-available/{APP} /etc/nginx/sites-enabled/{APP}",
        "sync /etc/nginx/sites-enabled",
        *(f"sync {written}.new", f"mv {written}.new {written}", f"sync /usr/lib/{APP}"),
        f"sync --file-system /etc /usr/lib/{APP} /var/lib",
    ]
    assert pi.site.read_text() == pi.written.read_text() == "server {}\n"


@pytest.mark.parametrize("lost", [("site",), ("written",), ("site", "written")])
def test_what_a_power_cut_has_emptied_is_written_again(pi: Pi, lost: tuple[str, ...]) -> None:
    pi.configure()
    for name in lost:
        getattr(pi, name).write_text("")
    assert "dpkg-trigger --no-await nginx-reload" in pi.configure()
    assert pi.site.read_text() == pi.written.read_text() == "server {}\n"
    assert pi.link.is_symlink()


def test_a_site_that_was_edited_and_a_link_that_was_taken_stay_so(pi: Pi) -> None:
    pi.configure()
    pi.site.write_text("server { listen 81; }\n")
    pi.link.unlink()
    pi.template.write_text("server { listen 82; }\n")
    assert "dpkg-trigger --no-await nginx-reload" not in pi.configure()
    assert "81" in pi.site.read_text()
    assert not pi.link.is_symlink()


def test_a_site_that_nobody_edited_follows_and_is_written_once(pi: Pi) -> None:
    pi.configure()
    pi.template.write_text("server { listen 82; }\n")
    assert "dpkg-trigger --no-await nginx-reload" in pi.configure()
    assert "82" in pi.site.read_text()
    assert pi.configure() == ["nginx -t -q", f"sync --file-system /etc /usr/lib/{APP} /var/lib"]
