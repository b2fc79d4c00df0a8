"""The verbs. No logic: each reads its arguments, calls one stage, and prints what came of it."""

from __future__ import annotations

import atexit
import gc
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from debonair import __version__
from debonair.cli.repo import verbs as repo
from debonair.deb.tree import Entry
from debonair.errors import Error, WheelError
from debonair.host import run, sandbox
from debonair.host.cache import Cache
from debonair.host.terminal import plain

_FOLDER = click.Path(path_type=Path)
_COMMAND = "debonair.command"
_DEB = click.Path(path_type=Path, dir_okay=False)


class Shown(click.Command):
    """Show an ``Error`` as its sentence and its hint, and end with its exit code."""

    def invoke(self, context: click.Context) -> Any:
        """Run what was asked for, and turn what a user can cause into words."""
        # Who is told to end takes away what it has made, as after Ctrl-C.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            return super().invoke(context)
        except Error as error:
            _complain(error)
            context.exit(error.exit_code)
        except KeyboardInterrupt:
            _show("Interrupted.", err=True)
            context.exit(130)
        except BrokenPipeError:  # the reader, such as head, has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            context.exit(0)


class _Verbs(Shown, click.Group):
    """The command line of many verbs."""


def _show(text: object, *, err: bool = False, nl: bool = True) -> None:
    """Write for people; strangers may have written what is in it."""
    click.echo(plain(str(text)), err=err, nl=nl)


def _complain(error: Error) -> None:
    click.echo(f"{click.style('Error:', fg='red', bold=True)} {plain(error.message)}", err=True)
    if error.hint:
        click.echo(f"{click.style('Hint:', bold=True)}  {plain(error.hint)}", err=True)


class _WithCommand(click.Command):
    """A verb whose arguments end at ``--``; what follows is a command of the user's own."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if "--" in args:
            end = args.index("--")
            ctx.meta[_COMMAND] = tuple(args[end + 1 :])
            args = args[:end]
        return super().parse_args(ctx, args)


class _TargetName(click.ParamType[str]):
    """The name of a target, completed by the shell."""

    name = "target"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        from debonair import target

        return [CompletionItem(name) for name in target.names() if name.startswith(incomplete)]


def _directory(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.argument("directory", type=_FOLDER, default=Path())(function)


def _target_option(*, multiple: bool) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    return click.option(
        "--target",
        "-t",
        type=_TargetName(),
        multiple=multiple,
        help="Where it will run, such as trixie-arm64" + (" (repeatable)." if multiple else "."),
    )


def _allow(context: click.Context, option: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click's
    """Set the variable of this option for all that runs by this process's environment."""
    del context, option
    if value:
        os.environ[sandbox.VARIABLE] = "1"


_unsandboxed = click.option(
    "--allow-unsandboxed-sdists",
    is_flag=True,
    expose_value=False,
    callback=_allow,
    help="Where no sandbox can be made, build sdists without: their code may do what you may.",
)


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="debonair")
@click.option("--verbose", "-v", is_flag=True, help="Show every program that is run.")
def main(*, verbose: bool) -> None:
    """Turn a Flask or any WSGI project into a .deb for Raspberry Pi OS."""
    run.verbose = verbose
    # What a command makes stays until it ends, soon: to look for cycles in it takes a tenth of its time.
    gc.set_threshold(100_000)
    atexit.register(gc.freeze)


@main.command()
@_directory
@click.option("--yes", "-y", is_flag=True, help="Ask nothing; take the best guess.")
@click.option("--wsgi", metavar="MODULE:CALLABLE", default="", help="The application that is to be served.")
@click.option(
    "--import",
    "foreign",
    type=click.Path(path_type=Path, dir_okay=False),
    multiple=True,
    help="Take over this file of uWSGI, nginx, Heroku or Docker (repeatable).",
)
def init(directory: Path, wsgi: str, foreign: tuple[Path, ...], *, yes: bool) -> None:
    """Look at the project in DIRECTORY, and write the settings that 'build' needs.

    Nothing of the project is imported or run. Settings that are there already stay as they are. Without a
    terminal nothing is asked, as with --yes.
    """
    from debonair.init import proposal as first
    from debonair.init import report as understood

    asked = None if yes or not sys.stdin.isatty() else _ask
    draft = first.draft(directory.absolute(), os.environ, entry=wsgi, foreign=foreign, ask=asked)
    if not draft.present:
        first.write(draft)
    _show(understood.text(draft), nl=False)


