from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from debonair.errors import MachineError
from debonair.host.run import Completed
from debonair.project import maintainer

DEBIAN = {"DEBFULLNAME": "Bo", "DEBEMAIL": "bo@example.org"}


class Git:
    """git with configured values, each with the scope of git-config(1) that it is in."""

    def __init__(self, *configured: tuple[str, str, str]) -> None:
        self.configured = configured

    def __call__(self, argv: Sequence[str], *, cwd: Path, check: bool, timeout: float) -> Completed:
        assert (argv[:3], cwd, check) == (("git", "config", "--null"), Path("/here"), False)
        assert timeout < 60
        return Completed(
            0, "".join(f"{scope}\0{key}\n{value}\0" for scope, key, value in self.configured), ""
        )


ADA = (("global", "user.name", "Ada"), ("global", "user.email", "ada@example.org"))


@pytest.mark.parametrize(
    ("configured", "environ", "found"),
    [
        (ADA, DEBIAN, ("Ada <ada@example.org>", "git's configuration")),
        (ADA[:1], DEBIAN, ("Bo <bo@example.org>", "DEBFULLNAME and DEBEMAIL")),
        (ADA[1:], {"DEBEMAIL": "bo@example.org"}, ("", "")),
        ((ADA[0], ("global", "user.email", "no address")), {}, ("", "")),
        # By includeIf "gitdir:", another address for the work of one folder: the last one counts.
        (
            (*ADA, ("global", "user.email", "a@work.example")),
            {},
            ("Ada <a@work.example>", "git's configuration"),
        ),
        ((("system", "user.name", "All"), *ADA), {}, ("Ada <ada@example.org>", "git's configuration")),
    ],
)
def test_who_makes_packages_here(
    configured: Sequence[tuple[str, str, str]], environ: dict[str, str], found: tuple[str, str]
) -> None:
    assert maintainer.of(Path("/here"), environ, runner=Git(*configured)) == found


@pytest.mark.parametrize("scope", ["local", "worktree"])
def test_the_repository_does_not_say_who_packages_it(scope: str) -> None:
    own = ((scope, "user.name", "Mallory\nglobal\tMallory"), (scope, "user.email", "m@evil.example"))
    assert maintainer.of(Path("/here"), {}, runner=Git(*own)) == ("", "")
    assert maintainer.of(Path("/here"), {}, runner=Git(*ADA, *own))[0] == "Ada <ada@example.org>"


def test_a_machine_without_git() -> None:
    def missing(*_: object, **__: object) -> Completed:
        raise MachineError("no git")

    assert maintainer.of(Path("/here"), DEBIAN, runner=missing) == (
        "Bo <bo@example.org>",
        "DEBFULLNAME and DEBEMAIL",
    )
