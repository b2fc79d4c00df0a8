"""A deb that gives orders to the terminal of who looks at it: a title, an empty screen, a turned line."""

from __future__ import annotations

import re
from pathlib import Path

from odddebs import STANZA, odd, put, tar
from publishing import Publisher

ORDERS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
NAME = "./usr/share/\x1b]0;owned\x07\u202etxt.exe"
FORGED = STANZA.replace("a thing", "a \u202egniht\u2066 \u2028thing")


def test_by_what_is_in_a_deb(publisher: Publisher, tmp_path: Path) -> None:
    results = [
        publisher.run("inspect", put(tmp_path, odd(FORGED, data=tar({NAME: b"x"})))),
        publisher.run("inspect", "--json", put(tmp_path, odd(FORGED, data=tar({NAME: b"x"})))),
        publisher.run("inspect", put(tmp_path, odd(f"{STANZA}Homepage: \x1b[2J\n"))),
        publisher.run("check", put(tmp_path, odd(data=tar({f"{NAME}.so": b"\x7fELFx"})))),
        publisher.add(put(tmp_path, odd(STANZA.replace("hello", "\x1b[2J")))),
        publisher.add(put(tmp_path, odd(data=tar({NAME: b"x"})))),
        publisher.add(put(tmp_path, odd(FORGED.replace("amd64", "mips")))),
        publisher.add(put(tmp_path, odd(f"{STANZA}Depends: \u202ea (\n"))),
        publisher.run("inspect", put(tmp_path, b"x", "\x1b[2J.deb")),
        publisher.run("inspect", tmp_path / "\x1b[2Jnone.deb"),
    ]
    for each in results:
        assert not ORDERS.search(each.text), each.text
        assert "Traceback" not in each.text
    assert "\\x1b]0;owned\\x07\\u202etxt.exe" in results[0].text


def test_by_a_name_that_is_no_text(publisher: Publisher, tmp_path: Path) -> None:
    name = b"./usr/share/caf\xe9".decode(errors="surrogateescape")
    deb = put(tmp_path, odd(STANZA.replace("hello", "latin"), data=tar({name: b"x"})))
    result = publisher.run("inspect", deb)
    assert result.status == 0, result.text
    assert "/usr/share/caf\\xe9" in result.text
    assert publisher.run("inspect", "--json", deb).status == 0
    assert publisher.add(deb).status == 0
