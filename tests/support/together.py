"""Two publishers that change one repository at the same moment, again and again."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from debs import make_deb
from repository import SUITES
from scribe import Scribe

from debonair.repository import history, state, verify
from debonair.repository.edits import versions
from debonair.repository.edits.bootstrap import make_suites
from debonair.repository.pins import Pins
from debonair.repository.publish import Repository
from debonair.repository.state import Head
from debonair.repository.storage.protocol import Storage
from debonair.repository.trust import Trust

TIMES = 8
"""Changes of each publisher: enough that both meet. Processes of their own do it twenty times."""
Publisher = Callable[[str, Scribe, Callable[[], int]], Repository]
"""Opens the repository for a user, with the scribe as signer and the clock."""


def believing(storage: Storage, scribe: Scribe, folder: Path) -> Trust:
    """Return the trust of two accounts on one machine that share their pins."""
    return Trust(storage, "apt", Pins(folder / "pins"), scribe.signers)


def publish_together(publisher: Publisher, folder: Path) -> Repository:
    """Publish from two publishers together, ``TIMES`` each; lose nothing; return one repository."""
    scribe, clock = Scribe(), [1_800_000_000]
    both = {who: publisher(who, scribe, lambda: clock[0]) for who in ("ada", "bob")}
    key = scribe.create("acme", now=clock[0])
    head = Head(state.FORMAT, "acme", 0, "", (key,), 365, {}, url="https://apt.example.org")
    both["ada"].create(head, make_suites(SUITES))
    together = threading.Barrier(2)
    wrong: list[BaseException] = []

    def work(who: str) -> None:
        try:
            for number in range(TIMES):
                deb = make_deb(folder / who, who, f"1.{number}-1+deb13")
                together.wait(60)
                edit = versions.add([deb], lambda: SUITES, channel_name="stable", suite=None, percent=100)
                both[who].change("publish", edit)
                together.wait(60)
                clock[0] += 30
        except BaseException as error:
            wrong.append(error)
            together.abort()

    threads = [threading.Thread(target=work, args=(who,)) for who in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    draft = both["ada"].draft()
    changes = list(history.read(both["ada"].storage, draft.head.history))
    assert [change.generation for change in changes] == list(range(2 * TIMES + 1, 0, -1))
    for who in both:
        assert [entry.version for entry in draft.lines("trixie", who)["amd64"].entries] == [
            f"1.{number}-1+deb13" for number in range(TIMES)
        ]
    assert verify.verify(draft, scribe) == []
    return both["bob"]
