"""How a program of Debonair's own is run from its bytecode; here it is a module in a folder of the test."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from debonair.host import launch


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "modules", {**sys.modules})
    monkeypatch.setattr(sys, "argv", ["launch.py"])
    return tmp_path


def test_the_status_is_that_of_the_program(folder: Path) -> None:
    (folder / "launched_a.py").write_text("import sys\ndef main():\n    return len(sys.argv)\n")
    words = [str(folder / "launched_a.py"), "a", "b"]
    for _ in range(2):
        with pytest.raises(SystemExit) as ended:
            launch.main(words)
        assert (ended.value.code, sys.argv) == (3, words)
    assert sys.path[-1] == str(folder), "the standard library comes first"
    assert sys.path.count(str(folder)) == 1


def test_a_refusal_of_the_kernel_is_a_sentence(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "launched_b.py").write_text("def main():\n    raise OSError(1, 'Not permitted')\n")
    with pytest.raises(SystemExit) as ended:
        launch.main([str(folder / "launched_b.py")])
    assert ended.value.code == 126
    assert capsys.readouterr().err == "[Errno 1] Not permitted\n"