def _ask(question: str, answers: Sequence[str], default: str) -> str:
    """Return what is answered to a question: one of ``answers``, or any text if there are none."""
    if not answers:
        return str(click.prompt(plain(question), default=plain(default)))
    for number, answer in enumerate(answers, 1):
        _show(f"  {number}  {answer}")
    number = click.prompt(
        question, type=click.IntRange(1, len(answers)), default=answers.index(default) + 1
    )
    return answers[number - 1]


@main.command()
@_directory
@_target_option(multiple=True)
@click.option(
    "--out",
    "-o",
    metavar="DIR",
    type=_FOLDER,
    default=None,
    help="Folder for the .deb files; DIRECTORY/dist.",
)
@click.option(
    "--from-source",
    metavar="PKG",
    multiple=True,
    help="Build this Python package from source (repeatable).",
)
@click.option("--timings", is_flag=True, help="Show where the time went, in seconds.")
@click.option("--from-pypi", metavar="REQ", help="In an empty folder: begin with this app of the index.")
@click.option("--wsgi", metavar="MODULE:CALLABLE", help="With --from-pypi: what of it is served.")
@click.option("--package", metavar="NAME", help="With --from-pypi: the Debian package; its name.")
@click.option("--maintainer", metavar="'NAME <MAIL>'", help="With --from-pypi: you, if git does not say.")
@_unsandboxed
def build(
    directory: Path,
    target: tuple[str, ...],
    out: Path | None,
    from_source: tuple[str, ...],
    *,
    timings: bool,
    from_pypi: str | None,
    **begun: str | None,
) -> None:
    """Build the .deb of the project in DIRECTORY, for each target.

    With --from-pypi that of an app which is published: the folder gets its settings and its lock.
    """
    from debonair import build as builds
    from debonair import project as projects
    from debonair import target as targets
    from debonair.project.names import normalised

    said = {key: value for key, value in {**begun, "targets": list(target)}.items() if value}
    if from_pypi:
        from debonair.init import from_pypi as published

        project = published.begin(
            directory.absolute(), {"from-pypi": from_pypi, **said}, _cache(), os.environ
        )
    elif stray := next((key for key in begun if key in said), None):
        raise click.UsageError(f"--{stray} goes with --from-pypi. Of a project its settings say it.")
    else:
        project = projects.load(directory.absolute())
    project = replace(project, from_source=tuple(normalised(name) for name in from_source))
    chosen = [targets.load(name) for name in dict.fromkeys(target or project.targets)]
    folder = (out or directory / "dist").absolute()
    began = time.perf_counter()
    for made in builds.build_all(project, chosen, folder, cache=_cache(), environ=os.environ):
        shown = made.path
        if shown.is_relative_to(Path.cwd()):
            shown = shown.relative_to(Path.cwd())
        _show(f"{shown}  {_size(made.size)}, {_size(made.installed_size * 1024)} installed")
        if timings:
            _show("  " + ", ".join(f"{name} {took:.3f}" for name, took in made.timings.items()), err=True)
    if len(chosen) > 1:
        _show(f"{len(chosen)} packages in {time.perf_counter() - began:.1f} s", err=True)


@main.command()
@_directory
@click.option("--upgrade", is_flag=True, help="Take newer versions where there are any.")
@_unsandboxed
def lock(directory: Path, *, upgrade: bool) -> None:
    """Resolve the dependencies of the project in DIRECTORY, once for all targets."""
    from debonair import lock as locks
    from debonair import project as projects
    from debonair import target as targets
    from debonair.wheels import describe

    project = projects.load(directory.absolute())
    chosen = [targets.load(name) for name in project.targets]
    path = locks.write(project, chosen, _cache(), os.environ, describe=describe, upgrade=upgrade)
    made = locks.ensure(project, chosen, _cache(), os.environ, describe=describe)
    _show(f"{path.name}  {len(made.packages)} packages")


