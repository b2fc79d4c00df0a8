"""Propose the first settings of a project: its detected traits, in as few keys as possible."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from debonair import lock
from debonair.errors import ProjectError
from debonair.host.run import run
from debonair.init import model
from debonair.init.discovery import (
    application,
    data_files,
    declared,
    django,
    environment,
    identity,
    launches,
    one_process,
    pages,
    programs,
    server,
    streamlit,
    streams,
    traits,
    writes,
)
from debonair.init.discovery.application import Ask
from debonair.init.discovery.callables import Callables
from debonair.init.discovery.code import Module, modules, nameless
from debonair.init.discovery.code_change import Change
from debonair.init.discovery.finding import Finding
from debonair.init.discovery.identity import Runner
from debonair.init.discovery.needs import needs as imported_packages
from debonair.init.discovery.needs import reached, requirements_text
from debonair.init.imports import files
from debonair.init.model import REQUIREMENTS, Draft
from debonair.project import dependencies, inputs, legacy_metadata, reader, settings
from debonair.target import load

_SAYING = ("Pipfile", "Pipfile.lock", "pylock.toml", "uv.lock", "poetry.lock", "pdm.lock")
"""Files, in addition to requirements files, that declare what a project needs."""


def draft(
    root: Path,
    environ: Mapping[str, str],
    *,
    entry: str = "",
    foreign: Sequence[Path] = (),
    ask: Ask | None = None,
    runner: Runner = run,
) -> Draft:
    """Return the proposal for the project in the folder ``root``.

    ``entry`` is the WSGI callable, if given. ``foreign`` are files of other tools, in addition to those at
    their usual places. ``ask`` chooses between applications that are equally likely. Raises
    ``ProjectError`` if there is no application, if several are equally likely and ``ask`` is missing, and
    for a file that cannot be read.
    """
    given = _read(root)
    file, table, stated = given.file, given.table, given.stated
    code, broken = modules(root)
    callables = Callables(code)
    imported, unread = files.imported(root, foreign)
    asked = None if table else ask

    needs, notes, groups = _needs(root, given)
    required = {declared.name_of(line) for found in needs for line in found.value}
    chosen = application.choose(
        root,
        callables,
        imported,
        entry=entry or (table or {}).get("wsgi", ""),
        source="--wsgi" if entry else file.name,
        scripts=stated.get("scripts", {}),
        required=required,
        broken=broken,
        started=launches.find([*code, *nameless(root)], [each.text for each in imported.accounts]),
        ask=asked,
    )
    chosen, of_process = one_process.settings(chosen, code, required, needs[0].where if needs else "")
    imported_findings, more = application.settings_of(imported, root)
    chosen, imported_findings, of_streams = streams.settings(
        chosen, one_process.fitting(imported_findings, chosen), code
    )
    more = [*application.passed_over(imported, chosen, root), *more] if not entry and not table else more
    proposed = ""
    serves = any(found.key for found in chosen)
    if not serves:
        more.append(application.unserved(callables))
    if not notes:  # otherwise there may be requirements that cannot be read
        proposed, needs, notes = _proposed(root, file, needs, code, [*chosen, *imported_findings])
    notes += groups + more
    chosen, more = server.require(chosen, needs, locked=lock.find(root) is not None)
    if not any(server.program(chosen) in note for note in notes):
        notes += more
    required = {declared.name_of(line) for found in needs for line in found.value}
    hardware, more = traits.hardware(code, required)
    notes += [*more, *of_process, *of_streams, *declared.replaced(root, needs, code, chosen)]
    of_django, changes = django.look(root, code)
    of_streamlit, about_streamlit = streamlit.settings(root, chosen)
    findings = _merged(
        chosen,
        _identity(root, given, serves=serves, environ=environ, runner=runner),
        needs,
        identity.targets(stated, given.source),
        programs.added(hardware, code, required),
        traits.proc(code),
        traits.static(code, root),
        pages.health(code, reached(code, [str(found.value) for found in chosen])) if serves else [],
        of_django,
        of_streamlit,
        traits.migrations(code, root),
        _install(code, stated),
        imported_findings,
    )
    python = load(_targets(findings)[0]).python_version
    findings, led, more = _with_data(root, code, findings, [*chosen, *imported_findings])
    changes = _unled(changes, led)
    notes += [
        *more,
        *(f"Not read: {reason}." for reason in broken),
        *(change.note for change in changes),
    ]
    restored = _restored(root, code, python, required)
    findings += restored
    notes += [
        *traits.traps(code, python, led, restored=bool(restored)),
        *environment.unset(root, code, *_given(findings)),
        *traits.left_out(code, root),
        *traits.pins(_lines(needs), python),
        *about_streamlit,
        *launches.kept(root, chosen),
        *unread,
        *imported.warnings,
    ]
    kinds = [str(found.value) for found in findings if found.key == ("server",)]
    notes += imported.when_served_by.get(kinds[-1] if kinds else "uwsgi", ()) if serves else ()
    prefix = "tool.debonair" if file.name == "pyproject.toml" else ""
    findings, more = _fit(environment.named(findings))
    notes += more
    return Draft(
        root,
        file,
        table is not None,
        tuple(findings),
        imported,
        tuple(notes),
        model.text(findings, file, prefix),
        proposed,
        tuple(changes),
        tuple(launches.missing(root, chosen)),
    )


@dataclass(frozen=True)
class _Given:
    """The project's own metadata and settings."""

    file: Path
    """The file that has the settings, or will have them."""
    table: dict[str, Any] | None
    """The settings; None if the project does not have any yet."""
    tables: Mapping[str, Any]
    """All of pyproject.toml."""
    stated: Mapping[str, Any]
    """The table ``[project]``, or the same keys from an older format."""
    older: Mapping[str, Any]
    """The keys from an older format."""
    source: str
    """The name of the file with the keys in ``stated``."""


