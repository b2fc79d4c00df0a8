"""The fixture that keeps unit tests from the machine can itself fail a test."""

from __future__ import annotations

import os
import socket
import subprocess

import pytest


def test_no_program_is_started() -> None:
    with pytest.raises(AssertionError, match=r"subprocess\.Popen"):
        subprocess.run(["true"], check=False)
    with pytest.raises(AssertionError, match=r"os\.posix_spawn"):
        os.posix_spawn("/bin/true", ["true"], {})
    with pytest.raises(AssertionError, match=r"os\.execv"):
        os.execv("/bin/true", ["true"])


def test_no_connection_is_opened() -> None:
    with socket.socket() as one, pytest.raises(AssertionError, match=r"socket\.connect"):
        one.connect(("127.0.0.1", 9))
    with pytest.raises(AssertionError, match=r"socket\.getaddrinfo"):
        socket.create_connection(("localhost", 9))
