"""How a command ends: with a message, and with its own exit status."""

from __future__ import annotations

import signal
from contextlib import suppress

import click
import pytest
from click.testing import CliRunner

from debonair.cli.command import Shown
from debonair.host import interruption


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_question_is_no_refusal(number: signal.Signals, code: int) -> None:
    """click replaces the interruption by the exception of an answer of no."""

    @click.command(cls=Shown)
    def verb() -> None:
        with suppress(KeyboardInterrupt):
            signal.raise_signal(number)
        raise click.Abort

    before = {each: signal.getsignal(each) for each in interruption._SIGNALS}
    for each in before:  # a shell may run the tests with some ignored
        signal.signal(each, signal.default_int_handler)
    try:
        done = CliRunner().invoke(verb)
    finally:
        for each, how in before.items():
            signal.signal(each, how)
        interruption.begun.clear()
        interruption._unwinding.clear()
        interruption._numbers.clear()
    assert (done.exit_code, done.stderr) == (code, "\nInterrupted.\n")


def test_an_answer_of_no_is_a_refusal() -> None:
    @click.command(cls=Shown)
    def verb() -> None:
        raise click.Abort

    done = CliRunner().invoke(verb)
    assert (done.exit_code, done.stderr) == (1, "Aborted!\n")