def _read(root: Path) -> _Given:
    """Return what the files in ``root`` state. Raises ``ProjectError`` if one cannot be read."""
    tables = inputs.tables(root)
    pyproject, bare = root / "pyproject.toml", root / "debonair.toml"
    has_debonair_toml = reader.is_file(bare)
    table = reader.toml(bare, root) if has_debonair_toml else tables.get("tool", {}).get("debonair")
    file = bare if has_debonair_toml or (table is None and "project" not in tables) else pyproject
    older, source = legacy_metadata.project(root, tables)
    stated, source = (tables["project"], "pyproject.toml") if "project" in tables else (older, source)
    return _Given(file, table, tables, stated, older, source)


def _with_data(
    root: Path, code: Sequence[Module], findings: list[Finding], runs: Sequence[Finding]
) -> tuple[list[Finding], set[str], list[str]]:
    """Return ``findings`` with the paths that the code in ``runs`` writes, where in the code, and notes."""
    if not any(found.key in {("wsgi",), ("command",)} for found in runs) or any(
        found.key == ("install",) and found.value != "files" for found in findings
    ):
        return findings, set(), []
    of_data, places, notes = writes.find(root, reached(code, [str(found.value) for found in runs]))
    findings, shipped = data_files.left_out(root, _merged(findings, of_data))
    findings, unserved = data_files.served_by_app(findings)
    return findings, places, [*notes, *shipped, *unserved]


def _restored(
    root: Path, code: Sequence[Module], python: tuple[int, int], required: Collection[str]
) -> list[Finding]:
    """Return the packages that have removed modules; none with a uv.lock, which cannot have them."""
    return [] if reader.is_file(root / "uv.lock") else traits.restored(code, python, required)


def _unled(changes: Sequence[Change], led: Collection[str]) -> list[Change]:
    """Return ``changes`` except those of databases in files whose writes are ``led`` to the data folder."""
    files = {place.rpartition(":")[0] for place in led}
    return [each for each in changes if each.setting != "DATABASES" or str(each.path) not in files]


def _fit(findings: Sequence[Finding]) -> tuple[list[Finding], list[str]]:
    """Return those of ``findings`` that can be settings, and sentences about the others."""
    kept, notes = list[Finding](), list[str]()
    for found in findings:
        values = found.value if isinstance(found.value, list) else [found.value]
        texts = [text for text in (*found.key, *values) if isinstance(text, str)]
        if wrong := next(filter(None, map(reader.unfit, texts)), ""):
            notes.append(
                f"{found.where}: '{found.name}' was left out, because it {wrong}. A setting is one line."
            )
        else:
            kept.append(found)
    return kept, notes


