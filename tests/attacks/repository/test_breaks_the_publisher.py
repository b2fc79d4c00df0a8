"""The attacker wants a publisher to hang, to break, or to show what a terminal obeys."""

from __future__ import annotations

import json
import os

import pytest
from writer import HEAD, FolderWriter, Publisher, Writer

from debonair.repository import excerpt

REFUSED = 11
ESCAPE = "\x1b]0;owned\x07\x1b[2J"
HEADS = {
    "nothing": b"",
    "cut off": b'{"format": 2, "signed": "{',
    "deep": b'{"format": 2, "signed": ' + b"[" * 200_000,
    "deep and unknown": b'{"x": ' + b"[" * 200_000,
    "large": b" " * (5 << 20),
    "another type": b'{"format": "2", "signed": [], "signature": {}}',
    "a number": b'{"format": ' + b"9" * 5000 + b"}",
    "not UTF-8": b'{"format": 2, "signed": "\xff", "signature": ""}',
    "half a pair": b'{"format": 2, "signed": "\\ud800", "signature": ""}',
    "an escape": json.dumps({"format": 2, "signed": "", "signature": "", ESCAPE: 1}).encode(),
    "a later one": b'{"format": 3}',
}


def shown(output: str) -> bool:
    return all(each.isprintable() for each in output.splitlines())


@pytest.mark.parametrize("kind", list(HEADS))
@pytest.mark.parametrize("writer", ["folder"], indirect=True)
def test_a_head_that_is_none(acme: Publisher, writer: Writer, kind: str) -> None:
    whole = writer.read(HEAD)
    writer.write(HEAD, HEADS[kind])
    for words in (["renew"], ["trust", "--name", "acme", "--restored"]):
        output = acme.refused(*words)
        assert acme.code == REFUSED
        assert shown(output)
        assert "Error: " in output
    writer.write(HEAD, whole)
    acme.repo("renew")


def test_large_everywhere(acme: Publisher, writer: Writer) -> None:
    """In front of each kind of storage: no more is read of a head than one may have."""
    writer.write(HEAD, HEADS["large"])
    assert "is larger than 4194304 bytes, the limit for such a file." in acme.refused("renew")
    assert acme.code == REFUSED


@pytest.mark.parametrize("writer", ["folder", "ssh"], indirect=True)
def test_a_pipe_in_its_place(acme: Publisher, folder: FolderWriter) -> None:
    """Who opens a pipe waits for somebody who writes into it, for ever."""
    folder.remove(HEAD)
    os.mkfifo(folder.root / HEAD)
    output = acme.refused("renew")
    assert acme.code == 9
    assert "Is a directory" in output


@pytest.mark.parametrize("writer", ["folder", "ssh"], indirect=True)
@pytest.mark.parametrize("name", [".lock", "dists/trixie/Release"])
def test_another_pipe(acme: Publisher, folder: FolderWriter, name: str) -> None:
    (folder.root / name).unlink()
    os.mkfifo(folder.root / name)
    acme.refused("renew")
    assert acme.code == 9


@pytest.mark.parametrize("writer", ["folder", "ssh"], indirect=True)
def test_names_that_a_terminal_obeys(acme: Publisher, folder: FolderWriter) -> None:
    """Files with such names lie in the pool: they are neither shown nor removed, and stop nothing."""
    names = [ESCAPE.replace("/", ""), "a\nb\t1\t1", "\n../../victim\t1\t1", os.fsdecode(b"\xff\xfe")]
    for name in names:
        (folder.root / "pool/h" / name.replace("/", "_")).write_text("x")
    (folder.root / "pool/h/old").write_text("x")
    for path in (folder.root / "pool/h").iterdir():
        os.utime(path, (1, 1))
    output = acme.repo("prune", "--older-than", "0d")
    assert shown(output)
    assert "1 files removed" in output
    assert not (folder.root / "pool/h/old").exists()
    assert "hello" in acme.repo("list")


@pytest.mark.parametrize("writer", ["bucket"], indirect=True)
@pytest.mark.parametrize("key", ["a/../../x", "/abs", "pool/../x", f"pool/{ESCAPE}"])
def test_a_key_that_no_path_can_be(acme: Publisher, writer: Writer, key: str) -> None:
    """The bucket's library lists nothing beside it: the sentence names it, and nothing is healthy."""
    writer.write(key, b"x")
    for words in (["verify"], ["prune"])[: 2 if key.startswith("pool/") else 1]:  # prune reads only folders
        output = acme.refused(*words)
        assert acme.code == REFUSED
        assert shown(output)
        assert f"an object with the key 'apt/{excerpt.shown(key)}'" in output
        assert "healthy" not in output
    writer.remove(key)
    assert "healthy" in acme.repo("verify")


def test_what_the_pool_lost_is_given_back(acme: Publisher, writer: Writer) -> None:
    """A deb is deleted, or replaced: ``verify`` says so, and who publishes it again heals it."""
    (name,) = [each for each in writer.names() if each.startswith("pool/h/")]
    whole = writer.read(name)
    for other in (None, b"x" * len(whole)):
        if other is None:
            writer.remove(name)
        else:
            writer.write(name, other)
        output = acme.refused("verify")
        assert name in output
        assert acme.code == REFUSED
        acme.add("1.0")
        assert writer.read(name) == whole
        assert "suites are healthy, signed by" in acme.repo("verify")
