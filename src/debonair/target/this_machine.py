"""This machine as a target, for packages that are installed for Debonair's own Python."""

from __future__ import annotations

import os
import platform
import sysconfig

from debonair.target.model import Target


def target() -> Target:
    """Return a target that describes this machine to the extent that wheels and markers need it."""
    version = platform.python_version()
    machine = sysconfig.get_platform().rpartition("-")[2]
    return Target(
        name="this machine",
        suite="",
        debian_release=0,
        architecture="",
        multiarch="",
        instruction_set="",
        elf_machine="",
        interpreter="",
        glibc=(os.confstr("CS_GNU_LIBC_VERSION") or "glibc 2.17").rpartition(" ")[2],
        python=".".join(platform.python_version_tuple()[:2]),
        python_full=version,
        machine=machine,
        wheel_machines=(machine,),
    )
