from __future__ import annotations

import hashlib
import io
import random
import tarfile
from pathlib import Path

import pytest
from odddebs import FILES, PACK, ar, member, odd, put, tar

from debonair.deb import archive, tree
from debonair.deb.control import Control
from debonair.deb.tree import Source, Tree
from debonair.errors import PackageError

TIME = 1_700_000_000
CONTROL = Control("guestbook", "1.0-1+deb13", "arm64", "Ada <ada@example.org>", "guest book to sign")
SCRIPTS = {"postinst": "#!/bin/sh\n", "triggers": "activate-noawait x\n", "prerm": ""}


def plan(*sources: Source) -> Tree:
    return tree.assemble([tree.layer("the app", sources)], mtime=TIME)


PLAN = plan(
    Source.file("usr/lib/guestbook/app.py", b"print()\n", mtime=TIME),
    Source.file("usr/lib/guestbook/run", b"#!/bin/sh\n", mode=0o755, mtime=TIME),
    Source.link("usr/bin/guestbook", "../lib/guestbook/run", mtime=TIME),
)


def write() -> bytes:
    return archive.write(CONTROL, PLAN, SCRIPTS, mtime=TIME)


GOOD = "Package: x\nVersion: 1\nArchitecture: all\n"


def test_the_container_is_that_of_deb_5() -> None:
    data = write()
    assert data[:8] == b"!<arch>\n"
    assert data[8:68] == b"debian-binary   1700000000  0     0     100644  4         `\n"
    assert data[68:72] == b"2.0\n"
    assert data[72:90] == b"control.tar.xz  17"
    assert data.index(b"data.tar.xz     1700000000") % 2 == 0
    assert len(data) % 2 == 0


def test_the_same_arguments_give_the_same_bytes() -> None:
    assert write() == write()


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "x.deb"
    path.write_bytes(write())
    deb = archive.read(path, keep=lambda name: name.endswith(".py"))
    assert deb.fields["Package"] == "guestbook"
    assert deb.fields["Installed-Size"] == "7"
    assert deb.contents == {"usr/lib/guestbook/app.py": b"print()\n"}
    assert [(entry.path, entry.kind, entry.mode, entry.size, entry.target) for entry in deb.entries] == [
        ("usr", "dir", 0o755, 0, ""),
        ("usr/bin", "dir", 0o755, 0, ""),
        ("usr/lib", "dir", 0o755, 0, ""),
        ("usr/lib/guestbook", "dir", 0o755, 0, ""),
        ("usr/bin/guestbook", "link", 0o777, 0, "../lib/guestbook/run"),
        ("usr/lib/guestbook/app.py", "file", 0o644, 8, ""),
        ("usr/lib/guestbook/run", "file", 0o755, 10, ""),
    ]
    assert archive.read_control(path) == deb.fields


def test_the_control_tarball(tmp_path: Path) -> None:
    path = tmp_path / "x.deb"
    path.write_bytes(write())
    deb = archive.read(path)
    assert set(deb.members) == {"control", "md5sums", "postinst", "triggers"}  # an empty member is left out
    assert deb.members["md5sums"].decode() == "".join(
        f"{hashlib.md5(data, usedforsecurity=False).hexdigest()}  {name}\n"
        for name, data in (
            ("usr/lib/guestbook/app.py", b"print()\n"),
            ("usr/lib/guestbook/run", b"#!/bin/sh\n"),
        )
    )
    assert deb.contents == {}


def test_maintainer_scripts_are_executable() -> None:
    data = write()
    start = data.index(b"control.tar.xz") + 60
    with tarfile.open(fileobj=io.BytesIO(data[start : data.index(b"data.tar.xz     ")])) as found:
        modes = {info.name: (info.mode, info.mtime, info.uname) for info in found}
    assert modes == {
        ".": (0o755, TIME, "root"),
        "./control": (0o644, TIME, "root"),
        "./md5sums": (0o644, TIME, "root"),
        "./postinst": (0o755, TIME, "root"),
        "./triggers": (0o644, TIME, "root"),
    }


def test_a_package_without_files(tmp_path: Path) -> None:
    path = tmp_path / "x.deb"
    path.write_bytes(archive.write(CONTROL, plan(), {}, mtime=TIME))
    deb = archive.read(path)
    assert deb.entries == ()
    assert "md5sums" not in deb.members


def test_a_name_that_is_not_utf_8(tmp_path: Path) -> None:
    name = b"usr/caf\xe9".decode(errors="surrogateescape")
    path = tmp_path / "x.deb"
    path.write_bytes(archive.write(CONTROL, plan(Source.file(name, b"", mtime=TIME)), {}, mtime=TIME))
    deb = archive.read(path)
    assert b"  usr/caf\xe9\n" in deb.members["md5sums"]
    assert deb.entries[-1].path == name


@pytest.mark.parametrize("control_as", ["", ".gz", ".xz"])
@pytest.mark.parametrize("data_as", ["", ".gz", ".xz", ".bz2", ".lzma"])
def test_debs_of_others_are_read(control_as: str, data_as: str, tmp_path: Path) -> None:
    files = {"./": None, "./usr/": None, "./usr/x": b"1" * 600_000}
    data = odd(
        GOOD,
        data=tar(files),
        control_as=control_as,
        data_as=data_as,
        between=[("_gpgbuilder", b"abc")],
        behind=[("_gpgorigin", b"abc")],
    )
    deb = archive.read(put(tmp_path, data), keep=lambda _: True)
    assert deb.fields == {"Package": "x", "Version": "1", "Architecture": "all"}
    assert deb.contents == {"usr/x": b"1" * 600_000}


