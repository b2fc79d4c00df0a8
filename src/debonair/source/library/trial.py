"""Test the packages of libraries: install them in a fresh Debian, and import them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from debonair.deb import archive
from debonair.debian.rootfs.bed import Bed
from debonair.errors import TrialError
from debonair.host.cache import Cache
from debonair.target import Target

_PLACE = "usr/lib/python3/dist-packages/"
_LAST = 12


def check(debs: Sequence[Path], target: Target, cache: Cache, environ: Mapping[str, str]) -> None:
    """Install ``debs`` together in a Debian of ``target``, and import each of their modules there.

    Raises ``TrialError`` if either fails.
    """
    bed = Bed(cache, environ)
    with bed.open(target.suite, architecture=target.architecture) as machine:
        bed.stock(machine, *debs)
        inside = [f"/srv/{deb.name}" for deb in debs]
        for deb, path in zip(debs, inside, strict=True):
            machine.copy_in(deb, path)
        done = machine.run(["apt-get", "install", "--yes", *inside], check=False)
        if done.status:
            raise TrialError(f"apt cannot install it on {target.suite}:\n{_end(done.stdout + done.stderr)}")
        for deb in debs:
            for module in modules(deb):
                done = machine.run(["python3", "-c", f"import {module}"], check=False)
                if done.status:
                    raise TrialError(
                        f"{deb.name} is installed on {target.suite} ({target.architecture}), but its "
                        f"module {module} cannot be imported:\n"
                        f"{_end(done.stderr)}",
                        hint="It may need a Debian package that it does not declare, or the hardware of a "
                        "board.",
                    )


def modules(deb: Path) -> Iterator[str]:
    """Yield the names of the modules and packages that ``deb`` installs."""
    found = set[str]()
    for entry in archive.read(deb).entries:
        head, _, rest = entry.path.removeprefix(_PLACE).partition("/")
        if not entry.path.startswith(_PLACE) or entry.kind == "link":
            continue
        if rest == "__init__.py" or (not rest and head.endswith((".py", ".so"))):
            found.add(head.partition(".")[0])
    yield from sorted(name for name in found if name.isidentifier())


def _end(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.strip().splitlines()[-_LAST:])
