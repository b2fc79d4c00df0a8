#!/usr/bin/python3 -IB
"""The command that manages a web application on the machine that it runs on.

It is installed as /usr/bin/<app>. It reads everything about the app from release.json, which it finds from
its own path. It uses only the standard library, and runs on any Python from 3.11.
"""

from __future__ import annotations

import argparse
import os
import pwd
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import env_verb
import environment
import history
import task
from journal import logs
from person import RequestError, root_only, sudo
from release import Home
from status import HEALTHY, NOT_HEALTHY, UNKNOWN, stands_in, status
from switch import Switch
from system_emperor import emperor_of
from text import printable, say
from usage import Parser


def main(argv: list[str], home: Home) -> int:
    """Run the verb in ``argv`` for the app in ``home``, and return the exit status."""
    verb = None
    try:
        options = parser(home).parse_args(argv)
        verb = options.verb
        return int(verb(home, options) or 0)
    except (RequestError, OSError) as refused:
        say(f"{home.package}: {refused}", error=True)
        return UNKNOWN if verb is status else 1
    except KeyboardInterrupt:
        return 130


def parser(home: Home) -> argparse.ArgumentParser:
    """Return the parser of the command line, with the function of each verb in ``verb``."""
    package, root = home.package, f"{sudo()}{home.package}"
    found = Parser(
        prog=package,
        description=f"Manage the web app {package}.",
        examples=(f"{root} status", f"{root} logs -f", f"{root} rollback"),
    )
    found.add_argument("--version", action="version", version=f"{home.package} {home.installed().version}")
    verbs = found.add_subparsers(required=True, metavar="COMMAND")

    def verb(
        name: str, function: Callable[[Home, argparse.Namespace], int | None], what: str, *examples: str
    ) -> Parser:
        typed = tuple(f"{root} {name} {example}".rstrip() for example in examples or [""])
        one = verbs.add_parser(name, help=what, description=f"{what[0].upper()}{what[1:]}.", examples=typed)
        one.set_defaults(verb=function)
        return one

    one = verb("status", status, "show whether the app is healthy, and why not", "", "--json")
    one.add_argument("--json", action="store_true", help="print JSON")
    one = verb("logs", logs, "print its messages from the journal", "", "-f")
    one.add_argument("-f", "--follow", action="store_true", help="follow new messages")
    one = verb("run", run, "run a command in the app's sandbox, as its user", "python3 --version")
    one.add_argument("command", metavar="COMMAND")
    one.add_argument("arguments", metavar="ARGUMENT", nargs=argparse.REMAINDER)
    verb("shell", shell, "open a shell in the app's sandbox")
    verb("restart", restart, "restart its processes, to apply changed settings")
    verb("releases", releases, "list the releases on this machine, newest first")
    one = verb("rollback", rollback, "serve an earlier release; needs no network", "", "1.0", "--undo")
    one.add_argument(
        "version",
        metavar="VERSION",
        nargs="?",
        default="",
        help="release to serve, such as 1.0 [default: the older one before this]",
    )
    one.add_argument("--undo", action="store_true", help="serve the installed version again")
    examples = ("list", "get MAIL", "set MAIL=ada@example.org", "unset MAIL")
    one = verb("env", env_verb.env, "list, show, set or remove the app's variables", *examples)
    env_verb.add(one, f"{root} env")
    return found


def releases(home: Home, options: argparse.Namespace) -> None:
    """List the releases on this machine, also the installed one if it was never served."""
    del options
    serving, installed, known = home.serving(), home.unpacked(), home.known()
    if installed is None or not installed.served:
        refused = home.note().get("refused", {}).get("version") == home.installed().version
        say("  ".join([home.installed().version, "installed", "refused" if refused else "never served"]))
    for release in known:
        words = [release.version]
        if serving and release.name == serving.name:
            words.append("served")
        if installed and release.name == installed.name:
            words.append("installed")
        say("  ".join(words))


def rollback(home: Home, options: argparse.Namespace) -> int:
    """Serve an earlier release; or after a rollback, the installed one again."""
    root_only(home, "rollback")
    began = time.monotonic()
    try:
        if options.undo or history.is_only_installed(home, options.version):
            well = Switch(home).undo() if home.serving() else first(home)
        else:
            well = Switch(home).rollback(options.version)
    except LookupError as unknown:
        raise RequestError(str(unknown)) from None
    serving = home.serving()
    if well and serving:
        say(f"{home.package}: serving {serving.version} after {time.monotonic() - began:.1f} s")
    return HEALTHY if well else NOT_HEALTHY


def first(home: Home) -> bool:
    """Put a first release into service, with its site in nginx, which dpkg's configuration creates."""
    program = shutil.which("dpkg-reconfigure")
    if program is None:
        return Switch(home).undo()
    subprocess.run([program, home.package], check=False)
    return home.serving() is not None


def restart(home: Home, options: argparse.Namespace) -> int:
    """Restart the app's processes, which read their settings again."""
    del options
    root_only(home, "restart")
    emperor, release = emperor_of(home), home.serving()
    if release and stands_in(home, release):
        Switch(home).settle()
        if not stands_in(home, release):
            return 0
        why = f"{emperor.unit} does not start, {emperor.trial_unit} still serves"
    elif not emperor.restart():
        why = "the restart failed"
    elif release and (
        problem := emperor.wait_healthy(emperor.serving(release), release.health_timeout, settled=True)
    ):
        why = f"it was restarted, but is not healthy: {problem}"
    else:
        return 0
    say(f"{home.package}: {why}; see: {sudo()}{home.package} status", error=True)
    return 1


def run(home: Home, options: argparse.Namespace) -> int:
    """Run a command in the app's sandbox, as its user."""
    return inside(home, f"run {options.command}", [options.command, *options.arguments])


def shell(home: Home, options: argparse.Namespace) -> int:
    """Open a shell in the app's sandbox, as its user."""
    del options
    prompt = rf"PS1=({home.package}) \w\$ "
    return inside(home, "shell", ["/usr/bin/env", prompt, "/bin/bash", "--noprofile", "--norc", "-i"])


def inside(home: Home, what: str, argv: list[str]) -> int:
    """Run ``argv`` in the app's environment, with this process's terminal or files; return its status."""
    root_only(home, what)
    name = home.installed().user
    try:
        pwd.getpwnam(name)
    except KeyError:
        raise RequestError(f"the user {name} does not exist; install the package again") from None
    release = home.serving()
    if release is None:
        raise RequestError(f"no release is served: {sudo()}{home.package} status")
    program = shutil.which(argv[0], path=environment.variables(release, {})["PATH"])
    if program is None:
        raise RequestError(f"there is no command '{printable(argv[0])}'.")
    terminal = all(os.isatty(number) for number in (0, 1, 2))
    return task.for_person(home, release, [program, *argv[1:]], terminal=terminal)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Home.of(Path(__file__))))
