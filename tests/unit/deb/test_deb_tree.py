from __future__ import annotations

import hashlib
import io
import random
import tarfile

import pytest

from debonair.deb import tree, xz
from debonair.deb.tree import Entry, Layer, Source
from debonair.errors import PackageError

TIME = 1_700_000_000


def file(path: str, data: bytes = b"data", mode: int = 0o644) -> Source:
    return Source.file(path, data, mode=mode, mtime=TIME)


def members(*layers: Layer) -> list[tarfile.TarInfo]:
    end = xz.compress(b"\0" * 1024)
    stream = xz.splice([*(layer.block for layer in layers), end])
    with tarfile.open(fileobj=io.BytesIO(stream)) as tar:
        return tar.getmembers()


def assemble(*layers: Layer) -> tree.Tree:
    return tree.assemble(layers, mtime=TIME)


class TestLayer:
    def test_entries_describe_the_sources(self) -> None:
        layer = tree.layer(
            "x",
            [
                Source.link("usr/bin/tool", "../lib/tool", mtime=TIME),
                Source.directory("var/lib/tool", mode=0o750, mtime=TIME),
                file("usr/lib/tool", b"hello", 0o755),
            ],
        )
        md5 = hashlib.md5(b"hello", usedforsecurity=False).hexdigest()
        assert layer.entries == (
            Entry("usr/bin/tool", "link", 0o777, TIME, target="../lib/tool"),
            Entry("usr/lib/tool", "file", 0o755, TIME, 5, md5),
            Entry("var/lib/tool", "dir", 0o750, TIME),
        )

    def test_the_order_of_the_sources_does_not_matter(self) -> None:
        sources = [file(f"usr/{number}/{name}") for number in range(5) for name in "zaZ-é"]
        layers = []
        for seed in range(3):
            shuffled = sources.copy()
            random.Random(seed).shuffle(shuffled)
            layers.append(tree.layer("x", shuffled))
        assert layers[0] == layers[1] == layers[2]

    def test_members_come_folder_by_folder_each_folder_before_what_is_in_it(self) -> None:
        sources = [
            file("a/b/c"),
            file("a/z"),
            Source.directory("a/b", mtime=TIME),
            file("a/b-c"),
            file("y"),
        ]
        assert [info.name for info in members(tree.layer("x", sources))] == [
            *("./y", "./a/b", "./a/b-c", "./a/z", "./a/b/c")
        ]

    def test_layers_that_share_a_block_keep_their_own_entries(self) -> None:
        one, empty, two = tree.shared(
            [("one", [file("b"), file("a/y")]), ("-", []), ("two", [file("a/x")])]
        )
        assert [info.name for info in members(one)] == ["./b", "./a/x", "./a/y"]
        assert [entry.path for entry in one.entries] == ["b", "a/y"]
        assert [entry.path for entry in two.entries] == ["a/x"]
        assert (one.name, empty.entries, two.name) == ("one", (), "two")
        assert empty.block == two.block == xz.EMPTY

    def test_what_collides_in_a_shared_block_is_named(self) -> None:
        with pytest.raises(PackageError, match="'x' is both in two 2 and in two 2"):
            tree.shared([("one 1", [file("x")]), ("two 2", [file("x"), file("x")])])
        with pytest.raises(PackageError, match="'x' is both in one 1 and in two 2"):
            assemble(*tree.shared([("one 1", [file("x")]), ("two 2", [file("x")])]))

    def test_nothing_makes_an_empty_block(self) -> None:
        assert tree.layer("x", []) == Layer("x", (), xz.Block(b"", 0, 0))

    @pytest.mark.parametrize(
        "path",
        [
            "",
            "/etc/passwd",
            "../etc",
            "usr/../../etc",
            "usr/./x",
            "usr//x",
            "usr/",
            ".",
            "..",
            "a\nb",
            "a\0",
            "\x7f",
        ],
    )
    def test_a_path_that_leaves_its_place_is_refused(self, path: str) -> None:
        with pytest.raises(PackageError, match="not a plain path") as caught:
            tree.layer("Evil 1.0", [file("usr/fine"), file(path)])
        assert caught.value.message.startswith("Evil 1.0 has an entry")
        assert repr(path) in caught.value.message

    def test_a_name_that_dpkg_cannot_unpack_is_refused(self) -> None:
        tree.layer("x", [file(f"usr/{'n' * 246}/{'ü' * 123}")])
        for name in ("n" * 247, "ü" * 123 + "n"):
            with pytest.raises(PackageError, match=r"x has an entry .* longer than 246 bytes"):
                tree.layer("x", [file(f"usr/{name}/x")])

    @pytest.mark.parametrize("path", ["...", "..a/b", "a..b", "usr/b c", "usr/ü", "-rf", "~"])
    def test_an_odd_path_is_not(self, path: str) -> None:
        assert tree.layer("x", [file(path)]).entries[0].path == path

    def test_a_path_stands_once(self) -> None:
        with pytest.raises(PackageError, match="'usr/x' is both in Twice 1 and in Twice 1"):
            tree.layer("Twice 1", [file("usr/x"), Source.link("usr/x", "y", mtime=TIME)])


