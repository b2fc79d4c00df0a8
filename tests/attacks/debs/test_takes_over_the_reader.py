"""A deb that has taken over the process that reads it, by a flaw of a decompressor, and wants the key."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest
from odddebs import odd

from debonair.deb import reader_pool
from debonair.errors import PackageError
from debonair.target import compatibility

SCRIPT = (
    "import sys; sys.stdin.buffer.readline(); sys.stdout.buffer.write({answer}); "
    "sys.stdout.flush(); input()"
)


@pytest.fixture(
    params=[(reader_pool.CONTENTS, True, 1 << 30), (compatibility.JOB, False, compatibility.MEMORY)]
)
def pool(request: pytest.FixtureRequest) -> reader_pool.Pool:
    job, bare, memory = request.param
    return reader_pool.Pool(job, bare=bare, memory=memory)


def pid(pool: reader_pool.Pool) -> int:
    return pool._idle[0]._process.pid


def test_reads_the_environment_or_opens_the_key(
    pool: reader_pool.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GNUPGHOME", "/secret")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    with pool:
        pool.ask(Path("x.deb"), odd(), [])
        process = Path(f"/proc/{pid(pool)}")
        assert b"secret" not in (process / "environ").read_bytes()
        lines = (process / "limits").read_text().splitlines()
        limits = {line[:26].strip(): line[26:].split()[:2] for line in lines}
        for what in ("Max open files", "Max processes", "Max file size", "Max core file size"):
            assert limits[what] == ["0", "0"], what
        assert int(limits["Max address space"][1]) <= compatibility.MEMORY
        assert int(limits["Max cpu time"][0]) <= 600
        held = {str(each.readlink()) for each in (process / "fd").iterdir()}
        assert all(each.startswith("pipe:") or each.endswith("(deleted)") for each in held), held


def test_lets_the_publisher_wait(pool: reader_pool.Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    with pool:
        pool.ask(Path("x.deb"), odd(), [])
        monkeypatch.setattr(reader_pool, "_SECONDS", 1)
        stopped = pid(pool)
        os.kill(stopped, signal.SIGSTOP)
        with pytest.raises(PackageError, match=r"was refused: reading it took more than 1 seconds\."):
            pool.ask(Path("x.deb"), odd(), [])
        assert not Path(f"/proc/{stopped}").exists()


def test_ends_in_the_middle(pool: reader_pool.Pool) -> None:
    with pool:
        os.kill(pid(pool), signal.SIGKILL)
        with pytest.raises(PackageError, match="was refused: the process that read it failed"):
            pool.ask(Path("x.deb"), odd(), [])
        assert pool.ask(Path("x.deb"), odd(), [])[0]  # the next deb has a process of its own


@pytest.mark.parametrize(
    "answer",
    [
        "b'rubbish\\n' * 100",
        "b'x' * 200",
        "b'-1 5\\n'",
        "b'5 0\\n12345'",
        "b'4 0\\nnull'",
        "b'9999999999 0\\n'",
        "b'100000 0\\n' + b'[' * 100000",
        "b'12 0\\n{\"found\":{}}'",
        'b\'50 0\\n{"found":{"fields":{"a":1},"members":[],"kept":[]}}\'',
        'b\'39 0\\n{"error":["SystemExit","message","hint"]}\'[:100]',
        "b'4 3\\nnullxxxyyy'",
    ],
)
def test_lies_to_the_publisher(answer: str) -> None:
    pool = reader_pool.Pool()
    pool._words = [sys.executable, "-I", "-c", SCRIPT.format(answer=answer)]
    with pool, pytest.raises(PackageError):
        pool.contents(Path("x.deb"), odd(), [])
