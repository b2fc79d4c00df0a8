"""A complete package that is not yet written."""

from __future__ import annotations

import msgspec

from debonair.deb.control import Control
from debonair.deb.tree import Tree
from debonair.wheels import Wheel


class Plan(msgspec.Struct, frozen=True):
    """A complete package that is not yet written."""

    control: Control
    tree: Tree
    members: dict[str, str]
    """The files of the control tarball in addition to ``control`` and ``md5sums``."""
    epoch: int
    libraries: tuple[str, ...] = ()
    """The Debian packages of the libraries that its compiled files are linked with."""
    wheels: tuple[Wheel, ...] = ()
    """The wheels from the supply; ``build.plan`` sets them."""
