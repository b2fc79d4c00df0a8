"""Run the command as ``python -m debonair``."""

import sys

try:
    from debonair.cli.main import main
except KeyboardInterrupt:  # Ctrl-C before the command installs its own handling
    sys.exit(130)

main(prog_name="debonair")
