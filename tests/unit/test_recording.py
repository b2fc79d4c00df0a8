"""The recording of the demo: from the output on a terminal to a picture."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import recording

from debonair.resources import resource

EVENTS = [
    (0.0, b"$ one\r\n\x1b[1mbold\x1b[0m <&>"),
    (5.0, b"\r\n\r\x1b[KWaiting: 0:01"),
    (6.0, b"\r\x1b[KWaiting: 0:02"),
    (6.1, b"\r\x1b[Kthe end\r\nof it"),
]


def test_the_screens_are_those_of_a_terminal() -> None:
    shown = recording.screens(EVENTS)
    assert [[line for line in screen if line] for screen in shown] == [
        [(("$ one", ""),), (("bold", "b"), (" <&>", ""))],
        [(("$ one", ""),), (("bold", "b"), (" <&>", "")), (("Waiting: 0:01", ""),)],
        [(("$ one", ""),), (("bold", "b"), (" <&>", "")), (("the end", ""),), (("of it", ""),)],
    ]
    assert all(len(screen) == 24 for screen in shown)


def test_a_step_of_the_clock_is_shorter_than_new_lines() -> None:
    shown = recording.screens([*EVENTS, (9.0, b"\r\n\r\nmore\r\nlines")])
    times = recording.seconds(shown)
    assert times[0] < times[1] <= times[2] < times[-1]


def test_the_picture_has_no_script_and_shows_the_end_without_animation() -> None:
    picture = recording.svg(recording.screens(EVENTS), "A <demo>")
    root = ElementTree.fromstring(picture)
    space = "{http://www.w3.org/2000/svg}"
    assert {found.tag.removeprefix(space) for found in root.iter()} == {
        *("svg", "title", "style", "defs", "rect", "g", "text", "use")
    }
    defined = {found.get("id"): found for found in root.iter(f"{space}g") if found.get("id")}
    ends = [found for found in root.iter(f"{space}g") if (found.get("class") or "").endswith(" end")]
    lines = {use.get("href", "")[1:] for found in ends for use in found}
    assert {"".join(defined[line].itertext()) for line in lines} == {"$ one", "bold<&>", "the end", "of it"}
    rules = re.findall(r"@keyframes k\d+\{([^@]*?\})\}", picture)
    assert len(rules) == len([found for found in root.iter(f"{space}g") if found.get("style")])


def test_the_recording_in_the_documentation() -> None:
    picture = (resource("docs") / "_static/demo.svg").read_text()
    assert len(picture.encode()) < recording.LARGEST
    assert "requests, 0 failed" in picture
    assert "was refused; 1.1-1+deb13 keeps serving." in picture
    assert not re.search(r"<script|<image|foreignObject|\bon\w+=|href=\"(?!#)|url\(", picture)
