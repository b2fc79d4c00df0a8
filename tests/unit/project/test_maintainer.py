from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from debonair.errors import MachineError
from debonair.host.run import Completed
from debonair.project import maintainer

DEBIAN = {"DEBFULLNAME": "Bo", "DEBEMAIL": "bo@example.org"}


class Git:
    def __init__(self, name: str, mail: str) -> None:
        self.said = {"user.name": name, "user.email": mail}

    def __call__(self, argv: Sequence[str], *, cwd: Path, check: bool) -> Completed:
        assert (argv[:3], cwd, check) == (["git", "config", "--get"], Path("/here"), False)
        return Completed(0, self.said[argv[3]] + "\n", "")


@pytest.mark.parametrize(
    ("name", "mail", "environ", "found"),
    [
        ("Ada", "ada@example.org", DEBIAN, ("Ada <ada@example.org>", "git's configuration")),
        ("Ada", "", DEBIAN, ("Bo <bo@example.org>", "DEBFULLNAME and DEBEMAIL")),
        ("", "ada@example.org", {"DEBEMAIL": "bo@example.org"}, ("", "")),
        ("Ada", "no address", {}, ("", "")),
    ],
)
def test_who_makes_packages_here(
    name: str, mail: str, environ: dict[str, str], found: tuple[str, str]
) -> None:
    assert maintainer.of(Path("/here"), environ, runner=Git(name, mail)) == found


def test_a_machine_without_git() -> None:
    def missing(*_: object, **__: object) -> Completed:
        raise MachineError("no git")

    assert maintainer.of(Path("/here"), DEBIAN, runner=missing) == (
        "Bo <bo@example.org>",
        "DEBFULLNAME and DEBEMAIL",
    )
