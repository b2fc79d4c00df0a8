"""``python -m debonair``: the same as the command."""

import sys

try:
    from debonair.cli.main import main
except KeyboardInterrupt:  # Ctrl-C before there is anything to end
    sys.exit(130)

main(prog_name="debonair")
