"""Power cuts in the midst of everything that dpkg and the app's own command do, on a disk that forgets.

What was not synced is lost (``disks``). After each cut the machine boots, dpkg finishes what it can, and
everything that says how the app is has to agree. Each deed is cut right after its end, at each moment that
matters, and at as many points of its time as POWER_CUTS in the environment says.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import witness
from debians import Boot
from deeds import DEEDS, OWN, Deed, Lab, deb, served
from disks import Loss, Machine, plugged
from guestbooks import SUITE, dpkg_state, status, visiting

from debonair import trial
from debonair.debian.rootfs.container import Container
from debonair.host import run

pytestmark = [pytest.mark.boot, pytest.mark.long]

CUTS = int(os.environ.get("POWER_CUTS", "1"))
LOSSES = (Loss.UNSYNCED, Loss.DATA, Loss.UNSYNCED, Loss.DATA, Loss.NONE)
OPTIONS = ("data=ordered", "data=ordered,noauto_da_alloc")
"""By its default ext4 writes a file before its name, if it is renamed over another; others do not."""


@pytest.fixture(scope="module")
def lab(boot: Boot, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    made = Lab(boot, tmp_path_factory.mktemp("disks"))
    yield made
    for disk in made.disks.values():
        disk.path.unlink()


def look(machine: Container) -> dict[str, Any]:
    """Return what is to be seen in the app's files."""
    program = Path(witness.__file__).read_bytes()
    found: dict[str, Any] = json.loads(machine.run(["python3", "-I", "-"], stdin=program).stdout)
    return found


@dataclass
class Cut:
    """One cut: so many seconds after a deed began, when a file changes, or after its end."""

    of: str
    number: int
    point: float | str | None
    """Seconds, the path of the file, or None for the end."""
    lab: Lab
    seconds: float = 0.0
    """How long the deed took, or the part of it that was done."""
    ended: bool = False
    """Whether it had ended well before the cut."""
    key: str = ""
    """The secret key that was there before the cut, and might have been used."""
    before: dict[str, Any] = field(default_factory=dict)
    """What was to be seen before the cut, if the deed had ended."""
    signed: list[str] = field(default_factory=list)
    """The entries that were acknowledged before the cut, in their order."""
    story: str = ""
    wrong: Exception | None = None

    @property
    def name(self) -> str:
        return f"{self.of} {self.number}"

    @property
    def deed(self) -> Deed:
        return DEEDS[self.of]

    def run(self) -> None:
        """Begin the deed, cut the power, boot again, let dpkg finish, look; keep what was wrong."""
        disk = self.lab.disk(self.deed.begin, self.deed.emperor).copy(self.lab.folder / f"{self.name}.img")
        options = OPTIONS[self.number % len(OPTIONS)]
        try:
            with plugged(disk, SUITE, self.lab.folder, options=options) as machine:
                self._begin(machine)
                machine.start()
                self._booted(machine.container)
                self._recovered(machine.container)
        except Exception as wrong:
            wrong.add_note(f"in {self.name}: {self.story}")
            self.wrong = wrong
        finally:
            disk.path.unlink()

    def _begin(self, machine: Machine) -> None:
        """Begin the deed while somebody signs the book, and cut the power."""
        container = machine.container
        output = self.lab.folder / f"{self.name}.output"
        if self.deed.begin:
            trial.healthy(container, "guestbook", trial.Site("/healthz"))
            self.key = look(container)["key"]
        seen = sight(machine.path(self.point)) if isinstance(self.point, str) else None
        with visiting(container, "sign", output.with_suffix(".answers"), pause=0.1) as answers:
            began = time.monotonic()
            doing = run.start(container.words(self.deed.argv), output=output)
            if self.point is None:
                assert doing.wait() == 0, output.read_text()
            elif isinstance(self.point, str):
                watched = machine.path(self.point)
                while doing.poll() is None and sight(watched) == seen:
                    time.sleep(0.0002)
            else:
                time.sleep(self.point)
            self.ended = doing.poll() == 0
            self.seconds = time.monotonic() - began
            if self.ended:
                self.before = look(container)
                self.key = self.key or self.before["key"]
            elif not self.deed.begin and machine.path("/etc/nginx/sites-enabled/guestbook").is_symlink():
                # its pages may have been seen already, and sessions been signed
                self.key = witness.key(machine.path("/etc/guestbook/env"))
            loss = LOSSES[self.number % len(LOSSES)]
            machine.cut(loss)
            doing.wait()
            self.signed = [key for key, code in answers() if code == 302]
        when = "after its end" if self.ended else "in the midst"
        when = f"when {self.point} changed" if isinstance(self.point, str) and not self.ended else when
        self.story = f"cut after {self.seconds:.2f} s, {when}; {loss.value}"

    def _booted(self, machine: Container) -> None:
        """What holds as soon as the machine is up, with nobody there to repair anything."""
        machine.run(["dpkg-query", "-W"])  # dpkg can read what it knows
        state, page = dpkg_state(machine), served(machine)
        self.story += f"; booted: {state.strip() or 'not known'}, serves {page or 'nothing'}"
        machine.run(["nginx", "-t", "-q"])
        found = look(machine)
        if self.ended:
            assert (state.split() or [""])[0] == self.deed.state
            assert page == self.deed.served
            assert found["bytes"] == self.before["bytes"], "no file differs from what it was"
        elif self.deed.begin and self.deed.state == "ii":
            assert page in {self.deed.begin, self.deed.served}, "an app that was served still is"
        if state.startswith("ii"):
            assert page, "what dpkg calls installed is served"
            assert found["key"], "it has a key"
        if self.key and self.deed.state:
            assert found["key"] == self.key, "the key stays"
        if not (self.ended and not self.deed.state):
            self._keeps(found)

    def _keeps(self, found: dict[str, Any]) -> None:
        """Every entry is there that was acknowledged; SQLite may lose the very last one to a cut."""
        assert found["integrity"] == "ok"
        if found["entries"] or self.deed.state:
            lost = [key for key in self.signed if key not in found["entries"]]
            assert lost in ([], self.signed[-1:]), lost

    def _recovered(self, machine: Container) -> None:
        """What holds when dpkg has finished what was cut, and the deed was done again if it could not."""
        machine.run(
            ["dpkg", "--configure", "-a"], check=False, timeout=120
        )  # fails for what is unpacked half
        letters = (dpkg_state(machine).split() or [""])[0]
        if letters not in {"ii", "rc", ""}:
            # Of what is unpacked half apt wants the very deb; dpkg takes any.
            again = (
                ("dpkg", "--install", deb(self.deed.served, self.deed.emperor))
                if letters.endswith("R")
                else self.deed.argv
            )
            machine.run(again, timeout=120)
            letters = (dpkg_state(machine).split() or [""])[0]
            assert letters in {self.deed.state, self.deed.state or "rc"}  # a purge may go half of its way
            self.story += ", done again"
        page, found = served(machine), look(machine)
        self.story += f"; at the end: {letters or 'not known'}, serves {page or 'nothing'}"
        machine.run(["nginx", "-t", "-q"])
        assert found["empty"] == [], "no file has lost its bytes"
        assert found["left"] == [], "nothing lies about"
        if letters != "ii":
            assert page == ""
            kept = [path for path in found["files"] if not path.startswith(("/etc/guestbook/", "/var/"))]
            assert kept == [], "nothing of what was removed is left"
            assert bool(found["key"]) == (letters == "rc" and bool(self.key))
            return
        assert machine.run(["dpkg", "--verify", "guestbook"], check=False).stdout == ""
        assert page, "what dpkg calls installed is served"
        code, facts = status(machine)
        assert (code, facts["refused"]) == (0, None)
        assert facts["serving"].partition("-")[0] == page
        assert page in found["prepared"]
        if self.deed.argv[0] == "apt-get":
            assert dpkg_state(machine).split()[1].partition("-")[0] == page
        assert found["key"], "it has a key"
        assert not self.key or found["key"] == self.key, "the key stays"
        if self.deed.emperor == OWN:
            running = machine.run(["ls", "/run/guestbook/vassals"]).stdout.split()
            assert len([name for name in running if name.endswith(".ini")]) == 1, running


