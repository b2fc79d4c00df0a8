"""The tasks that this machine may be able to do, and how to find out.

A check does the first step of its task, because a program that is present may lack the rights to do its
work.
"""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from debonair import target
from debonair.debian import mirror as mirrors
from debonair.debian.apt import host_architecture
from debonair.debian.rootfs import emulation, isolation
from debonair.debian.rootfs.privilege import Privilege
from debonair.errors import MachineError
from debonair.host import run, sandbox
from debonair.host.cache import Cache
from debonair.lock.uv import Uv, program
from debonair.wheels import describe

Check = Callable[[Cache, Mapping[str, str]], tuple[str, str]]
"""Returns how the machine does a task, and a hint or nothing; raises ``Error`` if it cannot do it."""

ROOM = 1_000_000_000
"""Bytes that the Debian for trials, the wheels of an app and its packed layers take together."""
_HURRY = {"UV_HTTP_TIMEOUT": "10", "UV_HTTP_RETRIES": "0"}


@dataclass(frozen=True)
class Task:
    """Something that Debonair does on a machine."""

    what: str
    check: Check


def _cache(cache: Cache, environ: Mapping[str, str]) -> tuple[str, str]:
    del environ
    folder = cache.folder("locks")
    free = shutil.disk_usage(folder).free
    if free < ROOM:
        raise MachineError(
            f"{cache.root} has {free / 1e9:.1f} GB of free disk space, and needs {ROOM / 1e9:.0f} GB.",
            hint="Free some: debonair cache prune --older-than 30d. Or choose another folder: "
            "DEBONAIR_CACHE=DIR debonair ...",
        )
    return f"{cache.root}, {free / 1e9:.1f} GB free", ""


def _lock(cache: Cache, environ: Mapping[str, str]) -> tuple[str, str]:
    del cache
    uv = program()
    Uv(Path.cwd(), {**_HURRY, **environ}, describe).files(["pip"], "3.11")
    return f"{uv} resolves, and the package index can be reached", ""


def _mirror(cache: Cache, environ: Mapping[str, str]) -> tuple[str, str]:
    del cache
    run.find("apt-get")
    found = mirrors.mirror(environ)
    mirrors.reach(found, next(reversed([each.name for each in target.suites().values() if each.released])))
    return f"apt can reach {found.uri}", ""


def _sdists(cache: Cache, environ: Mapping[str, str]) -> tuple[str, str]:
    del cache
    found = sandbox.needed(environ, "Sdists are built")
    if not found.kind:
        return "without a sandbox, because DEBONAIR_ALLOW_UNSANDBOXED_SDISTS is set", ""
    return f"in a sandbox of {found.kind}", ""


def _emulate(cache: Cache, environ: Mapping[str, str]) -> tuple[str, str]:
    del cache, environ
    found = emulation.check(host_architecture())
    return f"qemu-user runs programs for {' and '.join(found)}", ""


def _try(cache: Cache, environ: Mapping[str, str]) -> tuple[str, str]:
    del cache, environ
    run.find("mmdebstrap")
    degree = isolation.granted(privilege := Privilege.here())
    if privilege.root and privilege.mounts and degree.is_foreign:
        run.find("systemd-nspawn")
        return "a Debian boots with systemd", ""
    hint = "" if privilege.root else "To boot a Debian with systemd: sudo debonair try ..."
    return f"a Debian is entered {degree.value}, without systemd", hint


def _publish(cache: Cache, environ: Mapping[str, str]) -> tuple[str, str]:
    del cache, environ
    for each in ("gpg", "gpgconf", "gpgv"):
        run.find(each)
    return "GnuPG signs, in a folder of this machine", ""


def _ssh(cache: Cache, environ: Mapping[str, str]) -> tuple[str, str]:
    del cache, environ
    return f"{run.find('ssh')} connects, if 'ssh HOST true' works without a question", ""


def _bucket(cache: Cache, environ: Mapping[str, str]) -> tuple[str, str]:
    del cache, environ
    if importlib.util.find_spec("obstore") is None:
        raise MachineError(
            "The library for buckets is not installed.",
            hint="Install it in the folder of Debonair's source code: pipx install --force '.[bucket]'",
        )
    return "the library for buckets is installed", ""


TASKS: Mapping[str, Task] = {
    "cache": Task("keep downloads and built parts", _cache),
    "lock": Task("resolve and download Python packages", _lock),
    "build": Task("download Debian's lists, for the bytecode and the dependencies of a deb", _mirror),
    "sdists": Task("build Python packages from source", _sdists),
    "try": Task("run a Debian", _try),
    "emulate": Task("run a Debian for ARM, on another processor", _emulate),
    "publish": Task("sign a repository", _publish),
    "ssh": Task("publish to another machine", _ssh),
    "bucket": Task("publish to a bucket", _bucket),
}
"""Every task by its name, in the order of work."""
