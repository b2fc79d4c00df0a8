"""The preparation of a release before any of it serves: its data, its code, and its databases."""

from __future__ import annotations

import os
import re
import threading
from dataclasses import dataclass

import call
import task
from call import Deadline
from person import sudo
from release import Home, Release
from text import say, tail

_SERVING = re.compile(r"^(socket|stats|logger) = .*\n", re.MULTILINE)
_COPIED = 0.8  # part of a migration's time in which the copies of databases stop by themselves
_SILENT = 2.0  # seconds after which a person is told what takes long
PREPARE = 300.0  # seconds to copy the files that the data starts with, to a slow SD card


class RefusedError(Exception):
    """A release is not healthy; the message explains why, and ``log`` is the end of its output."""

    def __init__(self, why: str, log: str = "") -> None:
        super().__init__(why)
        self.log = log


@dataclass
class Preparation:
    """The steps before ``release`` starts. All of them run as the app, in the sandbox of the release."""

    home: Home
    release: Release
    deadline: Deadline
    remarks: list[str]
    """Remarks for the admin, to which these steps add."""
    first: bool
    """True if no release is served yet."""

    def seed(self) -> None:
        """Create the files and folders that the release expects in its data.

        The app owns its data, so the program runs as the app. A failure is a remark, because a broken-into
        app could otherwise keep out each later release by its data. The health check decides.
        """
        if any(self.release.data.values()):
            program = str(self.home.lib / "libexec/seed.py")
            folders = [str(self.release.folder), str(self.home.data)]
            argv = ["/usr/bin/python3", "-IB", program, *folders]
            seconds = self.deadline.left(PREPARE)
            told = threading.Timer(_SILENT, self._tell)
            told.daemon = True
            told.start()
            try:
                status, output = task.as_app(self.home, self.release, argv, seconds=seconds)
            finally:
                told.cancel()
            if status == call.TIMED_OUT:
                self.remarks.append(self._late(seconds))
            elif status:
                self.remarks += [
                    "its data is incomplete",
                    *(f"  | {line}" for line in tail(output).split("\n")),
                ]

    def _tell(self) -> None:
        """Print what takes long, for a person who waits for apt."""
        if files := self._files():
            what = f"copying {_number(files)} to {self.home.data}"
            say(f"{self.home.package}: {what}, for {PREPARE:.0f} s at most")

    def _late(self, seconds: float) -> str:
        """Return what to do about files that could not be copied within ``seconds``."""
        user, data = self.release.user, self.home.data
        return (
            f"its data is incomplete: copying {_number(self._files())} to {data} takes longer than "
            f"{seconds:.0f} s. Copy what is missing from {self.release.folder}/seed, then: "
            f"{sudo()}chown -R {user}:{user} {data}/"
        )

    def _files(self) -> int:
        """Return the number of files that the data may start with."""
        return sum(len(names) for _, _, names in os.walk(self.release.folder / "seed"))

    def run(self) -> None:
        """Load the code and prepare the data; broken code changes no data. Raises ``RefusedError``."""
        if self.release.server == "uwsgi":
            try:
                self._try_code()
            except RefusedError:
                if not self.first or not self.release.migrate:
                    raise
                # Nothing is served yet, and databases are copied first. Some apps need tables to be loaded.
                self._migrate()
                self._try_code()
                return
        self._migrate()

    def _try_code(self) -> None:
        """Load the app once without serving it, to notice imports that fail.

        Without any socket, uWSGI does not report an app that cannot be loaded.
        """
        text = self.release.vassal.read_text(encoding="utf-8")
        head = f"[uwsgi]\nset-placeholder = release={self.release.folder}\nsocket = /tmp/trial.sock\n"
        text = _SERVING.sub("", text).replace("[uwsgi]\n", head, 1)
        trial = self.home.releases / ".try.ini"
        trial.write_text(text, encoding="utf-8")
        argv = ["/usr/bin/uwsgi-core", "--ini", str(trial), "--no-server"]
        seconds = self.deadline.left(self.release.health_timeout)
        try:
            status, output = task.as_app(self.home, self.release, argv, seconds=seconds)
        finally:
            trial.unlink(missing_ok=True)
        if status:
            raise RefusedError("the app cannot be loaded", output)

    def _migrate(self) -> None:
        """Copy the databases, and run the command that prepares the data, if the release has one."""
        if not self.release.migrate:
            return
        copies = task.copies(self.home, self.release)
        program = str(self.home.lib / "libexec/backup.py")
        seconds = self.deadline.left(_COPIED * self.release.migrate_timeout)
        copy = ["/usr/bin/python3", "-IB", program, str(self.home.data), str(copies), f"{seconds:.1f}"]
        if "refused" in self.home.note():  # a failed migration may have spoiled what is copied now
            copy.append("after-refusal")
        output = self._run(copy, "its databases could not be copied", more=f"ReadWritePaths={copies}")
        self.remarks += [line for line in output.split("\n") if line]
        self._run(["/bin/sh", "-c", self.release.migrate], f"'{self.release.migrate}' failed")

    def _run(self, argv: list[str], problem: str, *, more: str = "") -> str:
        """Run ``argv`` as the app and return its output. Raises ``RefusedError`` with the ``problem``."""
        seconds = self.deadline.left(self.release.migrate_timeout)
        status, output = task.as_app(self.home, self.release, argv, seconds=seconds, more=more)
        if status:
            raise RefusedError(problem, output)
        return output


def _number(files: int) -> str:
    return f"{files:,} file{'s'[: files != 1]}"
