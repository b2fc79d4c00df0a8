from __future__ import annotations
import __future__

import importlib.util
import marshal
from collections.abc import Sequence
from pathlib import Path
from types import CodeType

import pytest
from compiler import HERE, compile_here

from debonair.errors import MachineError
from debonair.host.run import CommandError, Completed
from debonair.wheels import bytecode

PATH = "/usr/lib/app/current/app/x.py"


def test_an_unchecked_hash_pyc(monkeypatch: pytest.MonkeyPatch) -> None:
    source = b"def answer():\n    return 42\n"
    found = bytecode.compiled([(PATH, source)], compile_here(monkeypatch))
    data = found[PATH]
    assert list(found) == [PATH]
    assert data[:4] == importlib.util.MAGIC_NUMBER
    assert data[4:8] == b"\1\0\0\0"  # PEP 552: hash-based, and not to be checked
    assert data[8:16] == importlib.util.source_hash(source)
    code = marshal.loads(data[16:])
    assert isinstance(code, CodeType)
    assert code.co_filename == PATH
    names: dict[str, object] = {}
    exec(code, names)
    assert names["answer"]() == 42  # type: ignore[operator]


def test_what_does_not_compile_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    sources = [("a.py", b"x = 1"), ("b.py", b"{{ template }}:"), ("c.py", b"\0"), ("d.py", b"\xff = 1")]
    assert list(bytecode.compiled(sources, compile_here(monkeypatch))) == ["a.py"]


def test_of_nothing_comes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert bytecode.compiled([], compile_here(monkeypatch)) == {}


def test_nothing_of_this_program_is_inherited(monkeypatch: pytest.MonkeyPatch) -> None:
    data = bytecode.compiled([("a.py", b"x = 1")], compile_here(monkeypatch))["a.py"]
    assert not marshal.loads(data[16:]).co_flags & __future__.annotations.compiler_flag


def test_the_interpreter_is_kept_from_its_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def run(argv: Sequence[str | Path], *, stdin: bytes | None = None) -> Completed:
        seen.extend(str(word) for word in argv)
        return Completed(0, marshal.dumps([]).hex(), "")

    monkeypatch.setattr(bytecode, "run", run)
    bytecode.compiled([], HERE)
    assert seen[:3] == ["/usr/bin/python3", "-I", "-S"]


@pytest.mark.parametrize("answer", ["", "zz", "00", marshal.dumps(None).hex(), marshal.dumps([1]).hex()])
def test_an_interpreter_that_answers_rubbish(answer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bytecode, "run", lambda *_, **__: Completed(0, answer, ""))
    with pytest.raises(MachineError, match="could not compile the bytecode") as caught:
        bytecode.compiled([], HERE)
    assert "/usr/bin/python3 --version" in caught.value.hint


def test_an_interpreter_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*_: object, **__: object) -> Completed:
        raise CommandError(["python3"], 139, "Segmentation fault")

    monkeypatch.setattr(bytecode, "run", run)
    with pytest.raises(MachineError, match="Segmentation fault"):
        bytecode.compiled([], HERE)


@pytest.mark.parametrize(
    ("path", "cached"),
    [
        ("a/b.py", "a/__pycache__/b.cpython-313.pyc"),
        ("b.py", "__pycache__/b.cpython-313.pyc"),
        ("a.d/__init__.py", "a.d/__pycache__/__init__.cpython-313.pyc"),
        ("a/b.py.py", "a/__pycache__/b.py.cpython-313.pyc"),
    ],
)
def test_where_bytecode_lies(path: str, cached: str) -> None:
    assert bytecode.cache_path(path, "3.13") == cached
