"""How an sdist wants to be built, read from sdists that are made here."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from debonair.errors import WheelError
from debonair.wheels import build_system
from debonair.wheels.build_system import Backend

CFFI = """\
[build-system]
requires = ["setuptools >= 66.1", "wheel; python_version < '3.9'"]
build-backend = "backend:object.inner"
backend-path = ["build", "."]
"""
READ = Backend(
    ("setuptools >= 66.1", "wheel; python_version < '3.9'"), "backend:object.inner", ("build", ".")
)
LEGACY = Backend(("setuptools>=40.8.0",), "setuptools.build_meta:__legacy__", ())


def tarred(folder: Path, files: Mapping[str, str], kind: str = "gz") -> Path:
    path = folder / f"p-1.0.tar.{kind}"
    with path.open("wb") as out, tarfile.open(fileobj=out, mode=f"w:{kind}") as archive:  # type: ignore[call-overload]
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    return path


def zipped(folder: Path, files: Mapping[str, str]) -> Path:
    path = folder / "p-1.0.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


def wrong(path: Path) -> WheelError:
    with pytest.raises(WheelError) as caught:
        build_system.read(path)
    assert caught.value.message.startswith(f"{path.name} is not a valid sdist")
    assert caught.value.hint == "Lock another version of it, and report this to its authors."
    return caught.value


@pytest.mark.parametrize("make", [tarred, zipped])
class TestBoth:
    def test_says_what_the_table_does(
        self, make: Callable[[Path, Mapping[str, str]], Path], tmp_path: Path
    ) -> None:
        files = {"p-1.0/PKG-INFO": "Name: p\n", "p-1.0/pyproject.toml": CFFI, "p-1.0/setup.py": ""}
        assert build_system.read(make(tmp_path, files)) == READ

    def test_looks_beside_pkg_info_alone(
        self, make: Callable[[Path, Mapping[str, str]], Path], tmp_path: Path
    ) -> None:
        other = CFFI.replace("backend:object.inner", "another")
        files = {"p-1.0/tests/pyproject.toml": other, "pyproject.toml": other, "p-1.0/pyproject.toml": CFFI}
        assert build_system.read(make(tmp_path, files)) == READ

    @pytest.mark.parametrize(
        "files",
        [
            {"p-1.0/setup.py": ""},
            {"p-1.0/tests/pyproject.toml": CFFI},
            {"p-1.0/pyproject.toml": ""},
            {"p-1.0/pyproject.toml": "[tool.black]\nline-length = 99\n"},
            {"p-1.0/pyproject.toml": "[build-system]\n"},
        ],
    )
    def test_is_setuptools_where_nothing_is_said(
        self, make: Callable[[Path, Mapping[str, str]], Path], tmp_path: Path, files: Mapping[str, str]
    ) -> None:
        assert build_system.read(make(tmp_path, files)) == LEGACY

    def test_has_a_default_for_each_key(
        self, make: Callable[[Path, Mapping[str, str]], Path], tmp_path: Path
    ) -> None:
        path = make(tmp_path, {"p-1.0/pyproject.toml": '[build-system]\nrequires = ["flit_core"]\n'})
        assert build_system.read(path) == Backend(("flit_core",), LEGACY.build_backend, ())

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("[build-system", "Expected"),
            ("build-system = 3", "Expected `object`, got `int`"),
            ('[build-system]\nrequires = "setuptools"', "Expected `array`, got `str` - at `$.requires`"),
            ("[build-system]\nrequires = [1]", r"Expected `str`, got `int` - at `$.requires[0]`"),
            ("[build-system]\nbuild-backend = []", "Expected `str`, got `array` - at `$.build-backend`"),
            ('[build-system]\nbackend-path = "."', "Expected `array`, got `str` - at `$.backend-path`"),
        ],
    )
    def test_refuses_a_table_that_is_wrong(
        self, make: Callable[[Path, Mapping[str, str]], Path], tmp_path: Path, text: str, message: str
    ) -> None:
        assert message in wrong(make(tmp_path, {"p-1.0/pyproject.toml": text})).message


@pytest.mark.parametrize("kind", ["bz2", "xz"])
def test_a_tar_may_be_compressed_in_another_way(tmp_path: Path, kind: str) -> None:
    assert build_system.read(tarred(tmp_path, {"p-1.0/pyproject.toml": CFFI}, kind)) == READ


def test_names_may_begin_with_a_dot(tmp_path: Path) -> None:
    assert build_system.read(tarred(tmp_path, {"./p-1.0/pyproject.toml": CFFI})) == READ


def test_a_folder_of_that_name_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "p-1.0.tar"
    with tarfile.open(path, "w") as archive:
        folder = tarfile.TarInfo("p-1.0/pyproject.toml")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
    assert build_system.read(path) == LEGACY


class TestDamage:
    def test_no_archive_at_all(self, tmp_path: Path) -> None:
        path = tmp_path / "p-1.0.tar.gz"
        path.write_bytes(b"<html>not found</html>")
        wrong(path)

    def test_no_file_at_all(self, tmp_path: Path) -> None:
        assert "No such file" in wrong(tmp_path / "p-1.0.tar.gz").message

    def test_text_that_is_not_utf_8(self, tmp_path: Path) -> None:
        path = tmp_path / "p-1.0.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("p-1.0/pyproject.toml", b"\xff")
        assert "utf-8" in wrong(path).message

    @pytest.mark.parametrize("kind", ["gz", "bz2", "xz"])
    @pytest.mark.parametrize("how", ["cut", "changed"])
    def test_a_tar(self, tmp_path: Path, kind: str, how: str) -> None:
        text = f"# {' '.join(map(str, range(40_000)))}\n{CFFI}"
        path = tarred(tmp_path, {"p-1.0/pyproject.toml": text}, kind)
        data = path.read_bytes()
        half = len(data) // 2
        path.write_bytes(data[:half] if how == "cut" else data[:half] + b"\xff" * half)
        wrong(path)

    def test_a_link_that_leads_nowhere(self, tmp_path: Path) -> None:
        path = tmp_path / "p-1.0.tar"
        with tarfile.open(path, "w") as archive:
            link = tarfile.TarInfo("p-1.0/pyproject.toml")
            link.type, link.linkname = tarfile.SYMTYPE, "elsewhere.toml"
            archive.addfile(link)
        wrong(path)

    def test_a_zip_with_other_bytes(self, tmp_path: Path) -> None:
        path = zipped(tmp_path, {"p-1.0/pyproject.toml": CFFI})
        data = path.read_bytes()
        start = data.index(b"pyproject.toml") + len("pyproject.toml")
        path.write_bytes(data[:start] + b"\xff" * 20 + data[start + 20 :])
        wrong(path)

    def test_a_zip_with_another_checksum(self, tmp_path: Path) -> None:
        path = tmp_path / "p-1.0.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr("p-1.0/pyproject.toml", CFFI)
        path.write_bytes(path.read_bytes().replace(b"object.inner", b"object.other"))
        assert "CRC-32" in wrong(path).message

    @pytest.mark.parametrize(("offset", "value"), [(6, 1), (8, 99)], ids=["encrypted", "compressed oddly"])
    def test_a_zip_that_cannot_be_unpacked(self, tmp_path: Path, offset: int, value: int) -> None:
        path = zipped(tmp_path, {"p-1.0/pyproject.toml": CFFI})
        data = bytearray(path.read_bytes())
        data[offset] = value  # of the member (APPNOTE 4.3.7)
        data[data.index(b"PK\x01\x02") + offset + 2] = value  # of the central directory (4.3.12)
        path.write_bytes(data)
        wrong(path)
