"""What a hostile wheel wants from the machine of an author: its time, its memory, or a traceback.

Each is unpacked in a process of its own, whose limits end an attack that succeeds.
"""

from __future__ import annotations

import resource
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

INFO = "thing-1.0.dist-info"
METADATA = "Metadata-Version: 2.1\nName: thing\nVersion: 1.0\n"
WHEEL = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
_MEMORY, _SECONDS = 1 << 30, 30
_READ = """\
import sys
from pathlib import Path
from debonair import errors, target
from debonair.target import elf
from debonair.wheels import Wheel, metadata
from debonair.wheels.unpack import unpack
path = Path(sys.argv[1])
wheel = Wheel("thing", "1.0", path.name, "0" * 64, path)
def unpacked():
    for source in unpack(wheel, "app", target.load("trixie-arm64"), None):
        if source.data.startswith(elf.MAGIC):
            elf.read(source.path, source.data)
def described():
    with metadata._opened(wheel) as archive:
        metadata._read(archive)
for read in (unpacked, described):
    try:
        read()
    except errors.Error as error:
        print(f"refused: {error.message}")
    else:
        print("read")
"""


def made(folder: Path, files: dict[str, str | bytes], *, method: int = zipfile.ZIP_DEFLATED) -> Path:
    path = folder / "thing-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", method) as archive:
        dist_info = {f"{INFO}/METADATA": METADATA, f"{INFO}/WHEEL": WHEEL, f"{INFO}/RECORD": ""}
        for name, text in {**dist_info, **files}.items():
            archive.writestr(name, text)
    return path


def read(path: Path) -> str:
    """Return what the readers of Debonair say of a wheel, a line each."""
    done = subprocess.run(
        [sys.executable, "-c", _READ, str(path)],
        check=False, capture_output=True, text=True, timeout=300, preexec_fn=_limits,
    )  # fmt: skip
    assert not done.stderr, done.stderr[-2000:]
    assert done.returncode == 0, f"it ended with {done.returncode}"
    return done.stdout


def _limits() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS, _SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def zeros(folder: Path, mebibytes: int, method: int = zipfile.ZIP_DEFLATED) -> Path:
    path = made(folder, {}, method=method)
    with (
        zipfile.ZipFile(path, "a", method) as archive,
        archive.open("thing/zeros", "w", force_zip64=True) as out,
    ):
        for _ in range(mebibytes):
            out.write(bytes(1 << 20))
    return path


def test_fills_the_memory_by_zeros(tmp_path: Path) -> None:
    output = read(zeros(tmp_path, 1100))
    assert output.count("would unpack to 1100 MiB, too much for its size") == 2


def test_fills_the_memory_by_a_lie_about_a_size(tmp_path: Path) -> None:
    path = zeros(tmp_path, 1100)
    data = bytearray(path.read_bytes())
    entry = data.rindex(b"thing/zeros") - 46
    data[entry + 24 : entry + 28] = struct.pack("<I", 10)
    path.write_bytes(bytes(data))
    assert read(path).startswith("refused: ")


def test_fills_the_memory_by_another_method(tmp_path: Path) -> None:
    output = read(zeros(tmp_path, 200, zipfile.ZIP_BZIP2))
    assert output.count("by a method that wheels do not use") == 2


def test_takes_long_by_many_files(tmp_path: Path) -> None:
    output = read(made(tmp_path, {f"thing/m{n}.py": "" for n in range(70_000)}))
    assert output.count("has 70003 files, more than 50000") == 2


def test_takes_long_by_many_commands(tmp_path: Path) -> None:
    text = "[console_scripts]\n" + "".join(f"c{n} = thing:main\n" for n in range(50_000))
    assert read(made(tmp_path, {f"{INFO}/entry_points.txt": text})).count("more than 2000 commands") == 2


def test_takes_long_by_a_long_text(tmp_path: Path) -> None:
    output = read(made(tmp_path, {f"{INFO}/entry_points.txt": "x" * (20 << 20)}))
    assert output.count("has a thing-1.0.dist-info/entry_points.txt of 20 MiB") == 2


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({f"{INFO}/entry_points.txt": "x = y\n"}, "no section headers"),
        ({f"{INFO}/entry_points.txt": "[console_scripts]\nx = a:b\nx = a:b\n"}, "already exists"),
        ({f"{INFO}/entry_points.txt": "[console_scripts]\nx = %(y)s:b\n"}, "Bad value substitution"),
        ({f"{INFO}/entry_points.txt": "[a]\n[a]\n"}, "already exists"),
        ({f"{INFO}/entry_points.txt": b"\xff"}, "can't decode byte"),
        ({f"{INFO}/RECORD": '"' + "a" * 200_000}, "field larger than field limit"),
        ({"thing-1.0.data/evil/x": ""}, "is not contained in a valid .data subdirectory"),
        ({f"{INFO}/WHEEL": "Wheel-Version: 2.0\n"}, "Incompatible Wheel-Version 2.0"),
        (
            {
                "thing/x.so": b"\x7fELF\x02\x01\x01"
                + bytes(9)
                + struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0, 64, 64, 0, 64, 56, 65535, 64, 65535, 1)
                + b"\xff" * 400_000
            },
            "starts like a compiled file (ELF), but is damaged",
        ),
    ],
)
def test_ends_in_a_traceback(files: dict[str, str | bytes], why: str, tmp_path: Path) -> None:
    output = read(made(tmp_path, files))
    assert output.startswith("refused: ")
    assert why in output
    assert " object at 0x" not in output


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04" + b"x" * 1000, b"PK\x05\x06" + b"\xff" * 18])
def test_ends_in_a_traceback_as_no_zip(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "thing-1.0-py3-none-any.whl"
    path.write_bytes(data)
    assert read(path).count("refused: ") == 2
