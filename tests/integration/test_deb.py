"""What is written as a .deb, judged by dpkg and xz themselves."""

from __future__ import annotations

import hashlib
import itertools
import os
import stat
from dataclasses import dataclass
from pathlib import Path

import pytest

from debonair.deb import archive, tree, xz
from debonair.deb.control import Control
from debonair.deb.tree import Source
from debonair.deb.version import for_suite, order
from debonair.errors import Error
from debonair.host.run import run

TIME = 1_700_000_000
DEEP = "/".join(["d" * 60] * 6)

FILES = {
    "usr/share/odd/plain.txt": b"plain\n",
    "usr/share/odd/empty": b"",
    "usr/share/odd/two words": b"1",
    "usr/share/odd/größe 🐧.txt": b"2",
    "usr/share/odd/quote'\"\\`$x*?;": b"3",
    "usr/share/odd/-rf": b"4",
    "usr/share/odd/~tilde": b"5",
    f"usr/share/odd/{'n' * 150}": b"6",
    f"usr/share/odd/{DEEP}/{'n' * 246}": b"7",
    "usr/share/odd/block": b"x" * 512,
    "usr/share/odd/large": os.urandom(3 << 20),
    b"usr/share/odd/caf\xe9".decode(errors="surrogateescape"): b"8",
}
LINKS = {
    "usr/share/odd/link": "plain.txt",
    "usr/share/odd/far": f"../odd/{DEEP}/{'n' * 246}",
    "usr/share/odd/dangling": "/nowhere",
}
DESCRIPTION = "First paragraph.\n\nSecond: with a colon\n.\n  indented\n"
POSTINST = "#!/bin/sh\nset -e\nexit 0\n"


@dataclass(frozen=True)
class Made:
    path: Path
    plan: tree.Tree


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    sources = [Source.file(path, data, mtime=TIME) for path, data in FILES.items()]
    links = [Source.link(path, to, mtime=TIME) for path, to in LINKS.items()]
    tool = Source.file("usr/bin/odd", b"#!/bin/sh\necho odd\n", mode=0o755, mtime=TIME + 7)
    state = Source.directory("var/lib/odd", mode=0o750, mtime=TIME)
    layers = [
        tree.layer("files", sources, preset=1),
        tree.layer("nothing", []),
        tree.layer("links", [*links, tool, state], preset=9),
    ]
    control = Control(
        package="odd-names",
        version="2:1.0~rc1-1+deb13",
        architecture="all",
        maintainer="Ada Lovelace <ada@example.org>",
        synopsis="files of odd names",
        description=DESCRIPTION,
        depends=("python3 (>= 3.11~)", "libc6 | libc6.1"),
        homepage="https://example.org/",
    )
    plan = tree.assemble(layers, mtime=TIME)
    path = tmp_path_factory.mktemp("deb") / "odd-names_1.0_all.deb"
    members = {"postinst": POSTINST, "triggers": "activate-noawait x\n"}
    path.write_bytes(archive.write(control, plan, members, mtime=TIME))
    return Made(path, plan)


@pytest.fixture(scope="module")
def unpacked(made: Made) -> Path:
    root = made.path.parent / "root"
    run(["dpkg-deb", "--extract", made.path, root])
    run(["dpkg-deb", "--control", made.path, root / "DEBIAN"])
    return root


def test_dpkg_reads_the_control_file(made: Made) -> None:
    done = run(["dpkg-deb", "--info", made.path])
    assert done.stderr == ""
    assert "new Debian package, version 2.0." in done.stdout
    for name, value in {
        "Package": "odd-names",
        "Version": "2:1.0~rc1-1+deb13",
        "Architecture": "all",
        "Maintainer": "Ada Lovelace <ada@example.org>",
        "Depends": "python3 (>= 3.11~), libc6 | libc6.1",
        "Homepage": "https://example.org/",
        "Installed-Size": str(made.plan.installed_size()),
        "Description": "files of odd names\n First paragraph.\n .\n Second: with a colon\n .\n indented",
    }.items():
        assert run(["dpkg-deb", "--field", made.path, name]).stdout == f"{value}\n"