def sight(path: Path) -> int | None:
    """Return what tells a file, or a link, from one that is put in its place; None if there is none."""
    try:
        return path.lstat().st_ino
    except OSError:
        return None


def points(seconds: float, number: int) -> list[float]:
    """Return ``number`` points of time, spread evenly over ``seconds``."""
    return [seconds * (one + 0.5) / number for one in range(number)]


def fate(name: str, lab: Lab) -> list[Cut]:
    """Cut the power in the deed ``name``: after its end, at its moments, and spread over its time."""
    cuts = [Cut(name, 0, None, lab)]
    cuts[0].run()
    others: list[float | str] = [*DEEDS[name].moments, *points(cuts[0].seconds, CUTS)]
    for number, point in enumerate(others, 1):
        cuts.append(Cut(name, number, point, lab))
        cuts[-1].run()
    return cuts


@pytest.fixture(scope="module")
def fates(lab: Lab, request: pytest.FixtureRequest) -> Iterator[Mapping[str, Future[list[Cut]]]]:
    """What becomes of the deeds that are asked for, side by side: machines wait more than they compute."""
    items = [item for item in request.session.items if isinstance(item, pytest.Function)]
    asked = [item for item in items if item.originalname == "test_the_power_is_cut"]
    names = [str(item.callspec.params["deed"]) for item in asked]
    for name in names:  # a disk is made by one of them, before others begin from it
        lab.disk(DEEDS[name].begin, DEEDS[name].emperor)
    with ThreadPoolExecutor(max_workers=2) as pool:
        try:
            yield {name: pool.submit(fate, name, lab) for name in names}
        finally:
            pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("deed", DEEDS)
def test_the_power_is_cut(deed: str, fates: Mapping[str, Future[list[Cut]]]) -> None:
    cuts = fates[deed].result()
    sys.stdout.write("".join(f"{cut.name}: {cut.story}\n" for cut in cuts))
    wrong = [cut.wrong for cut in cuts if cut.wrong]
    if wrong:
        raise ExceptionGroup(f"{len(wrong)} of {len(cuts)} cuts", wrong)