class TestPack:
    def test_members_have_nothing_of_this_machine(self) -> None:
        sources = [
            file("usr/lib/x", b"x" * 700, 0o755),
            Source.link("usr/lib/y", "x", mtime=TIME + 1),
            Source.directory("usr/lib/z", mtime=TIME),
        ]
        infos = members(tree.layer("x", sources))
        for info in infos:
            assert (info.uid, info.gid, info.uname, info.gname) == (0, 0, "root", "root")
        assert [(info.name, info.type, info.mode, info.mtime, info.size) for info in infos] == [
            ("./usr/lib/x", tarfile.REGTYPE, 0o755, TIME, 700),
            ("./usr/lib/y", tarfile.SYMTYPE, 0o777, TIME + 1, 0),
            ("./usr/lib/z", tarfile.DIRTYPE, 0o755, TIME, 0),
        ]
        assert infos[1].linkname == "x"

    @pytest.mark.parametrize("length", [99, 100, 101, 255, 256, 400])
    def test_long_names_and_targets_survive(self, length: int) -> None:
        path = "/".join(["d" * 90] * 5)[: length - 5] + "/name"
        sources = [file(path), Source.link("zz", path, mtime=TIME)]
        infos = members(tree.layer("x", sources))
        assert [info.name for info in infos] == ["./zz", f"./{path}"]
        assert infos[0].linkname == path

    def test_every_size_is_padded_to_blocks(self) -> None:
        for size in (0, 1, 511, 512, 513):
            assert len(tree.pack([file("x", b"x" * size)])) % 512 == 0

    def test_a_name_that_is_not_utf_8_survives(self) -> None:
        name = b"caf\xe9".decode(errors="surrogateescape")
        assert members(tree.layer("x", [file(name)]))[0].name == f"./{name}"


class TestAssemble:
    def test_directories_come_first_and_once(self) -> None:
        made = assemble(
            tree.layer("one", [file("usr/lib/a/x"), file("etc/y")]),
            tree.layer("two", [file("usr/lib/a/z"), file("usr/lib/b/z")]),
        )
        assert [layer.name for layer in made.layers] == ["directories", "one", "two"]
        assert [info.name for info in members(*made.layers)] == [
            "./etc", "./usr", "./usr/lib", "./usr/lib/a", "./usr/lib/b",
            "./etc/y", "./usr/lib/a/x",
            "./usr/lib/a/z", "./usr/lib/b/z",
        ]  # fmt: skip
        folders = made.layers[0].entries
        assert {(entry.kind, entry.mode, entry.mtime) for entry in folders} == {("dir", 0o755, TIME)}

    def test_a_directory_that_a_layer_states_is_taken_from_there(self) -> None:
        stated = Source.directory("var/lib/app", mode=0o750, mtime=TIME)
        made = assemble(tree.layer("one", [stated, file("var/lib/app/x")]))
        assert [entry.path for entry in made.layers[0].entries] == ["var", "var/lib"]
        assert next(entry for entry in made.entries if entry.path == "var/lib/app").mode == 0o750

    def test_layers_keep_their_blocks(self) -> None:
        layer = tree.layer("one", [file("usr/x")])
        assert assemble(layer).layers[1] is layer

    def test_two_layers_with_one_path_are_refused(self) -> None:
        one, two = tree.layer("Flask 3", [file("usr/x")]), tree.layer("Evil 1", [file("usr/x")])
        with pytest.raises(PackageError, match="'usr/x' is both in Flask 3 and in Evil 1"):
            assemble(one, two)

    @pytest.mark.parametrize("reverse", [False, True])
    @pytest.mark.parametrize("blocking", [file("usr/lib"), Source.link("usr/lib", "/etc", mtime=TIME)])
    def test_a_file_or_link_where_a_directory_must_be(self, blocking: Source, *, reverse: bool) -> None:
        layers = [tree.layer("Blocker 1", [blocking]), tree.layer("Deep 2", [file("usr/lib/a/b/c")])]
        with pytest.raises(PackageError) as caught:
            assemble(*(reversed(layers) if reverse else layers))
        assert caught.value.message == (
            f"Blocker 1 has a {blocking.kind} 'usr/lib' where Deep 2 needs a directory for 'usr/lib/a/b/c'."
        )

    def test_the_same_within_one_layer(self) -> None:
        with pytest.raises(PackageError, match="has a link 'a'"):
            assemble(tree.layer("x", [Source.link("a", "/etc", mtime=TIME), file("a/passwd")]))

    def test_of_nothing_comes_nothing(self) -> None:
        assert assemble().entries == []

    def test_sizes(self) -> None:
        made = assemble(
            tree.layer("x", [file("a/0", b""), file("a/1", b"x"), file("a/1024", b"x" * 1024)]),
            tree.layer("y", [file("a/1025", b"x" * 1025), Source.link("a/l", "0", mtime=TIME)]),
        )
        assert made.size == 2050
        # 'a' and the link count one KiB each, the files 0 + 1 + 1 + 2
        assert made.installed_size() == 6

    def test_entries_are_sorted_over_all_layers(self) -> None:
        made = assemble(tree.layer("x", [file("b"), file("d")]), tree.layer("y", [file("a"), file("c")]))
        assert [entry.path for entry in made.entries] == ["a", "b", "c", "d"]
