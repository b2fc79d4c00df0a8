from __future__ import annotations

import csv
import hashlib
import io
import posixpath
import zipfile
from base64 import urlsafe_b64encode
from calendar import timegm
from collections.abc import Mapping
from pathlib import Path

import pytest
from compiler import compile_here
from wheelmaker import DATE_TIME, make_wheel

from debonair import target
from debonair.deb.tree import Source
from debonair.debian.interpreter import Interpreter
from debonair.errors import WheelError
from debonair.wheels import Wheel
from debonair.wheels.unpack import unpack

TRIXIE = target.load("trixie-arm64")
VENV = "usr/lib/app/dist/venv"
MODULES = f"{VENV}/lib/python3.13/site-packages"
SHEBANG = (  # sh starts the interpreter beside it with this very file; to Python these lines are a text
    b'#!/bin/sh\n\'\'\'exec\' "$(dirname -- "$(realpath -- "$0")")/python3" "$0" "$@"\n\' \'\'\'\n'
)


def wheel(path: Path, name: str = "Thing") -> Wheel:
    return Wheel(name, "1.0", path.name, "0" * 64, path)


def laid_out(path: Path, interpreter: Interpreter | None = None) -> dict[str, Source]:
    found = unpack(wheel(path), "app", TRIXIE, interpreter)
    assert len({source.path for source in found}) == len(found)
    return {source.path: source for source in found}


def make(
    folder: Path,
    files: Mapping[str, bytes],
    *,
    entry_points: Mapping[str, Mapping[str, str]] | None = None,
    extra: Mapping[str, bytes] | None = None,
) -> Path:
    return make_wheel(folder, "Thing", "1.0", files, entry_points=entry_points, extra=extra)


def refused(path: Path) -> WheelError:
    with pytest.raises(WheelError) as caught:
        unpack(wheel(path), "app", TRIXIE, None)
    assert path.name in caught.value.message
    assert caught.value.hint
    return caught.value


def record(found: Mapping[str, Source]) -> dict[str, tuple[str, str]]:
    """What RECORD says, by the path in the package."""
    (path,) = [path for path in found if path.endswith(".dist-info/RECORD")]
    rows = list(csv.reader(io.StringIO(found[path].data.decode())))
    assert [row[0] for row in rows] == sorted(row[0] for row in rows)
    entries = {posixpath.normpath(f"{MODULES}/{row[0]}"): (row[1], row[2]) for row in rows}
    assert len(entries) == len(rows)
    return entries


def test_modules_lie_in_the_venv(tmp_path: Path) -> None:
    found = laid_out(make(tmp_path, {"thing/__init__.py": b"x = 1\n", "thing/data.bin": b"\0\1"}))
    assert set(found) == {
        f"{MODULES}/thing/__init__.py",
        f"{MODULES}/thing/data.bin",
        *(f"{MODULES}/Thing-1.0.dist-info/{name}" for name in ("METADATA", "WHEEL", "INSTALLER", "RECORD")),
    }
    assert found[f"{MODULES}/thing/data.bin"] == Source(
        f"{MODULES}/thing/data.bin", "file", 0o644, timegm((*DATE_TIME, 0, 0, 0)), b"\0\1"
    )
    assert found[f"{MODULES}/Thing-1.0.dist-info/INSTALLER"].data == b"debonair\n"


def test_the_package_and_the_python_decide_the_place(tmp_path: Path) -> None:
    path = make(tmp_path, {"thing.py": b""})
    paths = {source.path for source in unpack(wheel(path), "other", target.load("bookworm-armv7"), None)}
    assert "usr/lib/other/dist/venv/lib/python3.11/site-packages/thing.py" in paths


