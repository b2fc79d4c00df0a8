"""What judges the traffic of a switch sees each thing that it is to see."""

from __future__ import annotations

import math

import pytest
from traffic import Answer, Span, Traffic, quantile


def answer(release: str = "1.0", *, due: float = 0, latency: float = 0.1, status: int = 200) -> Answer:
    body = f"loaded at start: {release}\nimported late: {release}\nrendered late: {release}\n"
    return Answer("open", "/", due, latency, status, body, "")


def test_no_answer_and_another_status_are_failures() -> None:
    refused = Answer("closed", "/", 0, 0.1, 0, "", "ConnectionRefusedError()")
    down = answer(status=503)
    traffic = Traffic([answer(), refused, down])
    assert traffic.failed == [refused, down]
    assert "3 requests, 2 failed, 0 mixed" in traffic.table("")
    assert "failed 1 times: closed: ConnectionRefusedError()" in traffic.table("")


def test_parts_of_two_releases_are_mixed() -> None:
    mixed = Answer("open", "/", 0, 0.1, 200, "loaded at start: 1.0\nrendered late: 1.1\n", "")
    empty = Answer("open", "/", 0, 0.1, 200, "", "")
    assert Traffic([answer(), mixed, empty]).mixed == [mixed, empty]


def test_an_old_release_after_a_switch_is_stale() -> None:
    spans = [Span("1.1", 10, 20), Span("1.0", 30, 40)]
    stale = [answer("1.0", due=21), answer("1.1", due=41)]
    fine = [answer("1.0", due=15), answer("1.1", due=21), answer("1.0", due=29.95), answer("1.0", due=41)]
    assert Traffic([*stale, *fine], spans).stale == stale


def test_what_overlaps_a_switch_is_during_it() -> None:
    answers = [answer(due=due, latency=due) for due in (6, 8, 19, 21)]
    traffic = Traffic(answers, [Span("1.0", 15, 20)])
    assert traffic.latencies("open", during=True) == [8, 19]
    assert traffic.latencies("open", during=False) == [6, 21]
    assert traffic.latencies("closed", during=True) == []


@pytest.mark.parametrize(
    ("part", "expected"), [(0.5, 500), (0.999, 999), (0.9991, 1000), (1, 1000), (0, 1)]
)
def test_a_quantile_is_one_of_the_values(part: float, expected: int) -> None:
    assert quantile(range(1, 1001), part) == expected


def test_nothing_has_no_quantile() -> None:
    assert math.isnan(quantile([], 0.5))
