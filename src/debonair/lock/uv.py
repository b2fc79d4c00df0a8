"""Run uv: to resolve requirements, to name files, and to convert its own lock."""

from __future__ import annotations

import re
import shlex
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from debonair.errors import Error, LockError, MachineError, NetworkError
from debonair.host.progress import ticking
from debonair.host.run import CommandError, Completed, find, run
from debonair.host.sandbox import allowed
from debonair.host.sandbox import find as find_sandbox
from debonair.lock.other_locks import seed
from debonair.lock.sdist_metadata import Describe, NoBuildOptions, Unbuilt, UnknownNeedsError

if TYPE_CHECKING:
    from debonair.lock.index_config import Index
    from debonair.lock.model import File

Runner = Callable[..., Completed]

_NETWORK = re.compile(
    "failed to fetch|error sending request|dns error|could not connect|timed out|connectivity is disabled",
    re.IGNORECASE,
)
_GIT = re.compile(
    r"Failed to (?:download and )?build `([\w.-]+) @ git\+([^`\s]+)`.*Git operation failed", re.DOTALL
)
_UNSOLVABLE = re.compile(r"No solution found", re.IGNORECASE)
_ABSENT = re.compile(
    r"([\w.-]+) was not found in the package registry(?: and (?:all versions of )?(\S+) depends? on \1\b)?"
)
_SECONDS = 1800
_COMMAND = ("--custom-compile-command", "debonair lock")


