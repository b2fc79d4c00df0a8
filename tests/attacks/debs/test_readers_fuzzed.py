"""Debs that were damaged at random, read as the product reads them and as dpkg does.

Whatever comes of a deb is fields and files, or a refusal in words: never another exception, never a reader
that is late or ends. What is taken, dpkg takes, and reads the same of it. Seeds are fixed; the corpus
beside it holds what once broke something, and an ordinary deb of each kind.
"""

from __future__ import annotations

import io
import lzma
import random
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from elfmaker import make_elf
from odddebs import FILES, PACK, STANZA, ar, odd, tar
from publishing import dpkg_takes

from debonair.deb import reader_pool, stanza
from debonair.deb.refusal import Unfit
from debonair.deb.tar import members
from debonair.errors import Error, PackageError
from debonair.target import compatibility

CORPUS = sorted((Path(__file__).parent / "corpus").iterdir())
BINARY = ("debian-binary", b"2.0\n")
FIELDS = ("Package", "Version", "Architecture", "Maintainer", "Homepage", "Source")
INTERESTING = (
    *(b"\0", b"\n", b"\r", b" ", b"\t", b":", b"-", b"_", b"/", b".", b"..", b"\n\n", b"\n ", b"#", b"("),
    *(b"|", b",", b"\x7f", b"\x80", b"\xff", b"\xe2\x80\xa8", b"\xc2\x85", b"\x0b", b"9999999999"),
    *(b"0x1", b"1_0", b"-1", b"+1"),
    *(b"Package: x\n", b"version: 2\n", b"Status: ok\n", b"control", b"data.tar", b"./", b"`\n"),
)  # fmt: skip


def damaged(data: bytes, chance: random.Random) -> bytes:
    """Return ``data`` with a few changes."""
    out = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
        at = chance.randrange(len(out) + 1)
        match chance.randrange(6):
            case 0:
                out[at : at + 1] = bytes([chance.randrange(256)])
            case 1:
                out[at:at] = chance.choice(INTERESTING)
            case 2:
                word = chance.choice(INTERESTING)
                out[at : at + len(word)] = word
            case 3:
                del out[at : at + chance.choice((1, 2, 10, 60, 512))]
            case 4:
                size = chance.choice((1, 10, 60, 512))
                out[at:at] = out[at : at + size] * chance.choice((1, 2, 5))
            case _:
                if out and chance.random() < 0.3:
                    del out[at:]
                elif out:
                    at = min(at, len(out) - 1)
                    out[at] ^= 1 << chance.randrange(8)
    return bytes(out)


def _sum(header: bytearray) -> bytes:
    return b"%06o\0 " % (sum(header[:148]) + 256 + sum(header[156:]))


def mended(data: bytes) -> bytes:
    """Return a tar whose headers have the sums that they should have, so that more of it is read."""
    out = bytearray(data)
    for at in range(0, len(out) - 511, 512):
        if out[at + 257 : at + 262] == b"ustar":
            out[at + 148 : at + 156] = _sum(out[at : at + 512])
    return bytes(out)


@pytest.fixture(scope="module")
def pool() -> Iterator[reader_pool.Pool]:
    with reader_pool.Pool() as pool:
        yield pool


def taken(pool: reader_pool.Pool, data: bytes) -> reader_pool.Contents | None:
    """Return what the product reads in a deb, or None if it refuses it in words."""
    try:
        return pool.contents(Path("odd.deb"), data, [r"usr/share/doc/{package}/.*"])[0]
    except PackageError as refused:
        if "is not a usable Debian package" not in refused.message:
            raise
        return None


def fields_of_dpkg(deb: Path) -> dict[str, str]:
    """Return what dpkg-deb says of the fields that the pool is sorted by."""
    form = "@@".join(f"${{{name}}}" for name in FIELDS)
    output = subprocess.run(
        ["dpkg-deb", "--show", f"--showformat={form}", deb], capture_output=True, timeout=60, check=True
    ).stdout.decode()
    return dict(zip(FIELDS, output.split("@@"), strict=True))


