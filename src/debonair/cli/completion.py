"""``debonair completion``: print the script with which a shell completes verbs, or install it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import click

from debonair.cli.command import Verb
from debonair.cli.output import show
from debonair.errors import MachineError

_SHELLS = ("bash", "zsh", "fish")
_ZSH = (
    "zsh reads it if its folder is in fpath. If completion does not work in a new shell, add this line to "
    "~/.zshrc, before compinit:\n    fpath=({folder} $fpath)"
)
_BASH = "bash reads it if the package bash-completion is installed: sudo apt install bash-completion"


@click.command(
    cls=Verb,
    examples=(
        "debonair completion --install",
        "debonair completion zsh --install",
        "debonair completion fish",
    ),
)
@click.argument("shell", type=click.Choice(_SHELLS), required=False)
@click.option("--install", is_flag=True, help="Write the script where the shell looks for it.")
def completion(shell: str | None, *, install: bool) -> None:
    """Complete verbs, options and targets in a shell, by the tab key.

    This prints a script to source in the shell's startup file. With --install, it writes the script to a
    file of yours that the shell reads itself, and leaves startup files alone. Without SHELL, it is for your
    login shell.
    """
    from click.shell_completion import get_completion_class

    shell = shell or _of_login(os.environ)
    found = get_completion_class(shell)
    if found is None:
        raise MachineError(f"There is no completion for {shell}.", hint=f"There is: {', '.join(_SHELLS)}.")
    program = click.get_current_context().find_root().command
    text = found(program, {}, "debonair", "_DEBONAIR_COMPLETE").source()
    if install:
        _install(shell, text, os.environ)
    else:
        show(text)


def _of_login(environ: Mapping[str, str]) -> str:
    """Return the name of the user's login shell."""
    name = Path(environ.get("SHELL", "")).name
    if name not in _SHELLS:
        raise MachineError(
            f"Your login shell is '{name}', for which there is no completion."
            if name
            else "Your login shell is not known: the variable SHELL is not set.",
            hint="Name a shell: debonair completion bash --install",
        )
    return name


def _install(shell: str, text: str, environ: Mapping[str, str]) -> None:
    """Write the script ``text`` to the user's folder from which ``shell`` loads completions itself."""
    from debonair.host.cache import whole

    path = _file(shell, environ)
    if path.is_file() and path.read_text(encoding="utf-8", errors="replace") == text:
        show(f"{path} is up to date.")
    else:
        with whole(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
        show(f"{path} is written. Open a new shell to use it.")
    if shell == "zsh":
        show(_ZSH.format(folder=path.parent), err=True)
    if shell == "bash" and not Path("/usr/share/bash-completion/bash_completion").exists():
        show(_BASH, err=True)


def _file(shell: str, environ: Mapping[str, str]) -> Path:
    """Return the file of the user's that ``shell`` loads when a person completes ``debonair``."""
    home = Path(environ.get("HOME") or "/")
    data = Path(environ.get("XDG_DATA_HOME") or home / ".local/share")
    config = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    return {
        "bash": data / "bash-completion/completions/debonair",
        "zsh": data / "zsh/site-functions/_debonair",
        "fish": config / "fish/completions/debonair.fish",
    }[shell]
