"""Find the packages of Debian with programs and libraries that the app's Python packages need."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from debonair.init.discovery import time_zones
from debonair.init.discovery.code import Module
from debonair.init.discovery.finding import Finding
from debonair.project.catalogue import known

_KEY = ("depends",)


def added(
    findings: Sequence[Finding], modules: Sequence[Module], required: Collection[str]
) -> list[Finding]:
    """Return ``findings``, whose setting ``depends`` also has the packages that the app needs.

    ``required`` has the normalised names of the requirements.
    """
    imported = {name: f"{module.path}:{line}" for module in modules for name, line in module.imports()}
    tops = {name.partition(".")[0]: where for name, where in reversed(imported.items())}
    own = {module.name.partition(".")[0] for module in modules}
    found = dict[str, str]()
    for name, program in known().programs.items():
        if program.module in tops and program.module not in own:
            where = f"{tops[program.module]} imports {program.module}"
        elif name in required:
            where = f"{name}, a requirement"
        else:
            continue
        found |= {package: found.get(package, where) for package in program.debian}
    found |= time_zones.legacy(modules)
    if not found:
        return list(findings)
    before = next((each for each in findings if each.key == _KEY), None)
    if before is None:
        return [*findings, Finding("Debian packages", sorted(found), next(iter(found.values())), _KEY)]
    both = replace(before, value=sorted({*before.value, *found}))
    return [both if each is before else each for each in findings]
