"""A chart of the measured builds, as an SVG file."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

_ROWS = {
    "peer": ("dh-virtualenv, pip's cache full", "#999999"),
    "cold": ("debonair, nothing cached", "#b8d4ea"),
    "packed": ("debonair, layers rebuilt", "#6ca6d0"),
    "warm": ("debonair, warm, code changed", "#1f6fa8"),
}
_LEFT, _WIDTH, _BAR, _GAP = 210, 400, 18, 6
_LEAST, _MOST = 0.1, 1000.0  # seconds that the axis spans


def svg(projects: Mapping[str, Mapping[str, Any]]) -> str:
    """Return bars of the median wall seconds of each build, on a logarithmic axis."""
    parts, at = [], 44
    for name, found in projects.items():
        parts.append(f'<text x="10" y="{at}" font-weight="bold">{name}</text>')
        at += 10
        for key, (label, colour) in _ROWS.items():
            if key in found:
                seconds = found[key]["wall"]
                end = _x(seconds)
                length = end - _LEFT
                parts.append(
                    f'<text x="{_LEFT - 8}" y="{at + 13}" text-anchor="end">{label}</text>'
                    f'<rect x="{_LEFT}" y="{at}" width="{length:.1f}" height="{_BAR}" fill="{colour}"/>'
                    f'<text x="{end + 6:.1f}" y="{at + 13}">{seconds:.2f} s</text>'
                )
                at += _BAR + _GAP
        at += 24
    ticks = []
    for power in range(round(math.log10(_LEAST)), round(math.log10(_MOST)) + 1):
        x = _x(10.0**power)
        ticks.append(
            f'<line x1="{x:.1f}" y1="30" x2="{x:.1f}" y2="{at - 16}" stroke="#dddddd"/>'
            f'<text x="{x:.1f}" y="{at}" text-anchor="middle">{10.0**power:g} s</text>'
        )
    title = "Seconds from start to exit, median, logarithmic"
    size = f'width="{_LEFT + _WIDTH + 70}" height="{at + 14}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12">\n'
        f'<rect width="100%" height="100%" fill="white"/>\n<text x="{_LEFT}" y="20">{title}</text>\n'
        + "\n".join([*ticks, *parts])
        + "\n</svg>\n"
    )


def _x(seconds: float) -> float:
    """Return where ``seconds`` lie on the axis."""
    span = math.log10(_MOST / _LEAST)
    return _LEFT + _WIDTH * math.log10(max(seconds, _LEAST) / _LEAST) / span
