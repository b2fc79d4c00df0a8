"""Run a command without access to the keyrings outside its sandbox: python3 -c THIS COMMAND...

All namespaces share the session keyring, and a user's keyring is found by its number (keyrings(7)). They
may contain tickets of Kerberos and keys of encrypted folders. Only the kernel's filter of system calls
protects them (seccomp(2)); util-linux has a program for it only since 2.41.
"""

import ctypes
import os
import platform
import struct
import sys

# AUDIT_ARCH of linux/audit.h, and the first of add_key, request_key and keyctl, which are consecutive.
CALLS = {
    ("aarch64", 64): (0xC00000B7, 217),
    ("aarch64", 32): (0x40000028, 309),
    ("armv6l", 32): (0x40000028, 309),
    ("armv7l", 32): (0x40000028, 309),
    ("armv8l", 32): (0x40000028, 309),
    ("i686", 32): (0x40000003, 286),
    ("loongarch64", 64): (0xC0000102, 217),
    ("ppc64le", 64): (0xC0000015, 269),
    ("riscv64", 64): (0xC00000F3, 217),
    ("s390x", 64): (0x80000016, 278),
    ("x86_64", 32): (0x40000003, 286),
    ("x86_64", 64): (0xC000003E, 248),
}
LOAD, EQUAL, AT_LEAST, RETURN = 0x20, 0x15, 0x35, 0x06  # linux/bpf_common.h
ALLOW, REFUSE = 0x7FFF0000, 0x00050001  # linux/seccomp.h: allowed; EPERM
PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2
X32 = 0x40000000
"""The first number of the x32 calls of x86_64; other architectures have no number as high."""


def program(arch: int, first: int) -> bytes:
    """Return the filter (bpf(4)): it refuses calls of another architecture, and the three."""
    steps = [
        (LOAD, 0, 0, 4),  # seccomp_data.arch
        (EQUAL, 0, 5, arch),
        (LOAD, 0, 0, 0),  # seccomp_data.nr
        (AT_LEAST, 3, 0, X32),
        (AT_LEAST, 0, 1, first),
        (AT_LEAST, 0, 1, first + 3),
        (RETURN, 0, 0, ALLOW),
        (RETURN, 0, 0, REFUSE),
    ]
    return b"".join(struct.pack("=HBBI", *step) for step in steps)


def main() -> None:
    """Set the filter, and run the command in this process."""
    code = program(*CALLS[platform.machine(), 8 * struct.calcsize("P")])
    steps = ctypes.create_string_buffer(code, len(code))

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.c_void_p))

    said = Program(len(code) // 8, ctypes.addressof(steps))
    words = [ctypes.c_ulong(PR_SET_SECCOMP), ctypes.c_ulong(SECCOMP_MODE_FILTER)]
    if ctypes.CDLL(None, use_errno=True).prctl(*words, ctypes.byref(said)):
        sys.exit(f"the keyrings cannot be kept apart: {os.strerror(ctypes.get_errno())}")
    os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606 - the command of its arguments


if __name__ == "__main__":
    main()