def _identity(
    root: Path, given: _Given, *, serves: bool, environ: Mapping[str, str], runner: Runner
) -> list[Finding]:
    stated, source = given.stated, given.source
    package = identity.package(root, stated, source, serves=serves)
    return [
        package,
        identity.version(root, stated, given.tables, source),
        identity.description(root, stated, package.value, source),
        identity.maintainer(root, stated, source, environ, runner),
    ]


def _needs(root: Path, given: _Given) -> tuple[list[Finding], list[str], list[str]]:
    """Return the requirements; if they cannot be read, none and the reason; and notes about groups."""
    try:
        found = dependencies.of(
            root,
            given.file,
            project=given.tables.get("project", {}),
            tables=given.tables,
            older=given.older,
            older_file=given.source,
        )
    except ProjectError as wrong:
        return [], [f"{wrong.message} {wrong.hint}"], []
    lines = [Finding("requirements", list(found.requirements), found.source)] if found.source else []
    return lines, [], list(found.notes)


def _proposed(
    root: Path, file: Path, needs: list[Finding], code: Sequence[Module], runs: Sequence[Finding]
) -> tuple[str, list[Finding], list[str]]:
    """Return requirements from the imports in ``runs`` if no file declares any; the findings; and notes."""
    has_needs = any(found.value for found in needs)
    if has_needs or any(reader.is_file(root / name) for name in (*dependencies.FILES, *_SAYING)):
        return "", needs, []
    if not needs and any(named := declared.included(root)):
        return named
    import_paths = [
        str(found.value) for found in runs if found.key[:1] == ("uwsgi",) and found.key[-1] == "pythonpath"
    ]
    folders = [root / "src" if (root / "src").is_dir() else root, *(root / name for name in import_paths)]
    found = imported_packages(code, [str(item.value) for item in runs], folders)
    own_server = server.program(runs)
    names = list(dict.fromkeys([*(need.package for need in found), *filter(None, [own_server])]))
    if not names or (needs and not found):
        return "", needs, []
    if needs:
        listed = ", ".join(f'"{name}"' for name in names)
        note = (
            f"{needs[0].where} lists no dependencies, but {found[0].where} imports {found[0].imported}. If "
            f"nothing else installs it, add it there: dependencies = [{listed}]"
        )
        return "", needs, [note]
    note = (
        "No file lists the app's dependencies. Debonair wrote requirements.txt from the app's imports; "
        "check it before you build."
    )
    why = f"{REQUIREMENTS}, from the app's imports"
    return requirements_text(found, own_server), [Finding("requirements", names, why)], [note]


def _lines(needs: Sequence[Finding]) -> list[str]:
    return [line for found in needs for line in found.value]


def _install(code: Sequence[Module], stated: Mapping[str, Any]) -> list[Finding]:
    where = traits.asks_for_itself(code, str(stated.get("name", "")))
    return [Finding("install", "wheel", where, ("install",))] if where else []


def _merged(*groups: Sequence[Finding]) -> list[Finding]:
    """Return all findings; the last one of a key wins, but the contents of [project] stay."""
    by_key = dict[tuple[str, ...], Finding]()
    stated = {found.name for group in groups for found in group if not found.key}
    for number, found in enumerate(found for group in groups for found in group):
        if found.key and found.name in stated:
            continue
        by_key[found.key or (str(number),)] = found
    return list(by_key.values())


def _targets(findings: Sequence[Finding]) -> list[str]:
    choices = [found.value for found in findings if found.key == ("targets",)]
    return list(choices[-1] if choices else settings.defaults()["targets"])


def _given(findings: Sequence[Finding]) -> tuple[set[str], str]:
    """Return the variables that the settings have, and the name of the package."""
    names = {found.key[-1] for found in findings if found.key[:2] == ("service", "environment")}
    return names, next(str(found.value) for found in findings if found.name == "package")