def test_dpkg_lists_every_member(made: Made) -> None:
    lines = run(
        ["dpkg-deb", "--contents", made.path], env={"TZ": "UTC", "LC_ALL": "C.UTF-8"}
    ).stdout.splitlines()
    assert len(lines) == len(made.plan.entries) + 1  # and the root itself
    assert lines[0].split()[0:2] == ["drwxr-xr-x", "root/root"]
    assert {line.split()[1] for line in lines} == {"root/root"}
    (tool,) = [line for line in lines if line.endswith(" ./usr/bin/odd")]
    assert tool.split()[:5] == ["-rwxr-xr-x", "root/root", "19", "2023-11-14", "22:13"]
    assert any(line.startswith("drwxr-x---") and line.endswith("./var/lib/odd/") for line in lines)


def test_dpkg_unpacks_what_was_packed(unpacked: Path) -> None:
    for path, data in FILES.items():
        assert (unpacked / path).read_bytes() == data, path
        assert stat.S_IMODE((unpacked / path).stat().st_mode) == 0o644
        assert (unpacked / path).stat().st_mtime == TIME
    for path, to in LINKS.items():
        assert (unpacked / path).readlink() == Path(to)
    assert stat.S_IMODE((unpacked / "usr/bin/odd").stat().st_mode) == 0o755
    assert stat.S_IMODE((unpacked / "var/lib/odd").stat().st_mode) == 0o750
    assert run([unpacked / "usr/bin/odd"]).stdout == "odd\n"
    found = {str(path.relative_to(unpacked)) for path in unpacked.rglob("*")} - {"DEBIAN"}
    found = {path for path in found if not path.startswith("DEBIAN/")}
    parents = {
        str(parent)
        for path in (*FILES, *LINKS, "usr/bin/odd", "var/lib/odd")
        for parent in Path(path).parents
    }
    assert found == {*FILES, *LINKS, "usr/bin/odd", "var/lib/odd", *parents} - {"."}


def test_the_md5sums_are_those_of_the_files(unpacked: Path) -> None:
    sums = (unpacked / "DEBIAN/md5sums").read_text(errors="surrogateescape")
    listed = {path: md5 for md5, _, path in (line.partition("  ") for line in sums.splitlines())}
    assert set(listed) == {*FILES, "usr/bin/odd"}
    for path, md5 in listed.items():
        assert hashlib.md5((unpacked / path).read_bytes()).hexdigest() == md5


def test_md5sum_itself_agrees(unpacked: Path) -> None:
    done = run(["md5sum", "--check", "--quiet", "--strict", "DEBIAN/md5sums"], cwd=unpacked)
    assert done.stdout == ""


def test_the_maintainer_scripts_are_executable(unpacked: Path) -> None:
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (unpacked / "DEBIAN").iterdir()}
    assert modes == {"control": 0o644, "md5sums": 0o644, "postinst": 0o755, "triggers": 0o644}
    assert (unpacked / "DEBIAN/postinst").read_text() == POSTINST


def test_it_is_read_back_as_it_was(made: Made) -> None:
    found = archive.read(made.path, keep=lambda path: path in FILES)
    assert found.contents == FILES
    assert {entry.path: (entry.kind, entry.mode, entry.size, entry.target) for entry in found.entries} == {
        entry.path: (entry.kind, entry.mode, entry.size, entry.target) for entry in made.plan.entries
    }


