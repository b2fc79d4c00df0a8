"""The word list finds what is not plain English, and leaves code alone."""

from __future__ import annotations

from pathlib import Path

import plain_words
import pytest

OURS = plain_words.load(plain_words.RULES.read_text())
RULES = plain_words.load(
    """
    max-words = 6
    files = ["*.md", "sub/*.md"]
    exclude = ["left-out.md"]
    [[pattern]]
    find = '^Of '
    why = "No subject."
    write = "a subject"
    [[pattern]]
    find = '\\bmend\\b'
    why = "Old."
    write = "fix"
    """
)


def found(text: str, name: str = "page.md") -> list[tuple[int, str]]:
    return [(find.line, find.found) for find in plain_words.check(name, text, RULES)]


def test_a_find_has_its_line_and_what_to_write() -> None:
    (find,) = plain_words.check("page.md", "# Title\n\nA line\nto mend.\n", RULES)
    assert (find.line, find.found, find.why, find.write) == (4, "mend", "Old.", "fix")


@pytest.mark.parametrize(
    "text",
    [
        "Of this\n",
        "One. Of this.\n",
        "- Of this\n",
        "1. Of this\n",
        "> Of this\n",
        "## Of this\n",
        "**Of this** more.\n",
        "| a | Of this |\n",
        "See this: Of it.\n",
    ],
)
def test_a_sentence_begins_in_every_kind_of_text(text: str) -> None:
    assert found(text) == [(1, "Of")]


@pytest.mark.parametrize(
    "text",
    [
        "All Of it.\n",
        "`Of` it, `mend`.\n",
        "``mend ` mend``\n",
        "```sh\nmend\n```\n",
        "```\nmend\n\nmend\n```\n",
        "Text:\n\n    mend\n",
        "[Fix](mend.md#mend) it.\n",
        "At https://example.org/mend here.\n",
    ],
)
def test_code_and_addresses_are_not_judged(text: str) -> None:
    assert found(text) == []


def test_a_sentence_is_not_too_long() -> None:
    assert found("one two three four five six. nginx is a name. (One two three.) One two.\n") == []
    assert found("One two three four five six.\nOne two three\nfour five six seven.\n") == [
        (2, "One two three four five six seven.")
    ]


def test_a_row_of_code_is_one_word() -> None:
    assert found("One two three four five `a`, `b c`, `d`.\n") == []
    assert found("One two three four five six `a`.\n") == [(1, "One two three four five six `...`.")]


def test_a_link_is_one_word() -> None:
    assert found("One two three four five [six seven eight](a.md#b).\n") == []
    assert found("One two three four five six [seven](a.md#b).\n") == [
        (1, "One two three four five six [seven].")
    ]


def test_an_item_of_a_list_and_a_cell_begin_for_themselves() -> None:
    assert (
        found("- one two three four\n- five six seven\n\n| one two three four | five six seven |\n") == []
    )


def test_code_over_two_lines_keeps_the_count_of_lines() -> None:
    assert found("A `b\nc` d\nto mend.\n") == [(3, "mend")]


def test_python_is_read_for_what_people_read() -> None:
    text = (
        '"""Of this.\n\n    To mend."""\n\n'
        "x = 'mend'  # mend\n"
        "option(help='Of that.')\n"
        "mend = 1  # noqa: mend\n"
        "# not\n"
        "# mend\n"
        "raise SomeError(f'Of {mend}', hint='mend')\n"
        "raise Other('mend')\n"
        "progress.say(f'mend {mend}')\n"
        "raise Unfit('x', 'mend')\n"
        "key: Meta(description='mend')\n"
        "print('mend')\n"
    )
    assert found(text, "module.py") == [
        (1, "Of"), (3, "mend"), (5, "mend"), (6, "Of"), (9, "mend"), (10, "Of"), (10, "mend"),
        (12, "mend"), (13, "mend"), (14, "mend"),
    ]  # fmt: skip


def test_comments_are_the_prose_of_other_files() -> None:
    text = (
        "#!/bin/mend\n# not\n# Of mend\nmend = '#mend'  # Of it\n# shellcheck disable=mend\n#\n# Of this\n"
    )
    assert found(text, "unit.service.in") == [(3, "mend"), (4, "Of"), (7, "Of")]


def test_a_text_without_markup_has_rows() -> None:
    text = "One two three four\n\n  one two three  four five six  Of seven\n  mend\n"
    assert found(text, "README.Debian.in") == [(3, "Of"), (4, "mend")]


def test_a_manual_page_has_macros() -> None:
    text = ".TH mend 1\n.TP\n.B mend\n.SH mend\nOne two three four\n.B five\n.PP\nOf \\-\\-this\n"
    assert found(text, "app.1.in") == [(8, "Of")]


def test_files_are_named_once_and_left_out(tmp_path: Path) -> None:
    for name in ("a.md", "left-out.md", "sub/b.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [path.name for path in plain_words.files(tmp_path, RULES)] == ["a.md", "b.md"]


def test_a_name_without_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.md").touch()
    with pytest.raises(ValueError, match=r"no file matches 'sub/\*\.md'"):
        plain_words.files(tmp_path, RULES)


def test_the_command_prints_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = tmp_path / "good.md", tmp_path / "bad.md"
    good.write_text("Fix the error.\n")
    bad.write_text("\nMend it.\n")
    assert plain_words.main([str(good)]) == 0
    assert capsys.readouterr().out == ""
    assert plain_words.main([str(good), str(bad)]) == 1
    assert capsys.readouterr().out.startswith(f"{bad}:2: 'Mend': ")


@pytest.mark.parametrize(
    "sentence",
    [
        "Of the Pi nothing is run.",
        "What `build` has to know stands in your `pyproject.toml`.",
        "What is not said is taken from `[project]`.",
        "The app lies in a virtual environment.",
        "The old release serves on.",
        "apt ends as it should.",
        "Let it be written:",
        "Any status below 400 is well.",
        "It has a `SECRET_KEY` that is none.",
        "Mend it at that line.",
        "A library is had in an older version.",
        "Nothing brings the module.",
        "The page is made anew.",
        "There is no lock yet; it is made at once.",
        "Who could have given it the new key is nobody whom it believes.",
        "apt bears ten for Date.",
        "uWSGI sees to each worker's share.",
        "For programs.",
        "Debian's architecture, if it compiles something; this machine's.",
        "It shows the code to whoever meets an error.",
        "A library that no package has ends the build.",
        "How many processes the app has is found out at each start.",
    ],
)
def test_the_worst_sentences_are_found(sentence: str) -> None:
    assert plain_words.check("page.md", sentence, OURS)


@pytest.mark.parametrize(
    "sentence",
    [
        "It never runs Pi code (no emulator needed) and never needs root.",
        "`build` reads its settings from your `pyproject.toml`.",
        "Anything you leave out is taken from `[project]` (PEP 621).",
        "The old release keeps serving and apt exits cleanly.",
        "What runs on the Pi?",
        "Who may publish?",
        "It listens on port 80.",
        "On Debian 13 none of its commands work.",
        "How many processes are there?",
    ],
)
def test_plain_sentences_are_not_found(sentence: str) -> None:
    assert plain_words.check("page.md", sentence, OURS) == []
