"""Templates, and the texts that are known from an earlier build."""

from __future__ import annotations

from pathlib import Path

import pytest

from debonair import template


@pytest.fixture
def greeting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "greeting.in"
    path.write_text("Hello {{ name }}\n")
    monkeypatch.setattr(template, "resource", lambda name: tmp_path / name)
    return path


def fill(**values: object) -> str:
    return template.fill("greeting.in", values)


class TestKnowing:
    def test_a_known_text_is_not_filled_again(
        self, greeting: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with template.knowing({}) as asked:
            assert fill(name="Ada") == "Hello Ada\n"
        monkeypatch.setattr(template, "_environment", None)
        with template.knowing(asked) as again:
            assert fill(name="Ada") == "Hello Ada\n"
        assert again == asked

    def test_another_value_gives_another_text(self, greeting: Path) -> None:
        with template.knowing({}) as asked:
            fill(name="Ada")
        with template.knowing(asked):
            assert fill(name="Grace") == "Hello Grace\n"

    def test_a_value_of_another_type_gives_another_text(self, greeting: Path) -> None:
        greeting.write_text("{{ name + name }}")
        with template.knowing({}) as asked:
            assert fill(name=1) == "2"
        with template.knowing(asked):
            assert fill(name="1") == "11"

    def test_a_changed_template_gives_another_text(self, greeting: Path) -> None:
        with template.knowing({}) as asked:
            fill(name="Ada")
        greeting.write_text("Good night {{ name }}\n")
        with template.knowing(asked):
            assert fill(name="Ada") == "Good night Ada\n"

    def test_texts_that_nobody_asks_for_are_forgotten(self, greeting: Path) -> None:
        with template.knowing({}) as first:
            fill(name="Ada")
        with template.knowing(first) as second:
            fill(name="Grace")
        assert list(second.values()) == ["Hello Grace\n"]

    def test_the_body_alone_takes_known_texts(self, greeting: Path) -> None:
        with template.knowing({}) as asked:
            fill(name="Ada")
        with template.knowing(dict.fromkeys(asked, "old")):
            assert fill(name="Ada") == "old"
        assert fill(name="Ada") == "Hello Ada\n"
