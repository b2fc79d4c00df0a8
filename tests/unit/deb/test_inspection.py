from __future__ import annotations

import json
from pathlib import Path

import pytest

from debonair.deb import archive, inspection, tree
from debonair.deb.control import Control
from debonair.deb.tree import Source
from debonair.errors import PackageError

DIST = "usr/lib/guestbook/dist"
MODULES = f"{DIST}/venv/lib/python3.13/site-packages"
RECORD = (
    "flask/__init__.py,sha256=x,5\n"
    "\n"
    "flask/__pycache__/__init__.cpython-313.pyc,,\n"
    "../../../bin/flask,sha256=y,3\n"
    "Flask-3.1.dist-info/RECORD,,\n"
)


@pytest.fixture
def deb(tmp_path: Path) -> Path:
    def file(path: str, size: int) -> Source:
        return Source.file(path, b"x" * size, mtime=0)

    control = Control(
        "guestbook",
        "1.0-1+deb13",
        "arm64",
        "Ada <ada@example.org>",
        "guest book",
        description="One.\n\nTwo.",
    )
    sources = [
        file(f"{MODULES}/flask/__init__.py", 5000),
        file(f"{MODULES}/flask/__pycache__/__init__.cpython-313.pyc", 4000),
        file(f"{DIST}/venv/bin/flask", 30),
        Source.file(f"{MODULES}/Flask-3.1.dist-info/RECORD", RECORD.encode(), mtime=0),
        *(file(f"{DIST}/app/{number}.py", 10 + number) for number in range(7)),
        file("usr/lib/systemd/system/guestbook.service", 50),
        Source.link("usr/bin/guestbook", "../lib/guestbook/x", mtime=0),
    ]
    plan = tree.assemble([tree.layer("x", sources)], mtime=0)
    path = tmp_path / "guestbook_1.0-1+deb13_arm64.deb"
    path.write_bytes(archive.write(control, plan, {}, mtime=0))
    return path


def test_files_by_origin_largest_first(deb: Path) -> None:
    found = inspection.inspect(deb)
    assert found.path == deb
    assert found.size == deb.stat().st_size
    assert found.fields["Version"] == "1.0-1+deb13"
    assert [(part.origin, part.size, len(part.entries)) for part in found.parts] == [
        ("Flask 3.1", 9030 + len(RECORD), 4),
        ("the app", 91, 7),
        ("Debian", 50, 2),
    ]
    assert [entry.size for entry in found.parts[1].entries] == [16, 15, 14, 13, 12, 11, 10]


def test_for_people(deb: Path) -> None:
    text = inspection.inspect(deb).as_text()
    lines = text.splitlines()
    assert lines[0] == f"{deb.name}, {deb.stat().st_size:,} bytes"
    assert "Description: guest book\n One.\n .\n Two." in text
    at = lines.index("          91  the app (7 files)")
    assert lines[at + 1] == "          16    /usr/lib/guestbook/dist/app/6.py"
    assert lines[at + 6] == ""  # the largest five


def test_for_programs(deb: Path) -> None:
    found = json.loads(json.dumps(inspection.inspect(deb).as_json()))
    assert found["file"] == deb.name
    assert found["control"]["Package"] == "guestbook"
    assert [part["origin"] for part in found["parts"]] == ["Flask 3.1", "the app", "Debian"]
    assert found["parts"][2]["files"] == [
        {"path": "/usr/lib/systemd/system/guestbook.service", "size": 50},
        {"path": "/usr/bin/guestbook", "size": 0},
    ]


def test_what_is_no_deb(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match="There is no file"):
        inspection.inspect(tmp_path / "none.deb")