@dataclass(frozen=True)
class Uv:
    """uv, for the project in ``root``, with the variables in ``environ``."""

    root: Path
    environ: Mapping[str, str]
    describe: Describe
    """Returns the metadata of an sdist that would otherwise have to run."""
    runner: Runner = field(default=run)

    def lock(
        self,
        requirements: Iterable[str],
        python: str,
        previous: Path,
        *,
        upgrade: bool = False,
        constraints: Sequence[str] = (),
        versions: Mapping[str, str] = {},
        prereleases: bool = False,
    ) -> bytes:
        """Resolve ``requirements`` for every platform and every Python from ``python`` on.

        The result is text in UTF-8. Its format follows from the name of ``previous``: ``pylock.toml`` (PEP
        751), or ``requirements.txt`` without hashes, because uv lists the hashes of every file only in the
        other.

        Versions in ``previous`` are kept if possible, unless ``upgrade``. If it does not exist,
        ``versions`` are kept instead. ``previous`` itself is not written. ``constraints`` apply to a
        package if another one needs it. ``prereleases`` allows versions that are not final.

        Raises ``LockError`` if the requirements cannot be met, and ``NetworkError`` if the index cannot be
        reached.
        """
        pylock = previous.name.startswith("pylock")
        words = ["--format", "pylock.toml"] if pylock else ["--no-annotate", "--no-header"]
        words += ["--upgrade"] if upgrade else []
        words += ["--prerelease", "allow"] if prereleases else []
        with tempfile.TemporaryDirectory(prefix="debonair-") as folder:
            if constraints:
                bounds = Path(folder) / "constraints.txt"
                bounds.write_text("\n".join(constraints) + "\n", encoding="utf-8")
                words += ["--constraints", str(bounds)]
            before = seed(versions) if pylock and versions and not previous.is_file() else b""
            return self._compile("\n".join(requirements), python, previous, words, before)

    def files(self, pins: Iterable[str], python: str) -> bytes:
        """Return a ``pylock.toml`` that names the files of ``pins`` (``name==version; marker``).

        The pins may include lines about indexes. Raises the same errors as ``lock``.
        """
        return self._compile(
            "\n".join(pins), python, Path("pylock.toml"), ["--no-deps", "--format", "pylock.toml"]
        )

    def lowest(
        self, requirements: Iterable[str], python: str, platform: str, *, wheels_of: Iterable[str]
    ) -> dict[str, str]:
        """Return the lowest versions of ``requirements`` that fit one ``python`` and ``platform`` of uv.

        The result also has the versions of the packages that they need, as high as possible, by their
        normalised names. Only wheels count for ``wheels_of``. Raises the same errors as ``lock``.
        """
        words = ["--no-annotate", "--no-header", "--resolution", "lowest-direct"]
        for name in wheels_of:
            words += ["--only-binary", name]
        where = ["--python-platform", platform]
        file = Path("lowest.txt")
        text = self._compile("\n".join(requirements), python, file, words, where=where).decode()
        return dict(re.findall(r"^([\w.-]+)==([^\s;]+)", text, re.MULTILINE))

    def export(self) -> bytes:
        """Return the project's ``uv.lock`` as a ``pylock.toml``, without fetching. Raises ``LockError``."""
        with tempfile.TemporaryDirectory(prefix="debonair-") as folder:
            out = Path(folder) / "pylock.toml"
            self._uv(
                [
                    "export",
                    "--frozen",
                    "--no-emit-project",
                    "--no-dev",
                    "--format",
                    "pylock.toml",
                    "-q",
                    "-o",
                    out,
                ],
            )
            return out.read_bytes()

    def relock(self, python: str, *, upgrade: bool = False) -> None:
        """Renew the project's ``uv.lock``; ``python`` is one that it supports, such as ``3.13``.

        Raises ``NetworkError``. Raises ``LockError`` also if strangers' code would have to run: uv would
        write the metadata that it got from elsewhere to the lock.
        """
        words: list[str | Path] = ["lock", "-q", *(["--upgrade"] if upgrade else [])]
        if not self._guarded:
            self._uv(words)
            return
        with tempfile.TemporaryDirectory(prefix="debonair-") as folder:
            try:
                self._uv(
                    [*words, *NoBuildOptions(Path(folder), self.environ, self.describe, python).words()]
                )
            except UnbuiltError as failed:
                raise LockError(
                    f"uv.lock cannot be renewed here: uv would run {failed.one.name} to determine its "
                    "requirements, with access to your files and your network.",
                    hint="If you trust it, run 'uv lock', which does that; then build.",
                ) from failed

    def _compile(
        self,
        text: str,
        python: str,
        previous: Path,
        words: list[str],
        before: bytes = b"",
        *,
        where: Sequence[str] = ("--universal",),
    ) -> bytes:
        """Run ``uv pip compile`` on ``text`` in a folder of its own and return the file that it wrote.

        It keeps the versions in ``previous``, or in ``before`` if ``previous`` does not exist.
        """
        from debonair.lock import index_config  # noqa: PLC0415 - a warm build does not run uv

        with tempfile.TemporaryDirectory(prefix="debonair-") as folder:
            out = Path(folder) / previous.name
            if previous.is_file():
                out.write_bytes(previous.read_bytes())
            elif before:
                out.write_bytes(before)
            command: list[str | Path] = ["pip", "compile", *where, "--python-version", python]
            command += [*_COMMAND, *words, "-q", "-o", out, "-"]
            index = index_config.of(self.environ, self.root)
            try:
                self._resolve(text, python, [*command, *index.options(local=False)], index, Path(folder))
            except LockError:
                if not index.has_local or index.alone:
                    raise
                self._resolve(text, python, [*command, *index.options(local=True)], index, Path(folder))
            return out.read_bytes()

    def _resolve(self, text: str, python: str, words: list[str | Path], index: Index, folder: Path) -> None:
        """Run uv with the machine's index configuration ``index`` until it has all necessary metadata."""
        trust = {"SSL_CERT_FILE": index.certificate} if index.certificate else {}
        if self.environ.get("SSL_CERT_FILE"):
            trust = {}
        stdin = (text + "\n").encode()
        if not self._guarded:
            self._uv([*words, "--python", sys.executable], stdin=stdin, env=trust)
            return
        options = NoBuildOptions(folder, self.environ, self.describe)
        while True:
            try:
                self._uv([*words, *options.words()], stdin=stdin, env={**trust, **options.variables()})
            except UnbuiltError as failed:
                if "--no-deps" in words:  # then uv builds nothing
                    raise
                one = failed.one
                options.learn(one, None if one.url else self._sdist(one, python))
            else:
                return

    def _sdist(self, one: Unbuilt, python: str) -> File:
        """Return the sdist of ``one`` from the index."""
        from debonair.lock import pylock  # noqa: PLC0415

        data = self.files([f"{one.name}=={one.version}"], python)
        found = [each.sdist for each in pylock.read(data, Path("pylock.toml")).packages if each.sdist]
        if len(found) != 1:
            raise LockError(f"The index has neither a wheel nor an sdist of {one.name} {one.version}.")
        return found[0]

    @property
    def _guarded(self) -> bool:
        """True if uv must not build, because a sandbox builds instead, or nothing does."""
        return not allowed(self.environ) or find_sandbox()[0] is not None

    def _uv(
        self,
        words: list[str | Path],
        *,
        stdin: bytes | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        """Run uv in the project's folder, where it finds its configuration for the project."""
        from debonair.lock import index_config  # noqa: PLC0415 - a warm build does not run uv

        choices = index_config.own_choices(self.environ, self.root)
        try:
            with ticking("Resolving the requirements"):
                self.runner(
                    [program(), *words],
                    cwd=self.root,
                    stdin=stdin,
                    env={**self.environ, **choices, **(env or {})},
                    timeout=_SECONDS,
                )
        except CommandError as failed:
            if one := Unbuilt.of(failed.output):
                raise UnbuiltError(one, failed) from failed
            raise _explained(failed, str(words[0])) from failed


class UnbuiltError(LockError):
    """The error if uv would have had to run code of ``one``, which Debonair refused."""

    def __init__(self, one: Unbuilt, failed: CommandError) -> None:
        error = _explained(failed, "build")
        super().__init__(error.message, error.hint)
        self.one = one


def program() -> str:
    """Return the path of uv: the one installed beside Debonair, or else one on PATH.

    Raises ``MachineError`` if neither exists.
    """
    beside = Path(sys.executable).parent / "uv"
    if beside.exists():
        return str(beside)
    try:
        from uv import find_uv_bin  # noqa: PLC0415 - only if uv must run

        return find_uv_bin()
    except (ImportError, FileNotFoundError):
        pass
    try:
        return find("uv")
    except MachineError as missing:
        raise MachineError(
            "The program 'uv', which resolves the requirements, is not on this machine.",
            hint="Install it beside Debonair: pipx inject debonair uv (or pip install uv)",
        ) from missing


def _explained(failed: CommandError, verb: str) -> Error:
    """Return an error that explains uv's failure to the user."""
    output = failed.output.strip()
    output = re.sub(r"^error: ", "", output)
    if git := _GIT.search(output):
        return _unread(git[1], git[2], output)
    if _NETWORK.search(output) and not _UNSOLVABLE.search(output):
        last = output.splitlines()[-1].strip().removeprefix("cause: ")
        address = re.search(r"https?://([^/\s`]+)", output)
        return NetworkError(
            f"The package index{f' at {address[1]}' if address else ''} could not be reached: {last}.",
            hint="Connect to the network, or set the address of a mirror that you can reach "
            "(UV_DEFAULT_INDEX=ADDRESS).",
        )
    if _UNSOLVABLE.search(output):
        if absent := _ABSENT.search(" ".join(output.split())):
            return LockError(
                f"The package index has no package named '{absent[1]}'"
                f"{f', which {absent[2]} requires' if absent[2] else ''}.",
                hint="Correct its name in the requirements. If it is on an index of your own, set that "
                "(UV_INDEX=ADDRESS).",
            )
        return LockError(
            f"The requirements cannot be met together. uv reports: {output}",
            hint="Change the requirements, then run 'debonair lock'.",
        )
    if built := re.search(r"Failed to build `?([\w.-]+)(?:==([^\s`]+))?", output):
        name, version = built[1], built[2] or ""
        lines = [line.strip() for line in output.splitlines() if line.strip() and "hint:" not in line]
        return UnknownNeedsError(f"{name} {version}".strip(), name, lines[-1])
    return LockError(f"'uv {verb}' failed and printed: {output or failed.message}")


def _unread(name: str, address: str, output: str) -> Error:
    """Return the error for the package ``name``, whose git repository at ``address`` cannot be read."""
    scheme, _, place = address.partition("#")[0].partition("://")
    host, _, path = place.partition("/")
    path, at, ref = path.rpartition("@")
    repository = f"{scheme}://{host}/{path if at else ref}"
    # A stranger's project may have written the address.
    listing = f"git ls-remote {shlex.quote(repository)}"
    causes = [line.strip() for line in output.partition("--- stderr")[2].splitlines() if line.strip()]
    why = (causes or output.strip().splitlines()[-1:])[0].removeprefix("fatal: ").rstrip(".")
    if at and "remote ref" in why:
        return LockError(
            f"The git repository {repository} of {name} has no branch, tag or commit '{ref}'.",
            hint=f"Correct it in the requirements. List all of them: {listing}",
        )
    return NetworkError(
        f"The git repository {repository} of {name} could not be read over {scheme}: {why}.",
        hint=f"Check the network, and whether this account has access, by: {listing} - A lock needs a file "
        f"with a hash. So build a wheel of {name} and require its address, or publish it on your index.",
    )