def test_every_scheme_has_its_place(tmp_path: Path) -> None:
    data = "Thing-1.0.data"
    found = laid_out(
        make(
            tmp_path,
            {
                f"{data}/purelib/pure.py": b"",
                f"{data}/platlib/plat.so": b"",
                f"{data}/headers/thing.h": b"",
                f"{data}/data/share/man/thing.1": b"",
                f"{data}/scripts/thing": b"#!/bin/sh\n",
            },
        )
    )
    places = {path: source.mode for path, source in found.items() if ".dist-info" not in path}
    assert places == {
        f"{MODULES}/pure.py": 0o644,
        f"{MODULES}/plat.so": 0o644,
        f"{VENV}/include/site/python3.13/Thing/thing.h": 0o644,
        f"{VENV}/share/man/thing.1": 0o644,
        f"{VENV}/bin/thing": 0o755,
    }


@pytest.mark.parametrize(
    ("text", "rewritten"),
    [
        (b"#!python\nprint()\n", SHEBANG + b"print()\n"),
        (b"#!pythonw\nprint()\n", SHEBANG + b"print()\n"),
        (b"#!python", SHEBANG),
        (b"#!/usr/bin/env python\nx\n", b"#!/usr/bin/env python\nx\n"),
        (b"\x7fELF\0#!python\n", b"\x7fELF\0#!python\n"),
        (b"", b""),
    ],
)
def test_scripts_start_the_python_of_the_venv_that_they_lie_in(
    text: bytes, rewritten: bytes, tmp_path: Path
) -> None:
    found = laid_out(make(tmp_path, {"Thing-1.0.data/scripts/tool": text}))
    assert found[f"{VENV}/bin/tool"].data == rewritten
    assert found[f"{VENV}/bin/tool"].mode == 0o755


def test_only_scripts_are_rewritten(tmp_path: Path) -> None:
    found = laid_out(make(tmp_path, {"thing.py": b"#!python\n"}))
    assert found[f"{MODULES}/thing.py"].data == b"#!python\n"


def test_entry_points_become_commands(tmp_path: Path) -> None:
    points = {
        "console_scripts": {"thing": "thing.cli:main"},
        "gui_scripts": {"g": "thing:Gui.run"},
        "x": {"y": "z"},
    }
    found = laid_out(make(tmp_path, {"thing.py": b""}, entry_points=points))
    script = found[f"{VENV}/bin/thing"]
    assert script.mode == 0o755
    assert script.data == SHEBANG + (
        b'import sys\nfrom thing.cli import main\nif __name__ == "__main__":\n    sys.exit(main())\n'
    )
    assert b"from thing import Gui\n" in found[f"{VENV}/bin/g"].data
    assert b"sys.exit(Gui.run())\n" in found[f"{VENV}/bin/g"].data
    assert f"{VENV}/bin/y" not in found


def test_executables_stay_executable(tmp_path: Path) -> None:
    path = make_wheel(
        tmp_path, "Thing", "1.0", {"thing/tool": b"", "thing/no": b""}, modes={"thing/tool": 0o775}
    )
    found = laid_out(path)
    assert found[f"{MODULES}/thing/tool"].mode == 0o755
    assert found[f"{MODULES}/thing/no"].mode == 0o644


def test_record_is_right_of_every_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make(
        tmp_path,
        {
            "thing/__init__.py": b"x = 1\n",
            "thing/broken.py": b"{{ }}:",
            "Thing-1.0.data/scripts/tool": b"#!python\n",
            "Thing-1.0.data/headers/thing.h": b"int x;",
            "Thing-1.0.data/data/etc/x.py": b"x",
            "Thing-1.0.data/platlib/plat.py": b"y = 1\n",
        },
        entry_points={"console_scripts": {"thing": "thing:main"}},
        extra={"thing/with,comma.txt": b"1", "thing/not-in-record": b"2"},
    )
    found = laid_out(path, compile_here(monkeypatch))
    entries = record(found)
    assert set(entries) == set(found)
    for name, source in found.items():
        if name.endswith((".pyc", "/RECORD")):
            assert entries[name] == ("", "")
        else:
            digest = urlsafe_b64encode(hashlib.sha256(source.data).digest()).rstrip(b"=").decode()
            assert entries[name] == (f"sha256={digest}", str(len(source.data)))
    compiled = {name.rpartition("/")[2] for name in found if name.endswith(".pyc")}
    assert compiled == {"__init__.cpython-313.pyc", "plat.cpython-313.pyc"}


