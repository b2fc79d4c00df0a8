"""Small debs to publish, built by the product's own writer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from debonair.deb import archive, tree
from debonair.deb.control import Control
from debonair.deb.tree import Source

EPOCH = 1_700_000_000


def make_deb(
    folder: Path,
    package: str = "hello",
    version: str = "1.0-1+deb13",
    architecture: str = "amd64",
    *,
    files: Mapping[str, str | bytes] | None = None,
    description: str = "It greets whoever comes.\n\nIn two paragraphs.",
    extra: Mapping[str, str] | None = None,
) -> Path:
    """Write a deb into ``folder`` and return its path."""
    texts = {f"usr/share/{package}/version": f"{version}\n"} if files is None else files
    sources = [
        Source.file(path, data.encode() if isinstance(data, str) else data, mtime=EPOCH)
        for path, data in texts.items()
    ]
    control = Control(
        package=package,
        version=version,
        architecture=architecture,
        maintainer="Ada <ada@example.org>",
        synopsis=f"{package} greets",
        description=description,
        section="web",
        extra=extra or {},
    )
    data = archive.write(control, tree.assemble([tree.layer("it", sources)], mtime=EPOCH), {}, mtime=EPOCH)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{package}_{version.partition(':')[2] or version}_{architecture}.deb"
    path.write_bytes(data)
    return path
