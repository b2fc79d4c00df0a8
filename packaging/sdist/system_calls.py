"""Run a command without the system calls that reach past its sandbox: python3 -c THIS COMMAND...

Namespaces do not separate everything. All share the session keyring, and a user's keyring is found by its
number (keyrings(7)). They may contain tickets of Kerberos and keys of encrypted folders. A socket of
AF_VSOCK belongs to the whole machine, whatever network namespace it is made in, and so do sockets of rare
families. io_uring makes calls that no filter sees. Only the kernel's filter of system calls protects these
(seccomp(2)); util-linux has a program for it only since 2.41.
"""

import ctypes
import os
import platform
import struct
import sys

# AUDIT_ARCH of linux/audit.h, and three numbers: the first of add_key, request_key and keyctl, which are
# consecutive; socket; and socketcall, which makes sockets too. Not every architecture has the last one.
NONE = 0xFFFFFFFF
CALLS = {
    ("aarch64", 64): (0xC00000B7, 217, 198, NONE),
    ("aarch64", 32): (0x40000028, 309, 281, NONE),
    ("armv6l", 32): (0x40000028, 309, 281, NONE),
    ("armv7l", 32): (0x40000028, 309, 281, NONE),
    ("armv8l", 32): (0x40000028, 309, 281, NONE),
    ("i686", 32): (0x40000003, 286, 359, 102),
    ("loongarch64", 64): (0xC0000102, 217, 198, NONE),
    ("ppc64le", 64): (0xC0000015, 269, 326, 102),
    ("riscv64", 64): (0xC00000F3, 217, 198, NONE),
    ("s390x", 64): (0x80000016, 278, 359, 102),
    ("x86_64", 32): (0x40000003, 286, 359, 102),
    ("x86_64", 64): (0xC000003E, 248, 41, NONE),
}
RINGS = 425
"""The first of io_uring_setup, io_uring_enter and io_uring_register, everywhere."""
FAMILIES = (1, 2, 10, 16)
"""AF_UNIX, AF_INET, AF_INET6 and AF_NETLINK: each belongs to one network namespace."""
LOAD, EQUAL, AT_LEAST, RETURN = 0x20, 0x15, 0x35, 0x06  # linux/bpf_common.h
ALLOW, REFUSE, UNKNOWN = 0x7FFF0000, 0x00050001, 0x00050061  # linux/seccomp.h: allowed; EPERM; EAFNOSUPPORT
PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2
ARGUMENT = 16 if sys.byteorder == "little" else 20
"""Where seccomp_data has the half of the first argument that the kernel reads."""
X32 = 0x40000000
"""The first number of the x32 calls of x86_64; other architectures have no number as high."""


def program(arch: int, keys: int, socket: int, socketcall: int) -> bytes:
    """Return the filter (bpf(4)): it refuses calls of another architecture, of keyrings and of io_uring.

    It refuses sockets of all but ``FAMILIES``, and every socket by ``socketcall``, whose family it cannot
    see.
    """
    steps = [
        ("", LOAD, "", "", 4),  # seccomp_data.arch
        ("", EQUAL, "", "refuse", arch),
        ("", LOAD, "", "", 0),  # seccomp_data.nr
        ("", AT_LEAST, "refuse", "", X32),
        ("", EQUAL, "socket", "", socket),
        ("", EQUAL, "socketcall", "", socketcall),
        ("", AT_LEAST, "", "allow", keys),
        ("", AT_LEAST, "", "refuse", keys + 3),
        ("", AT_LEAST, "", "allow", RINGS),
        ("", AT_LEAST, "allow", "refuse", RINGS + 3),
        ("socketcall", LOAD, "", "", ARGUMENT),
        ("", EQUAL, "unknown", "allow", 1),  # SYS_SOCKET of linux/net.h
        ("socket", LOAD, "", "", ARGUMENT),
        *(("", EQUAL, "allow", "", family) for family in FAMILIES),
        ("unknown", RETURN, "", "", UNKNOWN),
        ("allow", RETURN, "", "", ALLOW),
        ("refuse", RETURN, "", "", REFUSE),
    ]
    places = {step[0]: at for at, step in enumerate(steps)}
    code = b""
    for at, (_, kind, yes, no, operand) in enumerate(steps):
        jumps = [places[name] - at - 1 if name else 0 for name in (yes, no)]
        code += struct.pack("=HBBI", kind, *jumps, operand)
    return code


def main() -> None:
    """Set the filter, and run the command in this process."""
    code = program(*CALLS[platform.machine(), 8 * struct.calcsize("P")])
    steps = ctypes.create_string_buffer(code, len(code))

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.c_void_p))

    fprog = Program(len(code) // 8, ctypes.addressof(steps))
    words = [ctypes.c_ulong(PR_SET_SECCOMP), ctypes.c_ulong(SECCOMP_MODE_FILTER)]
    if ctypes.CDLL(None, use_errno=True).prctl(*words, ctypes.byref(fprog)):
        sys.exit(f"the system calls cannot be filtered: {os.strerror(ctypes.get_errno())}")
    os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606 - the command of its arguments


if __name__ == "__main__":
    main()
