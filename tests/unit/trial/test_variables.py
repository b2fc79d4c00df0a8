"""Variables of an app on trial."""

from __future__ import annotations

from pathlib import Path

import pytest
from programs import stand_in
from told import Told

from debonair.debian.rootfs.systemd_unit import variables as of_systemd
from debonair.errors import TrialError
from debonair.trial import variables

TEXT = """\
# of the project

A=1
export B = "two words"
C='$HOME "x"'
D=a\tb # a comment
E=
F="q\\"u\\$o"
G=x#y
"""


def test_a_file_as_projects_have_it() -> None:
    assert variables.of_lines(TEXT, ".env") == {
        "A": "1",
        "B": "two words",
        "C": '$HOME "x"',
        "D": "a\tb",
        "E": "",
        "F": 'q"u$o',
        "G": "x#y",
    }


@pytest.mark.parametrize("line", ["hunter2", "1A=hunter2", "A-B=hunter2", "=hunter2", "export hunter2"])
def test_a_line_that_sets_nothing_is_named_but_not_shown(line: str) -> None:
    with pytest.raises(TrialError, match=r"\.env, line 2: this is not NAME=VALUE") as refused:
        variables.of_lines(f"A=1\n{line}\n", ".env")
    assert "hunter2" not in refused.value.message + refused.value.hint


@pytest.mark.parametrize("word", ["hunter2", "1A=hunter2", "A B=hunter2", "A=hunter2\nB=1", "A=hunter2\0"])
def test_a_word_that_sets_nothing(word: str) -> None:
    with pytest.raises(TrialError, match="is not NAME=VALUE on one line") as refused:
        variables.pairs(["A=1", word])
    assert "hunter2" not in refused.value.message + refused.value.hint


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    with pytest.raises(TrialError, match=r"\.env cannot be read: No such file"):
        variables.read(file)
    file.write_bytes(b"A=\xff\n")
    with pytest.raises(TrialError, match=r"\.env is not UTF-8 text: byte 3"):
        variables.read(file)
    file.write_bytes(b"A=" + b"x" * (1 << 20))
    with pytest.raises(TrialError, match=r"\.env is larger than 1 MB"):
        variables.read(file)
    file.write_bytes(b"A=1\n")
    assert variables.read(file) == {"A": "1"}


def test_the_app_gets_the_values_unchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    programs = stand_in(monkeypatch)
    given = {"A": 'a "b" $c \\d `e` %f #g', "B": "it's", "C": "", "D": " x "}
    variables.put(Told(), "app", given)
    (text,) = programs.given
    assert isinstance(text, bytes)
    assert of_systemd(text.decode()) == given
    assert programs.asked[0].endswith("/etc/app/env 640"), "only root and the app may read it"
    assert "it's" not in programs.asked[0], "the words of a program are seen by everybody"


def test_without_variables_there_is_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    programs = stand_in(monkeypatch)
    variables.put(Told(), "app", {})
    assert not programs.asked