def test_bytecode_knows_where_it_will_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = laid_out(make(tmp_path, {"thing/a.py": b"x = 1\n"}), compile_here(monkeypatch))
    data = found[f"{MODULES}/thing/__pycache__/a.cpython-313.pyc"].data
    assert b"/usr/lib/app/current/venv/lib/python3.13/site-packages/thing/a.py" in data
    assert b"dist/venv" not in data


def test_bytecode_of_others_is_left_out(tmp_path: Path) -> None:
    found = laid_out(make(tmp_path, {"a/x.py": b"", "a/__pycache__/x.cpython-313.pyc": b"evil"}))
    assert not [path for path in found if "__pycache__" in path]
    assert set(record(found)) == set(found)


def test_nothing_but_the_wheel_decides_the_bytes(tmp_path: Path) -> None:
    one = unpack(wheel(make(tmp_path / "a", {"x.py": b"1"})), "app", TRIXIE, None)
    two = unpack(wheel(make(tmp_path / "b", {"x.py": b"1"})), "app", TRIXIE, None)
    assert one == two


@pytest.mark.parametrize(
    ("date_time", "year"),
    [((1980, 1, 1, 0, 0, 0), 2000), ((1980, 0, 0, 0, 0, 0), 2000), ((2024, 2, 29, 23, 59, 58), 2024)],
)
def test_times_are_those_of_the_wheel(
    date_time: tuple[int, int, int, int, int, int], year: int, tmp_path: Path
) -> None:
    found = laid_out(make_wheel(tmp_path, "Thing", "1.0", {"x.py": b""}, date_time=date_time))
    expected = timegm((*date_time, 0, 0, 0)) if year > 2000 else 946_684_800
    assert {source.mtime for source in found.values()} == {expected}


class TestMalice:
    @pytest.mark.parametrize(
        "name",
        [
            "../evil.py",
            "thing/../../evil.py",
            "/etc/cron.d/evil",
            "thing//evil.py",
            "./evil.py",
            "evil\n.py",
            "Thing-1.0.data/data/../../../evil",
            "Thing-1.0.data/scripts/../../evil",
        ],
    )
    def test_an_entry_that_climbs_out(self, name: str, tmp_path: Path) -> None:
        refused(make(tmp_path, {"thing.py": b"", name: b"evil"}))

    def test_an_entry_that_record_does_not_know(self, tmp_path: Path) -> None:
        refused(make(tmp_path, {"thing.py": b""}, extra={"a\nb": b"", "../evil.py": b"evil"}))

    def test_a_place_that_only_looks_absolute(self, tmp_path: Path) -> None:
        found = laid_out(make(tmp_path, {"Thing-1.0.data/data//etc/x": b""}))
        assert f"{VENV}/etc/x" in found

    @pytest.mark.parametrize("name", ["../evil", "/bin/evil", "a/../../evil", ".."])
    def test_a_command_that_climbs_out(self, name: str, tmp_path: Path) -> None:
        points = {"console_scripts": {name: "thing:main"}}
        path = make(tmp_path, {"thing.py": b""}, entry_points=points)
        assert refused(path).message.startswith(f"{path.name} has an entry '{name}', ")

    @pytest.mark.parametrize("scheme", ["stdlib", "", "..", "scripts/.."])
    def test_a_scheme_that_there_is_not(self, scheme: str, tmp_path: Path) -> None:
        refused(make(tmp_path, {f"Thing-1.0.data/{scheme}/x": b""}))

    @pytest.mark.filterwarnings("ignore:Duplicate name")
    def test_one_path_twice(self, tmp_path: Path) -> None:
        path = make(tmp_path, {"thing.py": b"good"})
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr("thing.py", b"evil")
        message = f"{path.name} has 'lib/python3.13/site-packages/thing.py' twice."
        assert refused(path).message == message

    def test_one_place_by_two_schemes(self, tmp_path: Path) -> None:
        refused(make(tmp_path, {"thing.py": b"", "Thing-1.0.data/purelib/thing.py": b""}))

    def test_a_command_and_a_script_of_one_name(self, tmp_path: Path) -> None:
        points = {"console_scripts": {"tool": "thing:main"}}
        refused(make(tmp_path, {"Thing-1.0.data/scripts/tool": b""}, entry_points=points))

    def test_a_member_marked_as_a_link_is_a_file(self, tmp_path: Path) -> None:
        path = make(tmp_path, {"thing.py": b""})
        with zipfile.ZipFile(path, "a") as archive:
            info = zipfile.ZipInfo("evil", DATE_TIME)
            info.external_attr = 0o120777 << 16
            archive.writestr(info, "/etc/passwd")
        found = laid_out(path)[f"{MODULES}/evil"]
        assert (found.kind, found.mode, found.data, found.target) == ("file", 0o644, b"/etc/passwd", "")

    def test_setuid_is_not_kept(self, tmp_path: Path) -> None:
        path = make_wheel(tmp_path, "Thing", "1.0", {"evil": b""}, modes={"evil": 0o6777})
        assert laid_out(path)[f"{MODULES}/evil"].mode == 0o755


