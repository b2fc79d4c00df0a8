"""The rendered texts of a package, which the cache keeps for the next build of the same project."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

from debonair import template
from debonair.host.cache import Cache
from debonair.host.memo import keep, recall
from debonair.project import Project
from debonair.target import Target


@contextmanager
def remembered(project: Project, target: Target, cache: Cache) -> Iterator[None]:
    """Fill only templates that changed, or get other values, since the last build for ``target``.

    Raises ``MachineError`` if the cache is not writable.
    """
    name = hashlib.sha256(f"{project.root}\n{project.package}\n{target.name}".encode()).hexdigest()
    path = cache.folder("texts") / name
    before = recall(path, dict[str, str], cache) or {}
    with template.knowing(before) as asked:
        yield
    if asked != before:
        keep(path, asked)
