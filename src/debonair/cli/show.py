"""The verbs that change nothing: they show a .deb, the targets, or the schema."""

from __future__ import annotations

import json
from pathlib import Path

import click

from debonair.cli.command import Verb
from debonair.cli.options import DEB, as_json, target_option
from debonair.cli.output import show
from debonair.errors import WheelError


@click.command(
    cls=Verb,
    examples=(
        "debonair targets",
        "debonair targets --pi zero2w",
    ),
)
@click.option(
    "--pi", metavar="MODEL", help="List only the targets of this Raspberry Pi, such as zero2w, 3 or 4."
)
@as_json
def targets(*, pi: str | None, as_json: bool) -> None:
    """List the targets that Debonair can build for."""
    import msgspec

    from debonair import target as known
    from debonair.target import board

    found = [known.load(name) for name in known.names()]
    if pi is not None:
        model = board.find(pi)
        if not as_json:
            show(model.as_text())
            return
        found = [target for some in model.targets().values() for target in some]
    if as_json:
        show(json.dumps([msgspec.to_builtins(target) for target in found], indent=2))
        return
    show(f"{'TARGET':<16} {'DEBIAN':<12} {'ARCH':<6} {'PYTHON':<7} INSTRUCTIONS")
    for target in found:
        debian = f"{target.debian_release} {target.suite}"
        show(
            f"{target.name:<16} {debian:<12} {target.architecture:<6} {target.python:<7} "
            f"{target.instruction_set}"
        )


@click.command(
    cls=Verb,
    examples=(
        "debonair inspect dist/guestbook_1.4-1+deb13_arm64.deb",
        "debonair inspect --json app.deb",
    ),
)
@click.argument("deb", type=DEB)
@as_json
def inspect(deb: Path, *, as_json: bool) -> None:
    """Show what a DEB contains.

    This prints the fields of its control file, and its files by origin, largest first.
    """
    from debonair.deb import inspection, reader_pool

    with reader_pool.Pool() as pool:
        found = inspection.inspect(deb, pool)
    show(json.dumps(found.as_json(), indent=2) if as_json else found.as_text())


@click.command(
    cls=Verb,
    examples=(
        "debonair check dist/*.deb",
        "debonair check -t bookworm-armv6 app.deb",
    ),
)
@click.argument("debs", nargs=-1, required=True, type=DEB)
@target_option(
    "Check for this target, such as trixie-arm64.  [default: the one that the DEB was built for]",
    multiple=False,
)
@as_json
def check(debs: tuple[Path, ...], target: str | None, *, as_json: bool) -> None:
    """Check that the compiled files in each DEB run on its target.

    DEB can be any Debian package.
    """
    from debonair import target as targets
    from debonair.deb import reader_pool
    from debonair.target import compatibility

    chosen = targets.load(target) if target else None
    with reader_pool.Pool(compatibility.JOB, bare=False, memory=compatibility.MEMORY) as pool:
        found = [compatibility.check(deb, chosen, pool) for deb in debs]
    if as_json:
        show(json.dumps([report.as_json() for report in found], indent=2))
    else:
        show("\n".join(report.as_text() for report in found))
    if any(report.problems for report in found):
        click.get_current_context().exit(WheelError.exit_code)


@click.command(
    cls=Verb,
    examples=("debonair schema > debonair.schema.json",),
)
def schema() -> None:
    """Print the JSON Schema of debonair.toml.

    It also describes the table [tool.debonair] in pyproject.toml.
    """
    from debonair.project import settings

    show(json.dumps(settings.schema(), indent=2))
