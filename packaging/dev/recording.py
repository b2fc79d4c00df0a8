"""Record the demo as an animated SVG, without a script: ``recording.py FILE``.

The demo runs on a terminal of 80 columns and 24 lines. The picture shows what was on it. Waits are shorter
than they were, and the clock in the last line shows how long they took.
"""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterable, Sequence
from html import escape
from itertools import pairwise
from pathlib import Path

import pyte

COLUMNS, ROWS = 80, 24
LARGEST = 200_000
"""Bytes of the picture."""
_DEMO = Path(__file__).with_name("demo.py")
_TICK, _READ, _LAST = 0.25, 1.6, 8.0
"""Seconds for which a step of the clock, new lines and the last screen are shown."""
_BURST = 0.4  # seconds of output that are one step
_WIDTH, _HEIGHT, _MARGIN = 8.4, 18, 14  # of a character and of the frame, in pixels

Event = tuple[float, bytes]
"""Output, and the seconds since the start."""
Cell = tuple[str, str]
"""A part of a line, and the classes of its style."""
Screen = tuple[tuple[Cell, ...], ...]


def record(argv: Sequence[str]) -> list[Event]:
    """Run ``argv`` on a terminal of its own, and return its output. Raises ``SystemExit`` if it fails."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    environ = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES"}}
    began, events = time.monotonic(), []
    with subprocess.Popen(
        argv, stdin=theirs, stdout=theirs, stderr=theirs, env={**environ, "TERM": "xterm-256color"}
    ) as process:
        os.close(theirs)
        while data := read(ours):
            events.append((time.monotonic() - began, data))
            os.write(sys.stdout.fileno(), data)
    os.close(ours)
    if process.returncode:
        sys.exit(f"The demo exited with status {process.returncode}.")
    return events


def read(terminal: int) -> bytes:
    """Return what was written to a terminal; nothing after the last program has closed it."""
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""


def screens(events: Iterable[Event]) -> list[Screen]:
    """Return what was on the terminal after each burst of output."""
    terminal = pyte.Screen(COLUMNS, ROWS)
    stream = pyte.ByteStream(terminal)
    found: list[Screen] = []
    shown_at = 0.0
    for at, data in events:
        if at - shown_at > _BURST:
            found.append(screen(terminal))
            shown_at = at
        stream.feed(data)
    found.append(screen(terminal))
    return [one for number, one in enumerate(found) if any(one) and one != found[number - 1]] or found


def screen(terminal: pyte.Screen) -> Screen:
    """Return the lines of ``terminal``, each in parts of one style, without spaces at their ends."""
    lines = []
    for row in range(terminal.lines):
        cells: list[Cell] = []
        for column in range(terminal.columns):
            found = terminal.buffer[row][column]
            style = " ".join(
                [*(["b"] if found.bold else []), *([found.fg] if found.fg != "default" else [])]
            )
            if cells and cells[-1][1] == style:
                cells[-1] = (cells[-1][0] + found.data, style)
            else:
                cells.append((found.data, style))
        while cells and not cells[-1][0].strip():
            cells.pop()
        if cells:
            cells[-1] = (cells[-1][0].rstrip(), cells[-1][1])
        lines.append(tuple(cells))
    return tuple(lines)


def seconds(shown: Sequence[Screen]) -> list[float]:
    """Return for how long each of the screens is shown."""
    times = [_TICK if changed(one, other) < 2 else _READ for one, other in pairwise(shown)]
    return [*times, _LAST]


def changed(one: Screen, other: Screen) -> int:
    """Return the number of lines in which two screens differ."""
    return sum(first != second for first, second in zip(one, other, strict=True))


def svg(shown: Sequence[Screen], title: str) -> str:
    """Return the animation of the screens, as an SVG file. Without animation it shows the last one."""
    times = seconds(shown)
    whole = sum(times)
    lines = {
        line: f"l{number}" for number, line in enumerate(dict.fromkeys(x for s in shown for x in s if x))
    }
    spans: dict[tuple[float, float], list[str]] = {}
    for row in range(ROWS):
        first = 0
        for number in range(1, len(shown) + 1):
            if number == len(shown) or shown[number][row] != shown[first][row]:
                if line := shown[first][row]:
                    span = (sum(times[:first]) / whole, sum(times[:number]) / whole)
                    use = f'<use href="#{lines[line]}" y="{row * _HEIGHT}"/>'
                    spans.setdefault(span, []).append(use)
                first = number
    width, height = COLUMNS * _WIDTH + 2 * _MARGIN, ROWS * _HEIGHT + 2 * _MARGIN
    style = [_STYLE, *(keyframes(number, *span) for number, span in enumerate(spans))]
    style.append(f".s{{visibility:hidden;animation-duration:{whole:.1f}s}}")
    style.append(".s.end{visibility:visible}@media(prefers-reduced-motion){.s{animation:none!important}}")
    groups = (
        f'<g class="s{" end" if end > 0.9999 else ""}" style="animation-name:k{number}">{"".join(uses)}</g>'
        for number, ((_, end), uses) in enumerate(spans.items())
    )
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" role="img">',
            f"<title>{escape(title)}</title>",
            f"<style>{''.join(style)}</style>",
            f"<defs>{''.join(text(line, name) for line, name in lines.items())}</defs>",
            '<rect width="100%" height="100%" rx="8" class="back"/>',
            f'<g transform="translate({_MARGIN} {_MARGIN})">',
            *groups,
            "</g>",
            "</svg>",
            "",
        ]
    )


_STYLE = (
    "text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;fill:#d7dae0;"
    "white-space:pre}.back{fill:#1d1f26}.b{font-weight:bold;fill:#fff}.red{fill:#ff7b72}.green{fill:#7ee787}"
    ".cyan{fill:#79c0ff}.s{animation:1s step-end infinite}"
)


def keyframes(number: int, start: float, end: float) -> str:
    """Return the rule that shows a group between two parts of the whole time."""
    steps = ["0%{visibility:hidden}"] if start else []
    steps.append(f"{start * 100:.2f}%{{visibility:visible}}")
    steps += [f"{end * 100:.2f}%{{visibility:hidden}}"] if end < 0.9999 else []
    return f"@keyframes k{number}{{{''.join(steps)}}}"


def text(line: tuple[Cell, ...], name: str) -> str:
    """Return a line as an element that others use; each part has the width of its characters."""
    parts, column = [], 0
    for content, style in line:
        attributes = f' class="{style}"' if style else ""
        if content.strip():
            begin = len(content) - len(content.lstrip())
            body = content.strip()
            parts.append(
                f'<text x="{(column + begin) * _WIDTH:g}" y="13" textLength="{len(body) * _WIDTH:g}"'
                f"{attributes}>{escape(body, quote=False)}</text>"
            )
        column += len(content)
    return f'<g id="{name}">{"".join(parts)}</g>'


def main(path: Path) -> None:
    """Record the demo into the file ``path``."""
    picture = svg(screens(record([sys.executable, str(_DEMO)])), "A demo of Debonair in a terminal")
    if len(picture.encode()) > LARGEST:
        sys.exit(f"The recording has {len(picture.encode()):,} bytes, more than {LARGEST:,}.")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(picture)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
