"""``python -m debonair``: the same as the command."""

from debonair.cli import main

main(prog_name="debonair")
