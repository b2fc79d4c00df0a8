"""A program that runs another of Debonair's own programs: FILE WORD...

Python compiles a file that is run by its path each time, but caches the bytecode of a module. FILE is
therefore imported, and its ``main()`` called. Both use only the standard library. This file is short,
because it is compiled each time.
"""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # each module costs milliseconds, for every command
    from types import ModuleType
    from typing import NoReturn


def load(file: str) -> "ModuleType":
    """Return the module in ``file``."""
    folder, name = os.path.split(file)
    if folder not in sys.path:
        sys.path.append(folder)  # last: its files must not replace modules of the standard library
    return __import__(name[: -len(".py")])


def main(words: list[str]) -> "NoReturn":
    """Run ``main()`` of the file ``words[0]`` with ``words`` as ``sys.argv``, and exit with its status."""
    sys.argv = words
    try:
        status = load(words[0]).main()
    except OSError as failed:
        sys.stderr.write(f"{failed}\n")
        status = 126
    sys.exit(status)


if __name__ == "__main__":
    main(sys.argv[1:])
