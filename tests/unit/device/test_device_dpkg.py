from __future__ import annotations

import call
import dpkg
import pytest

AGAIN = (
    "Install its deb again first: sudo apt install ./DEB, or, from a repository, "
    "sudo apt install --reinstall blog"
)


@pytest.mark.parametrize(
    ("answer", "unpacked", "problem"),
    [
        ((0, "installed ok"), True, ""),
        ((0, "triggers-pending ok"), True, ""),
        (
            (0, "unpacked ok"),
            True,
            "the installation (unpacked): sudo dpkg --configure -a",
        ),
        ((0, "half-configured ok"), True, "(half-configured): sudo dpkg --configure -a"),
        ((0, "half-installed ok"), False, f"has not unpacked all of blog (half-installed). {AGAIN}"),
        ((0, "half-installed reinstreq"), False, AGAIN),
        ((0, "unpacked reinstreq"), False, f"has not unpacked all of blog (unpacked). {AGAIN}"),
        ((1, ""), True, ""),
        ((call.MISSING, ""), True, ""),
    ],
)
def test_what_an_interruption_left(
    answer: tuple[int, str], *, unpacked: bool, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, ...]] = []

    def query(*argv: str) -> tuple[int, str]:
        asked.append(argv)
        return answer

    monkeypatch.setattr(call, "call", query)
    assert dpkg.is_unpacked("blog") is unpacked
    found = dpkg.problem("blog")
    assert found.endswith(problem)
    assert bool(found) is bool(problem)
    assert asked[0][0] == "dpkg-query"
    assert asked[0][-1] == "blog"
