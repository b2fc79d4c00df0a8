"""Run the command as ``debonair``, or as ``python -m debonair``."""

from __future__ import annotations

import signal
import sys
from importlib import import_module
from typing import NoReturn


def main(module: str = "debonair.cli.main", name: str = "main", program: str = "debonair") -> NoReturn:
    """Run a command; Ctrl-C ends it quietly at any time, also while its modules are imported."""
    # Until the command installs its own handling, there is nothing to clean up.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    command = getattr(import_module(module), name)
    status = 0
    try:
        command(prog_name=program)
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    from debonair.host import interruption  # noqa: PLC0415 - after the command's own modules

    if interruption.begun.is_set():
        interruption.leave(status)
    sys.exit(status)


def lay_out() -> NoReturn:
    """Run ``dh_debonair``."""
    main("debonair.cli.dh", "lay_out", "dh_debonair")


def add_scripts() -> NoReturn:
    """Run ``dh_debonair_scripts``."""
    main("debonair.cli.dh", "add_scripts", "dh_debonair_scripts")


if __name__ == "__main__":
    main()
