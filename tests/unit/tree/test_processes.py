"""Workers and timers: their units, and the programs that these run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from samples import EPOCH, VERSION, sample_project

from debonair import target
from debonair.deb.tree import Source
from debonair.errors import ProjectError
from debonair.project.settings import Timer
from debonair.tree.service import render

UNITS = "usr/lib/systemd/system"
TIMER = Timer(command="flask tidy --all && date", calendar="*-*-* 03:00")


def rendered(**changes: Any) -> dict[str, Source]:
    given: dict[str, Any] = {"workers": {"mails": "flask send-mails"}, "timers": {"tidy": TIMER}, **changes}
    sources = render.render(
        sample_project(**given), target.load("trixie-arm64"), version=VERSION, epoch=EPOCH
    )
    return {source.path: source for source in sources}


GENERATED = {
    "app-worker.service": f"{UNITS}/guestbook-mails.service",
    "app-timer.service": f"{UNITS}/guestbook-tidy.service",
    "app-timer.timer": f"{UNITS}/guestbook-tidy.timer",
    "app.command": "usr/lib/guestbook/dist/commands/tidy",
}


@pytest.mark.parametrize("name", GENERATED)
def test_generated_texts(name: str, golden: Callable[[str, str], None]) -> None:
    golden(f"render/{name}", rendered()[GENERATED[name]].data.decode())


def test_their_units_are_part_of_the_release() -> None:
    sources = rendered()
    units = {
        path: source for path, source in sources.items() if path.startswith(f"{UNITS}/") and source.data
    }
    alias = units.pop(f"{UNITS}/guestbook.local.service")
    assert alias.path.replace(UNITS, "usr/lib/guestbook/dist/systemd") not in sources, "it is the machine's"
    assert len(units) == 4
    for path, source in units.items():
        kept = sources[f"usr/lib/guestbook/dist/systemd/{path.removeprefix(UNITS).strip('/')}"]
        assert kept.data == source.data


def test_the_app_starts_them_with_itself() -> None:
    links = {path: source.target for path, source in rendered().items() if "k.service.wants/" in path}
    assert links == {
        f"{UNITS}/guestbook.service.wants/guestbook-mails.service": "../guestbook-mails.service",
        f"{UNITS}/guestbook.service.wants/guestbook-tidy.timer": "../guestbook-tidy.timer",
    }


def test_all_have_the_sandbox_of_the_app() -> None:
    sources = rendered()
    own = sources[f"{UNITS}/guestbook.service"].data.decode()
    sandbox = own.partition("# The app's data.")[2].partition("# Other processes of its user")[0]
    assert "SystemCallFilter=" in sandbox
    for name in ("mails", "tidy"):
        assert sandbox in sources[f"{UNITS}/guestbook-{name}.service"].data.decode()


def test_a_program_is_of_one_release_and_may_be_run() -> None:
    program = rendered(install="wheel")["usr/lib/guestbook/dist/commands/mails"]
    assert program.mode == 0o755
    text = program.data.decode()
    assert '\nrelease=$(dirname -- "$(dirname -- "$(realpath -- "$0")")")\n' in text
    assert text.endswith('\ncd "$release/venv" || exit\nflask send-mails\n')
    assert "PYTHONPATH" not in text


def test_what_systemd_noted_of_a_timer_goes_with_a_purge() -> None:
    postrm = render.members(sample_project(timers={"tidy": TIMER}), VERSION)["postrm"]
    assert "\n    rm -f /var/lib/systemd/timers/stamp-guestbook-tidy.timer\n" in postrm
    assert "stamp" not in render.members(sample_project(), VERSION)["postrm"]


def test_an_app_without_any_has_none_of_it() -> None:
    paths = rendered(workers={}, timers={})
    assert not [path for path in paths if "/commands/" in path or "k.service.wants" in path]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"workers": {"Send Mails": "x"}}, "'tool.debonair.workers.Send Mails' is not valid in"),
        ({"timers": {"a.b": TIMER}}, "'tool.debonair.timers.a.b' is not valid in"),
        ({"workers": {"tidy": "x"}}, "'tool.debonair.timers.tidy' is also the name of a worker"),
        ({"workers": {"mails": "a\nb"}}, "'tool.debonair.workers.mails' has a line break"),
        (
            {"timers": {"tidy": Timer(command="x", calendar="daily\nUnit=y")}},
            "'tool.debonair.timers.tidy.calendar' has a line break",
        ),
    ],
)
def test_what_cannot_be_written_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ProjectError) as refused:
        rendered(**changes)
    assert message in refused.value.message