def test_names_in_ar_may_end_in_a_slash_and_the_format_may_be_newer(tmp_path: Path) -> None:
    data = odd(version=b"2.1\n").replace(b"control.tar.gz ", b"control.tar.gz/")
    assert archive.read_control(put(tmp_path, data))["Package"] == "hello"


CONTROL_TAR, DATA_TAR = ("control.tar", tar({"./control": GOOD.encode()})), ("data.tar", tar())
BINARY = ("debian-binary", b"2.0\n")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "ar archive"),
        (b"PK\x03\x04" * 30, "ar archive"),
        (b"!<arch>\n", "no control.tar"),
        (ar(BINARY), "no control.tar"),
        (ar(CONTROL_TAR, DATA_TAR), "first member"),
        (ar(BINARY, DATA_TAR, CONTROL_TAR), "twice, or in a position where dpkg does not accept it"),
        (ar(BINARY, CONTROL_TAR), "no data.tar"),
        (ar(BINARY, CONTROL_TAR, CONTROL_TAR, DATA_TAR), "twice"),
        (ar(BINARY, CONTROL_TAR, DATA_TAR, ("control.tar.gz", b"")), "twice"),
        (ar(BINARY, CONTROL_TAR, DATA_TAR, DATA_TAR), "twice"),
        (ar(BINARY, ("other", b""), CONTROL_TAR, DATA_TAR), "does not accept"),
        (ar(BINARY, ("control.tar.bz2", b""), DATA_TAR), "has a compression that dpkg does not support"),
        (ar(BINARY, CONTROL_TAR, DATA_TAR, size="-60"), "damaged"),
        (ar(BINARY, CONTROL_TAR, DATA_TAR, size="1_0"), "damaged"),
        (ar(BINARY, CONTROL_TAR, DATA_TAR, size="9999999999"), "ends within data.tar"),
        (ar(BINARY, *[("_x", b"")] * 100), "more than 64 members"),
        (ar(BINARY, ("control.tar.gz", b"rubbish"), DATA_TAR), "cannot be decompressed"),
        (ar(BINARY, ("control.tar", tar({"./other": b""})), DATA_TAR), "no file 'control'"),
        (odd(GOOD)[:-20], "ends within data.tar.xz"),
        (odd("Package: x\n"), "no Version"),
        (odd(""), "does not end in a line break"),
        (odd("\n"), "no Package"),
        (b"!<arch>\n" + b"x" * 60, "damaged"),
        (b"!<arch>\n" + b"\xff" * 60, "damaged"),
        (odd(version=b"3.0\n"), "its format is 3.0, but dpkg supports only 2.0"),
        (odd(version=b"2.0"), "its debian-binary does not contain a format version"),
        (odd(control=tar({"./control": GOOD.encode(), "././control": b""})), "'control' twice"),
        (
            odd(control=tar({"./control": GOOD.encode()}, [member("./x", b"2", "control")])),
            "not a regular file",
        ),
        (odd(control=tar({"./control": GOOD.encode(), "./x/y": b""})), "'x/y'"),
    ],
)
def test_what_is_no_deb_is_refused(data: bytes, why: str, tmp_path: Path) -> None:
    path = put(tmp_path, data)
    with pytest.raises(PackageError, match="is not a usable Debian package") as caught:
        archive.read(path)
    assert str(path) in caught.value.message
    assert why in caught.value.message


@pytest.mark.parametrize("packed", [".gz", ".xz", ".bz2"])
def test_what_is_behind_a_packed_stream_is_refused(packed: str, tmp_path: Path) -> None:
    pack = PACK[packed]
    for more in (pack(tar()), b"x", pack(b"")):
        data = ar(BINARY, CONTROL_TAR, (f"data.tar{packed}", pack(tar(FILES)) + more))
        with pytest.raises(PackageError, match="continues after the end of its compressed stream"):
            archive.read(put(tmp_path, data))
    data = ar(BINARY, CONTROL_TAR, (f"data.tar{packed}", pack(tar(FILES))[:-9]))
    with pytest.raises(PackageError, match=r"is incomplete|cannot be decompressed"):
        archive.read(put(tmp_path, data))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    for reader in (archive.read, archive.read_control):
        with pytest.raises(PackageError, match="There is no file"):
            reader(tmp_path / "none.deb")
        with pytest.raises(PackageError, match="is not a usable Debian package"):
            reader(tmp_path)
        with pytest.raises(PackageError, match="it is not a regular file"):
            reader(Path("/dev/null"))


def test_a_damaged_deb_is_refused_or_read_but_never_breaks(tmp_path: Path) -> None:
    whole = write()
    gz = odd(data_as=".gz")
    path = tmp_path / "x.deb"
    chance = random.Random(1)
    refused = 0
    for _ in range(400):
        data = bytearray(chance.choice([whole, gz]))
        if chance.random() < 0.3:
            del data[chance.randrange(len(data)) :]
        else:
            for _ in range(chance.randrange(1, 4)):
                data[chance.randrange(len(data))] = chance.randrange(256)
        path.write_bytes(data)
        try:
            archive.read(path, keep=lambda _: True)
        except PackageError:
            refused += 1
    assert refused > 200
