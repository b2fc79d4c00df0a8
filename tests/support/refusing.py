"""A machine that refuses user namespaces, as most containers do: refusing.py COMMAND...

The kernel refuses them to the command, because of a filter by libseccomp.
"""

from __future__ import annotations

import ctypes
import errno
import os
import sys

_NEW_USERS = 0x10000000
_ALLOW, _ERRNO, _MASKED_EQUAL = 0x7FFF0000, 0x00050000, 7


class Comparison(ctypes.Structure):
    _fields_ = (
        ("argument", ctypes.c_uint),
        ("comparison", ctypes.c_int),
        ("mask", ctypes.c_uint64),
        ("value", ctypes.c_uint64),
    )


def main() -> None:
    library = ctypes.CDLL("libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p
    rules = ctypes.c_void_p(library.seccomp_init(_ALLOW))
    library.seccomp_attr_set(rules, 3, 0)
    only = Comparison(0, _MASKED_EQUAL, _NEW_USERS, _NEW_USERS)
    for name in (b"unshare", b"clone"):
        number = library.seccomp_syscall_resolve_name(name)
        library.seccomp_rule_add_array(rules, _ERRNO | errno.EPERM, number, 1, ctypes.byref(only))
    assert library.seccomp_load(rules) == 0
    os.execvp(sys.argv[1], sys.argv[1:])


if __name__ == "__main__":
    main()