def test_dpkg_installs_and_removes_it(made: Made, tmp_path: Path) -> None:
    """Into a folder, with a database of its own; the system is not touched."""
    root = tmp_path / "root"
    for folder in ("info", "updates", "triggers"):
        (root / "var/lib/dpkg" / folder).mkdir(parents=True)
    (root / "var/lib/dpkg/status").touch()
    options: list[str | Path] = [
        "--root",
        root,
        "--force-depends",
        "--force-not-root",
        "--force-script-chrootless",
        "--log=/dev/null",
    ]
    env = {"PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"}
    run(["dpkg", *options, "--unpack", made.path], env=env)
    assert (root / "usr/share/odd/größe 🐧.txt").read_bytes() == b"2"
    verified = run(["dpkg", f"--root={root}", "--verify", "odd-names"], check=False)
    assert verified.stdout == ""
    run(["dpkg", *options, "--purge", "odd-names"], env=env)
    assert not (root / "usr/share/odd").exists()


class TestXz:
    def test_a_spliced_stream_is_whole(self, tmp_path: Path) -> None:
        parts = [b"a" * 100_000, b"", os.urandom(70_000), b"z", os.urandom(2 << 20)]
        path = tmp_path / "x.xz"
        path.write_bytes(xz.splice([xz.compress(part, preset=3) for part in parts]))
        run(["xz", "--test", path])
        listed = run(["xz", "--robot", "--list", path]).stdout.splitlines()
        (totals,) = [line.split("\t") for line in listed if line.startswith("file")]
        # one stream, a block of each part that is not empty, and the sizes that the index gives
        assert totals[1:5] == ["1", "4", str(path.stat().st_size), str(sum(map(len, parts)))]
        assert totals[6] == "CRC64"
        run(["xz", "--decompress", path])
        assert (tmp_path / "x").read_bytes() == b"".join(parts)

    def test_nothing_is_a_stream_too(self, tmp_path: Path) -> None:
        path = tmp_path / "x.xz"
        path.write_bytes(xz.splice([]))
        run(["xz", "--test", path])

    def test_damage_is_found(self, tmp_path: Path) -> None:
        data = bytearray(xz.splice([xz.compress(os.urandom(5000))]))
        data[2500] ^= 1
        path = tmp_path / "x.xz"
        path.write_bytes(data)
        with pytest.raises(Error, match="corrupt"):
            run(["xz", "--test", path], env={"LC_ALL": "C"})


def test_dpkg_orders_versions_as_python_does() -> None:
    """Each is before the next for Python (PEP 440), so it must be for dpkg."""
    ordered = [
        "1.0.dev1", "1.0.dev10", "1.0a1.dev1", "1.0a1", "1.0a2", "1.0a10", "1.0b1", "1.0rc1.dev3", "1.0rc1",
        "1.0rc1.post1", "1.0rc2", "1.0", "1.0+site", "1.0.post1.dev2", "1.0.post1", "1.0.post1+site",
        "1.0.post2", "1.0.post10", "1.0.1.dev1", "1.0.1", "1.1", "1.10", "2026.11.1", "1!0.1",
    ]  # fmt: skip
    for one, other in itertools.pairwise(ordered):
        words = [for_suite(one, 13), "lt", for_suite(other, 12)]
        assert run(["dpkg", "--compare-versions", *words], check=False).status == 0, words
    words = [for_suite("1.0", 12), "lt", for_suite("1.0", 13)]
    assert run(["dpkg", "--compare-versions", *words], check=False).status == 0
    for version in ordered:
        run(["dpkg", "--validate-version", for_suite(version, 13)])


def test_versions_sort_here_as_dpkg_sorts_them() -> None:
    words = ["", "~", "+", "-", ".", "a", "Z", "0", "00", "1", "10", "~rc1", "-1+deb13~armv6", "a~b"]
    versions = sorted(
        {f"1{one}{other}" for one in words for other in words if not f"{one}{other}".endswith("-")}
    )
    versions = [
        each for each in versions if run(["dpkg", "--validate-version", each], check=False).status == 0
    ]
    assert len(versions) > 100
    script = 'while read -r line; do dpkg --compare-versions $line || echo "$line"; done'
    lines = []
    for one, other in itertools.pairwise(sorted(versions, key=order)):
        lines.append(f"{one} {'lt' if order(one) < order(other) else 'eq'} {other}")
    assert run(["sh", "-c", script], stdin="\n".join([*lines, ""]).encode()).stdout == ""
