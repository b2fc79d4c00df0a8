"""What uv is asked: to resolve, to name files, to convert its own lock."""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from debonair.errors import Error, LockError, MachineError, NetworkError
from debonair.lock.pins import seed
from debonair.run import CommandError, Completed, find, run

Runner = Callable[..., Completed]

_NETWORK = re.compile(
    "failed to fetch|error sending request|dns error|could not connect|timed out|connectivity is disabled",
    re.IGNORECASE,
)
_UNSOLVABLE = re.compile(r"No solution found", re.IGNORECASE)
_NO_COMPILER = {"CC": "false", "CXX": "false"}
_COMMAND = ("--custom-compile-command", "debonair lock")


@dataclass(frozen=True)
class Uv:
    """uv, for the project in ``root``, with the variables in ``environ``."""

    root: Path
    environ: Mapping[str, str]
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
    ) -> bytes:
        """Resolve ``requirements`` for every platform and every Python from ``python`` on.

        The format of the result, text in UTF-8, is that of the name of ``previous``: ``pylock.toml``
        (PEP 751), or ``requirements.txt``, without hashes (uv lists those of every file only in the
        other). Versions that stand in ``previous``, if it exists, are kept where they can be, unless
        ``upgrade``; if it does not exist, those of ``versions`` are. ``constraints`` hold for a package
        if anything asks for it. ``previous`` itself is not written.
        Raises ``LockError`` if the requirements cannot be met, ``NetworkError`` if the index cannot be
        reached.
        """
        pylock = previous.name.startswith("pylock")
        words = ["--format", "pylock.toml"] if pylock else ["--no-annotate", "--no-header"]
        words += ["--upgrade"] if upgrade else []
        with tempfile.TemporaryDirectory(prefix="debonair-") as folder:
            if constraints:
                bounds = Path(folder) / "constraints.txt"
                bounds.write_text("\n".join(constraints) + "\n", encoding="utf-8")
                words += ["--constraints", str(bounds)]
            before = seed(versions) if pylock and versions and not previous.is_file() else b""
            return self._compile("\n".join(requirements), python, previous, words, before)

    def files(self, pins: Iterable[str], python: str) -> bytes:
        """Return a ``pylock.toml`` that names the files of ``pins`` (``name==version; marker``).

        Lines that say where the index is may stand among the pins. Raises as ``lock`` does.
        """
        return self._compile(
            "\n".join(pins), python, Path("pylock.toml"), ["--no-deps", "--format", "pylock.toml"]
        )

    def export(self) -> bytes:
        """Return the project's ``uv.lock`` as a ``pylock.toml``, fetching nothing. Raises ``LockError``."""
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

    def relock(self, *, upgrade: bool = False) -> None:
        """Write the project's ``uv.lock`` anew. Raises ``LockError`` and ``NetworkError``."""
        self._uv(["lock", "-q", *(["--upgrade"] if upgrade else [])])

    def build(self, sdist: Path, out: Path, epoch: int) -> Path:
        """Build the wheel of ``sdist`` in the folder ``out``, without a compiler, and return it.

        Everything in the wheel is dated ``epoch`` (seconds), as far as the sdist's build backend obeys
        SOURCE_DATE_EPOCH; what builds without a compiler must not depend on whether this machine has one.
        Raises ``LockError`` if it does not build, ``NetworkError`` if its build
        backend cannot be fetched.
        """
        self._with_index(
            ["build", "--wheel", "-q", "--python", sys.executable, "--out-dir", out, sdist],
            env={"SOURCE_DATE_EPOCH": str(epoch), "PYTHONHASHSEED": "0", **_NO_COMPILER},
        )
        return next(out.glob("*.whl"))

    def _compile(
        self, text: str, python: str, previous: Path, words: list[str], before: bytes = b""
    ) -> bytes:
        """Run ``uv pip compile`` on ``text`` in a folder of its own and return what it wrote.

        It keeps to the versions in ``previous``, or in ``before`` if that does not exist.
        """
        with tempfile.TemporaryDirectory(prefix="debonair-") as folder:
            out = Path(folder) / previous.name
            if previous.is_file():
                out.write_bytes(previous.read_bytes())
            elif before:
                out.write_bytes(before)
            versions = ["--python-version", python, "--python", sys.executable]
            self._with_index(
                ["pip", "compile", "--universal", *versions, *_COMMAND, *words, "-q", "-o", out, "-"],
                stdin=(text + "\n").encode(),
            )
            return out.read_bytes()

    def _with_index(
        self,
        words: list[str | Path],
        *,
        stdin: bytes | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        """Run uv with the machine's index; with its folders too if it does not go without them."""
        from debonair.lock import index  # noqa: PLC0415 - a warm build asks uv nothing

        said = index.of(self.environ, self.root)
        trust = {"SSL_CERT_FILE": said.certificate} if said.certificate else {}
        if self.environ.get("SSL_CERT_FILE"):
            trust = {}
        env = {**trust, **(env or {})}
        try:
            self._uv([*words, *said.options(local=False)], stdin=stdin, env=env)
        except LockError:
            if not said.has_local or said.alone:
                raise
            self._uv([*words, *said.options(local=True)], stdin=stdin, env=env)

    def _uv(
        self,
        words: list[str | Path],
        *,
        stdin: bytes | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        """Run uv where its configuration for the project is found."""
        try:
            self.runner(
                [program(), *words], cwd=self.root, stdin=stdin, env={**self.environ, **(env or {})}
            )
        except CommandError as failed:
            raise _explained(failed, str(words[0])) from failed


def program() -> str:
    """Return the path of uv: the one installed beside Debonair, else one on PATH.

    Raises ``MachineError`` if there is none.
    """
    beside = Path(sys.executable).parent / "uv"
    if beside.exists():
        return str(beside)
    try:
        from uv import find_uv_bin  # noqa: PLC0415 - only where uv must be asked

        return find_uv_bin()
    except (ImportError, FileNotFoundError):
        pass
    try:
        return find("uv")
    except MachineError as missing:
        raise MachineError(
            "The program 'uv' is not on this machine; it resolves the requirements.",
            hint="Install it where Debonair is: pipx inject debonair uv (or pip install uv)",
        ) from missing


def _explained(failed: CommandError, verb: str) -> Error:
    """Return the error that says what uv's failure means to the user."""
    said = failed.output.strip()
    said = re.sub(r"^error: ", "", said)
    if _NETWORK.search(said) and not _UNSOLVABLE.search(said):
        last = said.splitlines()[-1].strip().removeprefix("cause: ")
        address = re.search(r"https?://([^/\s`]+)", said)
        return NetworkError(
            f"The package index{f' at {address[1]}' if address else ''} could not be reached: {last}.",
            hint="Connect to the network, or set the index that pip or uv is to use.",
        )
    if _UNSOLVABLE.search(said):
        return LockError(
            f"The requirements cannot be met. uv says: {said}",
            hint="Change the requirements so that they can be met together, then type 'debonair lock'.",
        )
    if built := re.search(r"Failed to build `?([\w.-]+)(?:==([^\s`]+))?", said):
        name, version = built[1], built[2] or ""
        lines = [line.strip() for line in said.splitlines() if line.strip() and "hint:" not in line]
        return LockError(
            f"{name} {version} cannot be built, not even to find out what it needs: {lines[-1]}",
            hint=f"It may be too old for today's Python: ask for a newer {name}, or for any, in the "
            "requirements.",
        )
    return LockError(f"'uv {verb}' failed. It says: {said or failed.message}")
