"""Somebody hands a publisher a deb, to get something signed that the publisher has not seen.

Each of them is what ``repo add`` takes before this was mended; dpkg says beside it what it makes of it.
"""

from __future__ import annotations

import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from odddebs import FILES, PACK, STANZA, ar, member, odd, put, tar
from publishing import Publisher

SMALL = tar(FILES)
CONTROL = ("control.tar.gz", PACK[".gz"](tar({"./control": STANZA.encode()})))
BINARY = ("debian-binary", b"2.0\n")
OTHER = STANZA.replace("hello", "base-files")


@pytest.mark.parametrize(
    "between", ["\u2028", "\u2029", "\u0085", "\x0b", "\x0c", "\r", "\x1c", "\x1d", "\x1e"]
)
def test_publishes_as_another_package_by_what_only_python_takes_for_a_line_break(
    between: str, publisher: Publisher, tmp_path: Path
) -> None:
    stanza = f"{STANZA}Homepage: x{between}Package: base-files{between}Version: 99\n"
    publisher.add(put(tmp_path, odd(stanza)))
    names = {line for line in publisher.packages().split("\n") if line.startswith("Package: ")}
    assert names <= {"Package: hello"}


UNFIT = {
    "an unpublished format": odd(version=b"3.0\n"),
    "a version that dpkg does not know": odd(STANZA.replace("1.0-1+deb13", "v1.0_beta+deb13")),
    "a field twice": odd(f"{STANZA}Multi-arch: foreign\nMulti-Arch: same\n"),
    "a package name twice": odd(f"{STANZA}package: base-files\n"),
    "a second paragraph": odd(f"{STANZA}\n{OTHER}"),
    "a comment": odd(f"# x\n{STANZA}"),
    "no architecture": odd(STANZA.replace("amd64", "")),
    "another charset": odd(STANZA.replace("Ada", "J\u00fcrgen").encode("latin-1")),
    "a package that is installed already": odd(f"{STANZA}Status: install ok installed\n"),
    "an escape to the terminal": odd(f"{STANZA}Homepage: \x1b]0;x\x07\n"),
    "a dependency that ends apt": odd(f"{STANZA}Depends: a (>= 1\n"),
    "a section with a line of Contents": odd(STANZA.replace("misc", "x\n etc/shadow base/passwd\n y")),
    "a file with a line of Contents": odd(data=tar({"./usr/x base/a\netc/shadow": b""})),
    "a tarball that is cut": odd()[:-40],
    "a negative size": ar(BINARY, CONTROL, ("data.tar", SMALL), size="-100"),
    "a size that is no number": ar(BINARY, CONTROL, ("data.tar", SMALL), size="1_0240"),
    "a second control tarball": ar(
        BINARY,
        CONTROL,
        ("data.tar", SMALL),
        ("control.tar.gz", PACK[".gz"](tar({"./control": OTHER.encode()}))),
    ),
    "a control tarball first that dpkg passes over": ar(
        BINARY, ("control.tar.zzz", b"x"), CONTROL, ("data.tar", SMALL)
    ),
    "a second stream": ar(
        BINARY, CONTROL, ("data.tar.xz", PACK[".xz"](SMALL[:1024]) + PACK[".xz"](SMALL[1024:]))
    ),
    "a second control file": odd(
        control=tar({"./control": STANZA.encode(), "././control": OTHER.encode()})
    ),
    "a control file of pax": odd(
        control=tar({"./control": STANZA.encode(), "./\u00fc" * 40: b""}, form=tarfile.PAX_FORMAT)
    ),
    "a file of pax": odd(data=tar({"./usr/\u00fc" * 40: b"x"}, form=tarfile.PAX_FORMAT)),
    "a file outside": odd(data=tar({"./../../etc/x": b"x"})),
    "a control file that is a link": odd(
        control=tar({"./other": STANZA.encode()}, [member("./control", tarfile.SYMTYPE, "other")])
    ),
    "64 KiB in a field": odd(f"{STANZA}Homepage: https://example.org/{'x' * 70_000}\n"),
    "a megabyte in a field": odd(f"{STANZA}Homepage: https://example.org/{'x' * 1_100_000}\n"),
    "a name that no file can have": odd(STANZA.replace("1.0-1", f"1.0{'.0' * 120}-1")),
}


@pytest.mark.parametrize("what", UNFIT)
def test_publishes_what_dpkg_or_apt_do_not_take(what: str, publisher: Publisher, tmp_path: Path) -> None:
    before = publisher.packages()
    result = publisher.add(put(tmp_path, UNFIT[what]))
    assert result.refused, result.text
    assert publisher.packages() == before


def test_what_a_stranger_may_publish(
    publisher: Publisher, dpkg: Callable[[Path], bool], tmp_path: Path
) -> None:
    """The publisher can still be of use to those who mean well."""
    for number, packed in enumerate(PACK):
        stanza = STANZA.replace("hello", f"fine{number}")
        deb = put(tmp_path, odd(stanza, data_as=packed), f"fine{number}.deb")
        assert dpkg(deb)
        result = publisher.add(deb)
        assert result.status == 0, result.text
        assert f"Package: fine{number}\n" in publisher.packages()
        assert publisher.run("inspect", deb).status == publisher.run("check", deb).status == 0
    assert publisher.run("repo", "verify").status == 0


def test_what_is_packed_by_zstd_is_read(
    publisher: Publisher, dpkg: Callable[[Path], bool], tmp_path: Path
) -> None:
    folder = tmp_path / "tree"
    (folder / "DEBIAN").mkdir(parents=True)
    (folder / "DEBIAN/control").write_text(STANZA.replace("hello", "zst"))
    (folder / "usr/share/zst").mkdir(parents=True)
    (folder / "usr/share/zst/large").write_bytes(bytes(range(256)) * 5000)
    deb = tmp_path / "zst.deb"

    subprocess.run(
        ["dpkg-deb", "--root-owner-group", "-Zzstd", "--build", folder, deb],
        check=True,
        capture_output=True,
    )
    assert b"data.tar.zst" in deb.read_bytes()
    assert dpkg(deb)
    result = publisher.add(deb)
    assert result.status == 0, result.text
    assert "usr/share/zst/large" in publisher.contents()
    assert "/usr/share/zst/large" in publisher.run("inspect", deb).text
    frames = deb.read_bytes()
    at = frames.index(b"data.tar.zst") + 60
    doubled = frames[at:] + frames[at:]
    odd_one = put(tmp_path, frames[: at - 60] + ar(("data.tar.zst", doubled))[8:], "two.deb")
    assert publisher.add(odd_one).refused
    assert publisher.add(put(tmp_path, frames[: at + 100], "cut.deb")).refused
