"""Obtain the metadata of sdists in a sandbox, so that uv need not run their code.

An sdist with ``setup.py`` reveals its requirements only when it runs, and uv would run it as the user. So
uv gets a Python that answers questions about itself and refuses to run anything else. For each sdist that
uv then fails to build, a sandbox produces the metadata (``wheels.pure``). uv receives them in its setting
``dependency-metadata``.
"""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from debonair.errors import LockError
from debonair.host import sandbox, toml
from debonair.host.cache import Cache

if TYPE_CHECKING:
    from debonair.lock.model import File

Describe = Callable[[Path, str, Cache, Mapping[str, str]], bytes]
"""Returns METADATA of the sdist at a path; errors name it by the text. Raises ``LockError``."""
MOST = 64
"""The most sdists that may have to run for one lock."""
_ANSWERER = """\
#!/bin/sh
# The Python for uv: it only describes itself.
case "$1 $2 $3 $4" in
    "-I -B -c import sys; sys.path = ["*"from python.get_interpreter_info import main; main()")
        {python} "$@" | sed {edits} ;;
    *) echo "sdists do not run here." >&2; exit 1 ;;
esac
"""
_LACKING = re.compile(
    r"header|\.h\b|pkg-?config|cannot find -l|\w+[-_]config\b|shared librar|development (?:files|package)"
    r"|\b(?:gcc|g\+\+|cc|cmake|ninja|rustc|cargo|swig|gfortran)\b"
    r"|Dependency .* not found|librar\w+ not found|Package '?[\w.+-]+'?[^\n]* not found",
    re.IGNORECASE,
)
"""Messages of builds that lack something of this machine, not of Python."""
_FAILED = re.compile(r"Failed to (?:download and )?build `([\w.-]+)(?:==([^`\s]+)| @ ([^`\s]+))`")


@dataclass(frozen=True)
class Unbuilt:
    """An sdist that uv could not inspect, identified by its name, and its version or its address."""

    name: str
    version: str = ""
    url: str = ""

    @classmethod
    def of(cls, output: str) -> Unbuilt | None:
        """Return the sdist that uv names in ``output``; None if uv did not fail for that."""
        found = _FAILED.search(output)
        if "Git operation failed" in output:  # then there is no sdist to inspect
            return None
        return cls(found[1], found[2] or "", found[3] or "") if found else None