class TestDamage:
    def test_no_zip(self, tmp_path: Path) -> None:
        path = tmp_path / "Thing-1.0-py3-none-any.whl"
        path.write_bytes(b"not a zip")
        assert "is not a valid wheel" in refused(path).message

    def test_no_file(self, tmp_path: Path) -> None:
        refused(tmp_path / "Thing-1.0-py3-none-any.whl")

    def test_no_name_of_a_wheel(self, tmp_path: Path) -> None:
        path = make(tmp_path, {})
        refused(path.rename(tmp_path / "thing.whl"))

    def test_the_dist_info_of_another(self, tmp_path: Path) -> None:
        path = make(tmp_path, {})
        refused(path.rename(tmp_path / "Other-1.0-py3-none-any.whl"))

    def test_a_member_that_cannot_be_inflated(self, tmp_path: Path) -> None:
        path = make(tmp_path, {"thing.py": b"x = 1\n" * 100})
        data = bytearray(path.read_bytes())
        at = data.index(b"thing.py") + len(b"thing.py")
        data[at : at + 8] = b"\xff" * 8
        path.write_bytes(data)
        refused(path)

    def test_an_encrypted_member(self, tmp_path: Path) -> None:
        path = make(tmp_path, {"thing.py": b""})
        data = bytearray(path.read_bytes())
        for magic, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
            data[data.index(magic) + offset] |= 1
        path.write_bytes(data)
        assert "encrypted" in refused(path).message

    @pytest.mark.parametrize("text", [b"Wheel-Version: 9.0\n", b"\xff", b""])
    def test_a_wheel_of_the_future_or_none(self, text: bytes, tmp_path: Path) -> None:
        path = tmp_path / "Thing-1.0-py3-none-any.whl"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("Thing-1.0.dist-info/WHEEL", text)
            archive.writestr("Thing-1.0.dist-info/RECORD", "")
        refused(path)

    @pytest.mark.parametrize("row", ["one,two", "x,sha256,1", "x,,size"])
    def test_a_record_that_is_none(self, row: str, tmp_path: Path) -> None:
        path = tmp_path / "Thing-1.0-py3-none-any.whl"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("x", "")
            archive.writestr("Thing-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\n")
            archive.writestr("Thing-1.0.dist-info/RECORD", row + "\n")
        refused(path)

    @pytest.mark.parametrize("missing", ["WHEEL", "RECORD"])
    def test_no_metadata(self, missing: str, tmp_path: Path) -> None:
        good = make(tmp_path / "good", {"thing.py": b""})
        path = tmp_path / good.name
        with zipfile.ZipFile(good) as source, zipfile.ZipFile(path, "w") as archive:
            for info in source.infolist():
                if not info.filename.endswith(f"/{missing}"):
                    archive.writestr(info, source.read(info))
        refused(path)