@main.command()
@_directory
@_target_option(multiple=True)
@click.option(
    "--out", "-o", metavar="DIR", type=_FOLDER, default=None, help="The folder; DIRECTORY/debian/wheels."
)
@_unsandboxed
def fetch(directory: Path, target: tuple[str, ...], out: Path | None) -> None:
    """Fetch the wheels of the project in DIRECTORY, for each target, into a folder.

    From it 'dh --with debonair' builds the package where there is no network.
    """
    from debonair import build as builds
    from debonair import project as projects
    from debonair import target as targets
    from debonair.source import wheelhouse

    project = projects.load(directory.absolute())
    chosen = [targets.load(name) for name in dict.fromkeys(target or project.targets)]
    plans = {each: builds.plan(project, each, cache=_cache(), environ=os.environ) for each in chosen}
    folder = out or directory / wheelhouse.FOLDER
    laid = wheelhouse.fill(folder.absolute(), project, plans, _cache(), os.environ)
    wheelhouse.allow(project.root, folder.absolute())
    size = sum(path.stat().st_size for path in laid)
    _show(f"{folder}  {len(laid)} files for {', '.join(each.name for each in chosen)}, {_size(size)}")


@main.command()
@_directory
@_target_option(multiple=True)
@click.option("--out", "-o", metavar="DIR", type=_FOLDER, default=None, help="The folder; DIRECTORY/dist.")
@_unsandboxed
def source(directory: Path, target: tuple[str, ...], out: Path | None) -> None:
    """Make a Debian source package of the project in DIRECTORY, for each suite of its targets.

    dpkg-buildpackage makes of it what 'build' does, without a network: the wheels are in it.
    """
    from debonair import project as projects
    from debonair import target as targets
    from debonair.source import package as sources

    project = projects.load(directory.absolute())
    chosen = [targets.load(name) for name in dict.fromkeys(target or project.targets)]
    folder = out or directory / "dist"
    for path in sources.write(project, chosen, folder.absolute(), _cache(), os.environ):
        _show(folder / path.name)


@main.command()
@click.argument("requirement")
@click.option("--suite", metavar="SUITE", default="trixie", help="The suite of Debian; trixie.")
@click.option(
    "--arch", metavar="ARCH", help="Debian's architecture, if it compiles something; this machine's."
)
@click.option("--recursive", is_flag=True, help="Make what it needs and the suite lacks, too.")
@click.option(
    "--build-depends", metavar="PKG", multiple=True, help="A Debian package to build with (repeatable)."
)
@click.option("--maintainer", metavar="'NAME <MAIL>'", default="", help="You, if git does not say.")
@click.option(
    "--out", "-o", metavar="DIR", type=_FOLDER, default=Path("dist"), help="Folder for the .deb; dist."
)
def library(
    requirement: str, suite: str, arch: str | None, out: Path, maintainer: str, **more: Any
) -> None:
    """Make the Debian package python3-NAME of a Python library, such as 'RPi.bme280==0.2.4'.

    Several apps on one machine can share it: each names it in 'depends', with system-site-packages = true.
    """
    from debonair.debian.apt import host_architecture
    from debonair.project import maintainer as maintainers
    from debonair.source.library.workshop import Workshop

    person = maintainers.needed(maintainer, Path.cwd(), os.environ)
    workshop = Workshop.of(suite, arch or host_architecture(), person, _cache(), os.environ)
    for made in replace(workshop, **more).make(requirement, out):
        _show(
            f"{made.path}  {_size(made.path.stat().st_size)}, needs {', '.join(made.depends) or 'nothing'}"
        )


@main.command()
@_directory
@_target_option(multiple=False)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@_unsandboxed
def plan(directory: Path, target: str | None, *, as_json: bool) -> None:
    """Show every file that the .deb of the project in DIRECTORY would have."""
    from debonair import build as builds
    from debonair import project as projects
    from debonair import target as targets

    project = projects.load(directory.absolute())
    chosen = targets.load(target or project.targets[0])
    planned = builds.plan(project, chosen, cache=_cache(), environ=os.environ)
    _show_entries(planned.tree.entries, as_json=as_json)