@dataclass
class NoBuildOptions:
    """The options and settings with which uv builds nothing.

    They refer to files in ``folder``; ``environ`` is the user's environment.
    """

    folder: Path
    environ: Mapping[str, str]
    describe: Describe
    python: str = ""
    """The version that the Python shall report to uv; empty for the version of this one."""
    known: dict[Unbuilt, str] = field(default_factory=dict)
    """The metadata so far, in the format of uv's setting."""

    def words(self) -> list[str]:
        """Return the options for uv."""
        path = self.folder / "python"
        real = str(Path(sys.executable).absolute())
        # uv learns the path of the program from its answers, so the answers must contain this path alone.
        edits = [f's#"[^"]*/bin/python[0-9.]*"#"{path}"#g']
        if self.python:
            here = re.escape(".".join(map(str, sys.version_info[:3])))
            edits.append(f's#"{here}[^"]*"#"{self.python}.99"#g')
        text = _ANSWERER.format(
            python=shlex.quote(real), edits=" ".join(f"-e {shlex.quote(edit)}" for edit in edits)
        )
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)
        return ["--python", str(path), "--no-build-isolation"]

    def variables(self) -> dict[str, str]:
        """Return the environment for uv, with the user's settings and the metadata so far."""
        if not self.known:
            return {}
        config = self.environ.get("XDG_CONFIG_HOME") or str(Path(self.environ.get("HOME", "/")) / ".config")
        users = Path(config) / "uv/uv.toml"
        chosen, without = self.environ.get("UV_CONFIG_FILE"), self.environ.get("UV_NO_CONFIG")
        before = ""
        if chosen or not without:
            with suppress(OSError):
                before = (Path(chosen) if chosen else users).read_text(encoding="utf-8")
        file = self.folder / "config/uv/uv.toml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("\n".join([before, *self.known.values()]), encoding="utf-8")
        if chosen or without:
            return {"UV_CONFIG_FILE": str(file), "UV_NO_CONFIG": "0"}
        return {"XDG_CONFIG_HOME": str(file.parents[1])}

    def learn(self, one: Unbuilt, file: File | None) -> None:
        """Obtain the metadata of ``one``, whose sdist is ``file``; None if ``one`` has an address.

        Raises ``LockError`` if the metadata cannot be obtained. Raises ``NetworkError`` if the sdist or a
        package for its build cannot be fetched, and ``MachineError`` if this machine does not allow a
        sandbox.
        """
        from debonair.lock.download import fetch, keep  # noqa: PLC0415

        title = f"{one.name} {one.version or one.url}"
        if one in self.known or len(self.known) >= MOST:
            raise LockError(
                f"{title} cannot be locked: uv does not accept the metadata that its build backend "
                "returned."
            )
        sandbox.needed(self.environ, f"The requirements of {title} are determined")
        cache = Cache.of(self.environ)
        if file is None:
            if urlsplit(one.url).scheme not in ("http", "https", "file") or one.url.endswith("/"):
                raise LockError(
                    f"{title} is not an sdist, so its requirements can only be determined by running it "
                    "outside of the sandbox.",
                    hint=f"Build a wheel of {one.name} and require its address, or publish it on your "
                    "index.",
                )
            path = keep(one.url, cache, self.environ)
        else:
            (path,) = fetch([file], cache, self.environ)
        try:
            self.known[one] = _table(self.describe(path, title, cache, self.environ), one)
        except LockError as failed:
            raise UnknownNeedsError(title, one.name, failed.message) from None


class UnknownNeedsError(LockError):
    """The requirements of an sdist are unknown, because it cannot be built."""

    def __init__(self, title: str, name: str, why: str) -> None:
        if _LACKING.search(why):
            hint = (
                "Install what it lacks on this machine (Debian calls such packages libNAME-dev), or "
                f"require a version of {name} that has a wheel."
            )
        else:
            hint = f"It may be too old for the current Python. Require a newer {name}, or any version."
        super().__init__(f"{title} cannot be built, so its requirements are unknown: {why}", hint)


def _table(metadata: bytes, one: Unbuilt) -> str:
    """Return uv's setting for ``metadata``, which must be those of ``one``. Raises ``LockError``."""
    from packaging.metadata import InvalidMetadata, Metadata  # noqa: PLC0415 - slow to import
    from packaging.utils import canonicalize_name  # noqa: PLC0415
    from packaging.version import Version  # noqa: PLC0415

    try:
        # Validate only the fields below, because many old sdists have mistakes in others.
        fields = Metadata.from_email(metadata, validate=False)
        # uv trusts this setting by its name, so it must not describe another package.
        if canonicalize_name(fields.name) != canonicalize_name(one.name):
            raise LockError(f"its metadata has the name {fields.name[:100]!a}")
        if one.version and fields.version != Version(one.version):
            raise LockError(f"its metadata has the version {fields.version}")
        table = {
            "name": one.name,
            "version": str(fields.version),
            "requires-dist": [str(each) for each in fields.requires_dist or []],
            "requires-python": str(fields.requires_python or ""),
            "provides-extra": list(map(str, fields.provides_extra or [])),
        }
    except (InvalidMetadata, ExceptionGroup, ValueError) as wrong:
        raise LockError(f"its metadata is not valid: {wrong}") from None
    lines = [f"{key} = {toml.value(value)}" for key, value in table.items() if value]
    return "\n".join(["[[dependency-metadata]]", *lines, ""])