def judged(pool: reader_pool.Pool, data: bytes, folder: Path) -> bool:
    """Read a deb, and if it is taken let dpkg read it too; return whether it was."""
    found = taken(pool, data)
    if found is None:
        return False
    deb = folder / "odd.deb"
    deb.write_bytes(data)
    told = {name: found.fields.get(name, "").replace("\n", "\n ") for name in FIELDS}
    assert told == fields_of_dpkg(deb)
    listed = subprocess.run(["dpkg-deb", "--contents", deb], capture_output=True, timeout=60, check=False)
    assert listed.returncode == 0, listed.stderr
    assert listed.stdout.count(b"\n") >= len(found.members)
    return True


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.name)
def test_the_corpus(path: Path, pool: reader_pool.Pool, tmp_path: Path) -> None:
    fine = path.name.startswith("fine-")
    assert judged(pool, path.read_bytes(), tmp_path) is fine
    assert dpkg_takes(path, tmp_path / "root") or not fine


def test_archives(pool: reader_pool.Pool, tmp_path: Path) -> None:
    chance = random.Random(1)
    whole = [path.read_bytes() for path in CORPUS]
    taken_too = sum(judged(pool, damaged(chance.choice(whole), chance), tmp_path) for _ in range(600))
    assert 0 < taken_too < 400


@pytest.mark.parametrize("which", ["control", "data"])
def test_tarballs(which: str, pool: reader_pool.Pool, tmp_path: Path) -> None:
    chance = random.Random(2)
    control = {"./": None, "./control": STANZA.encode(), "./md5sums": b"x" * 600}
    plain = tar(control if which == "control" else FILES)

    def made() -> bytes:
        hurt = mended(damaged(plain, chance)) if chance.random() < 0.8 else damaged(plain, chance)
        return odd(control=hurt, control_as="") if which == "control" else odd(data=hurt, data_as="")

    assert 0 < sum(judged(pool, made(), tmp_path) for _ in range(500)) < 450


def test_control_files(pool: reader_pool.Pool, tmp_path: Path) -> None:
    chance = random.Random(3)
    more = "Depends: a (>= 1.0~), b | c:any (<< 2),\n d\nMulti-Arch: foreign\nSource: x (2:1-1)\n"
    text = STANZA.replace("Section", f"{more}Section").encode()
    assert 0 < sum(judged(pool, odd(damaged(text, chance)), tmp_path) for _ in range(500)) < 450


@pytest.mark.parametrize("read", [stanza.read, lambda data: list(members(io.BytesIO(data)))])
def test_readers_alone(read: Callable[[bytes], object]) -> None:
    """The same without a process around it, so many times more."""
    chance = random.Random(4)
    seed = STANZA.encode() if read is stanza.read else tar(FILES)
    refused = 0
    for _ in range(20_000):
        try:
            read(damaged(seed, chance))
        except Unfit:
            refused += 1
    assert 0 < refused < 20_000


def test_packed_streams(pool: reader_pool.Pool) -> None:
    chance = random.Random(5)
    plain = tar({"./x": bytes(chance.randrange(256) for _ in range(3000))})
    control = ("control.tar", tar({"./control": STANZA.encode()}))
    zstd = subprocess.run(["zstd", "-qc"], input=plain, capture_output=True, check=True).stdout
    kinds = [(name, pack(plain)) for name, pack in PACK.items()] + [(".zst", zstd)]
    for _ in range(600):
        name, packed = chance.choice(kinds)
        found = taken(pool, ar(BINARY, control, (f"data.tar{name}", damaged(packed, chance))))
        assert found is None or {each[0] for each in found.members} <= {"x"} or not name


def test_compiled_files(tmp_path: Path) -> None:
    chance = random.Random(6)
    libraries = [make_elf("arm", cpu=10), make_elf("x86-64", glibc=("GLIBC_2.34",), runpath="$ORIGIN/x")]
    deb = tmp_path / "odd.deb"
    with reader_pool.Pool(compatibility.JOB, bare=False, memory=compatibility.MEMORY) as pool:
        for _ in range(400):
            library = damaged(chance.choice(libraries), chance)
            deb.write_bytes(odd(data=tar({"./usr/lib/x.so": library}), data_as=""))
            try:
                compatibility.check(deb, pool=pool)
            except Error as refused:
                if "was refused: the process that read it failed" in refused.message:
                    raise


def test_the_corpus_is_of_all_kinds() -> None:
    names = " ".join(path.name for path in CORPUS)
    assert all(f"fine-{kind}" in names for kind in ("xz", "gz", "bz2", "lzma", "none", "zst", "own"))
    assert tarfile.is_tarfile(io.BytesIO(lzma.decompress(odd().partition(b"data.tar.xz")[2][49:])))