@main.command()
@click.option("--pi", metavar="MODEL", help="Those that a Raspberry Pi wants, such as zero2w, 3 or 4.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def targets(*, pi: str | None, as_json: bool) -> None:
    """List the targets: the suites and cpus that can be built for."""
    import msgspec

    from debonair import target as known
    from debonair.target import board

    found = [known.load(name) for name in known.names()]
    if pi is not None:
        wanted = board.find(pi)
        if not as_json:
            _show(wanted.as_text())
            return
        found = [target for some in wanted.targets().values() for target in some]
    if as_json:
        _show(json.dumps([msgspec.to_builtins(target) for target in found], indent=2))
        return
    _show(f"{'TARGET':<16} {'DEBIAN':<12} {'ARCH':<6} {'PYTHON':<7} INSTRUCTIONS")
    for target in found:
        debian = f"{target.debian_release} {target.suite}"
        _show(
            f"{target.name:<16} {debian:<12} {target.architecture:<6} {target.python:<7} "
            f"{target.instruction_set}"
        )


@main.command()
@click.argument("deb", type=_DEB)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def inspect(deb: Path, *, as_json: bool) -> None:
    """Show what is in a DEB: its control file, and its files by origin, largest first."""
    from debonair.deb import inspection, reader_pool

    with reader_pool.Pool() as pool:
        found = inspection.inspect(deb, pool)
    _show(json.dumps(found.as_json(), indent=2) if as_json else found.as_text())


@main.command()
@click.argument("debs", nargs=-1, required=True, type=_DEB)
@_target_option(multiple=False)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def check(debs: tuple[Path, ...], target: str | None, *, as_json: bool) -> None:
    """Check that what is compiled in each DEB runs where it is meant to run.

    Any DEB can be checked. Without --target it is judged for what it says of itself.
    """
    from debonair import target as targets
    from debonair.deb import reader_pool
    from debonair.target import compatibility

    chosen = targets.load(target) if target else None
    with reader_pool.Pool(compatibility.JOB, bare=False, memory=compatibility.MEMORY) as pool:
        found = [compatibility.check(deb, chosen, pool) for deb in debs]
    if as_json:
        _show(json.dumps([report.as_json() for report in found], indent=2))
    else:
        _show("\n".join(report.as_text() for report in found))
    if any(report.problems for report in found):
        click.get_current_context().exit(WheelError.exit_code)


@main.command()
def schema() -> None:
    """Print the JSON Schema of debonair.toml, and of [tool.debonair] alike."""
    from debonair.project import settings

    _show(json.dumps(settings.schema(), indent=2))


@main.command(name="try", cls=_WithCommand, options_metavar="[OPTIONS] ... [-- COMMAND]")
@click.argument("debs", nargs=-1, required=True, type=_DEB)
@click.option("--suite", metavar="SUITE", help="The suite to boot; that of the DEB.")
@click.option(
    "--port",
    metavar="PORT",
    type=click.IntRange(1, 65535),
    help="Serve the page at this port of 127.0.0.1, too.",
)
@click.option("--keep", is_flag=True, help="Keep it running until Ctrl-C.")
def try_(debs: tuple[Path, ...], *, suite: str | None, port: int | None, keep: bool) -> None:
    """Boot a Debian, install the DEB in it with apt, and show the page.

    Of several DEBs the one for this machine is taken. What follows -- is run inside.
    """
    from debonair import trial

    status = trial.try_deb(
        debs,
        suite=suite,
        port=port,
        keep=keep,
        command=click.get_current_context().meta.get(_COMMAND, ()),
        cache=_cache(),
        environ=os.environ,
    )
    click.get_current_context().exit(status)


main.add_command(repo.repo)


@main.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion of debonair for a SHELL: source it in the shell's startup file."""
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    if found is not None:
        _show(found(main, {}, "debonair", "_DEBONAIR_COMPLETE").source())


def _cache() -> Cache:
    return Cache.of(os.environ)


def _size(count: float) -> str:
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def _show_entries(entries: Sequence[Entry], *, as_json: bool) -> None:
    if as_json:
        rows = [
            {
                "path": f"/{e.path}",
                "kind": e.kind,
                "mode": f"{e.mode:04o}",
                "size": e.size,
                "target": e.target,
            }
            for e in entries
        ]
        _show(json.dumps(rows, indent=2))
        return
    letters = {"file": "-", "dir": "d", "link": "l"}
    for entry in entries:
        arrow = f" -> {entry.target}" if entry.target else ""
        _show(f"{letters[entry.kind]} {entry.mode:04o} {entry.size:>11,}  /{entry.path}{arrow}")
    files = sum(entry.kind == "file" for entry in entries)
    _show(f"{files} files, {_size(sum(entry.size for entry in entries))}")
