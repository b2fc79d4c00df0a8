"""A program that runs a command inside a Debian on trial, with no more rights than it may have there.

``enter.py [pid=N] [spaces=user,mnt,...] [root=FOLDER] [bound=HEX] -- COMMAND...``

``host/launch.py`` runs this file, with the standard library and libseccomp, which every Debian has because
apt and systemd need it. It enters namespaces of the process N (setns(2)), changes its root, and becomes
root there. It gives up every capability except ``bound``, and forbids the calls of ``FORBIDDEN`` and the
sockets that no network namespace separates. By default, ``bound`` is the set of the process N: nobody
regains what a container's process 1 gave up. The command inherits all of that, but no environment. Without
any word before it, the command keeps its place and its rights, and only the calls are forbidden.
"""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found]  # 'signal' itself is slow to import
import ctypes
import errno
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # each module costs milliseconds, for every command
    from typing import NoReturn

FORBIDDEN = {
    errno.EPERM: (
        # Calls that load code into the kernel, or another kernel.
        *("init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "bpf"),
        # Calls that affect the whole machine: its clock, ports, swap, log, accounts and quotas.
        *("settimeofday", "stime", "clock_settime", "clock_settime64", "clock_adjtime", "clock_adjtime64"),
        *("adjtimex", "iopl", "ioperm", "pciconfig_read", "pciconfig_write", "pciconfig_iobase"),
        *("swapon", "swapoff", "syslog", "acct", "quotactl", "quotactl_fd", "nfsservctl"),
        # From one file of a file system, a handle reaches all the others.
        "open_by_handle_at",
        # Parts of the kernel that have had holes before, and that no package's scripts need.
        *("perf_event_open", "userfaultfd", "add_key", "request_key", "keyctl", "lookup_dcookie"),
        *("fanotify_init", "vm86", "vm86old", "modify_ldt", "uselib"),
    ),
    # Programs that would use these calls check for them first, and work without them.
    errno.ENOSYS: ("io_uring_setup", "io_uring_enter", "io_uring_register"),
}
"""Calls that no command makes inside, by the kernel's answer to them."""

_TYPING = (0x5412, 0x541C)
"""TIOCSTI and TIOCLINUX of ioctl_tty(2): they type on a terminal, as if a person did."""
_SPACES = {
    "user": 0x10000000,
    "mnt": 0x00020000,
    "uts": 0x04000000,
    "ipc": 0x08000000,
    "net": 0x40000000,
    "cgroup": 0x02000000,
    "pid": 0x20000000,
}
_BOUNDING_SET_DROP, _PARENT_DEATH_SIGNAL = 24, 1  # of prctl(2)
_CAPABILITY_VERSION = 0x20080522  # of capget(2)
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000  # of seccomp_rule_add(3)
_MASKED_EQUAL = 7
_BAD_ARCHITECTURE, _NO_NEW_PRIVILEGES = 2, 3  # of seccomp_attr_set(3)
_FAMILIES = (1, 2, 10, 16)
"""The only families of sockets: AF_UNIX, AF_INET, AF_INET6 and AF_NETLINK. Each such socket belongs to one
network namespace. Others, like AF_VSOCK, reach past it."""
_EQUAL, _GREATER = 4, 6
_SECONDARY = {"x86_64": (0x40000003, 0x4000003E), "aarch64": (0x40000028,)}  # of seccomp_arch_add(3)

_libc = ctypes.CDLL(None, use_errno=True)


class _Comparison(ctypes.Structure):
    """``struct scmp_arg_cmp`` of seccomp_rule_add(3)."""

    _fields_ = (
        ("argument", ctypes.c_uint),
        ("comparison", ctypes.c_int),
        ("mask", ctypes.c_uint64),
        ("value", ctypes.c_uint64),
    )


def main() -> int:
    """Enter, drop the rights and run the command; return its exit status, as a shell reports it.

    Raises ``OSError`` if the kernel refuses anything.
    """
    cut = sys.argv.index("--")
    options = dict(word.split("=", 1) for word in sys.argv[1:cut])
    command = sys.argv[cut + 1 :]
    pid, spaces = options.get("pid", ""), [name for name in options.get("spaces", "").split(",") if name]
    rules = _rules()  # before the root changes: libseccomp is a file of this machine
    if not options:
        _forbid(rules)
        _run(command)
    bound = int(options["bound"], 16) if "bound" in options else _bounding_set(pid)
    opened = [(os.open(f"/proc/{pid}/ns/{name}", os.O_RDONLY | os.O_CLOEXEC), name) for name in spaces]
    for number, name in opened:
        _check(_libc.setns(number, _SPACES[name]))
        os.close(number)
    if "root" in options:
        os.chroot(options["root"])
    os.chdir("/")
    if "pid" not in spaces:
        _become(bound, rules)
        _run(command)
    child = os.fork()  # only children forked from now on are in the new pid namespace
    if not child:
        _become(bound, rules)
        _libc.prctl(_PARENT_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
        _run(command)
    return _wait(child)


def _wait(child: int) -> int:
    """Stop and continue together with ``child``; a terminal's job control sees only this process."""
    for number in (signal.SIGINT, signal.SIGQUIT):  # a terminal sends these to the child, too
        signal.signal(number, signal.SIG_IGN)

    def end(*_: object) -> None:
        # If this process ended first, the init of this machine, which may be slow, would have to reap the
        # child. Its pid namespace could not end before that.
        os.kill(child, signal.SIGKILL)

    signal.signal(signal.SIGTERM, end)
    while _is_stopped(child):
        # Ctrl-Z has stopped both, and perhaps the shell has continued both since.
        if _is_stopped(child, os.WNOHANG):
            os.kill(os.getpid(), signal.SIGSTOP)
            os.kill(child, signal.SIGCONT)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return code if code >= 0 else 128 - code


def _is_stopped(child: int, options: int = 0) -> bool:
    """Wait until ``child`` stops or ends, and return whether it is stopped."""
    found = os.waitid(os.P_PID, child, os.WEXITED | os.WSTOPPED | os.WNOWAIT | options)
    return found is not None and found.si_code == os.CLD_STOPPED


def _become(bound: int, rules: tuple[ctypes.CDLL, ctypes.c_void_p]) -> None:
    """Become root here, with at most the capabilities ``bound``, and without the forbidden calls."""
    # A user namespace that maps only one account refuses this; such an account has no other groups.
    _libc.setgroups(0, None)
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)
    for number in range(64):
        if not bound >> number & 1:
            _libc.prctl(_BOUNDING_SET_DROP, number, 0, 0, 0)
    _forbid(rules)
    head = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    sets = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable; twice, the lower half first
    _check(_libc.capget(head, sets))
    for half in (0, 1):
        left = sets[3 * half + 1] & bound >> 32 * half & 0xFFFFFFFF
        # root's next program would get the inheritable set, whatever the bounding set is.
        sets[3 * half : 3 * half + 3] = [left, left, 0]
    _check(_libc.capset(head, sets))


def _forbid(rules: tuple[ctypes.CDLL, ctypes.c_void_p]) -> None:
    """Forbid the calls of ``rules`` to this process and all its children."""
    library, loaded = rules
    # Without CAP_SYS_ADMIN, the kernel accepts a filter only after no_new_privs, which disables setuid
    # programs.
    if library.seccomp_load(loaded) < 0:
        library.seccomp_attr_set(loaded, _NO_NEW_PRIVILEGES, 1)
        if library.seccomp_load(loaded) < 0:
            raise OSError(errno.EPERM, "this kernel cannot forbid system calls (seccomp)")


def _rules() -> tuple[ctypes.CDLL, ctypes.c_void_p]:
    """Return libseccomp, and the filter in it."""
    library = ctypes.CDLL("libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p
    made = ctypes.c_void_p(library.seccomp_init(_ALLOW))
    library.seccomp_attr_set(made, _NO_NEW_PRIVILEGES, 0)
    library.seccomp_attr_set(made, _BAD_ARCHITECTURE, _ERRNO | errno.ENOSYS)
    for architecture in _SECONDARY.get(os.uname().machine, ()):
        library.seccomp_arch_add(made, architecture)
    for answer, names in FORBIDDEN.items():
        for name in names:
            number = library.seccomp_syscall_resolve_name(name.encode())
            if number != -1:
                library.seccomp_rule_add_array(made, _ERRNO | answer, number, 0, None)
    number = library.seccomp_syscall_resolve_name(b"ioctl")
    for request in _TYPING:
        # The kernel reads only the lower half of the argument.
        only = _Comparison(1, _MASKED_EQUAL, 0xFFFFFFFF, request)
        library.seccomp_rule_add_array(made, _ERRNO | errno.EPERM, number, 1, ctypes.byref(only))
    number = library.seccomp_syscall_resolve_name(b"socket")
    others = [_Comparison(0, _EQUAL, each, 0) for each in range(max(_FAMILIES)) if each not in _FAMILIES]
    for other in (*others, _Comparison(0, _GREATER, max(_FAMILIES), 0)):
        library.seccomp_rule_add_array(made, _ERRNO | errno.EAFNOSUPPORT, number, 1, ctypes.byref(other))
    return library, made


def _bounding_set(pid: str) -> int:
    """Return the largest set of capabilities of the process ``pid``; proc_pid_status(5)."""
    with open(f"/proc/{pid}/status", encoding="utf-8") as status:  # noqa: PTH123 - without pathlib
        return next(int(line.split()[1], 16) for line in status if line.startswith("CapBnd:"))


def _run(command: list[str]) -> NoReturn:
    path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    environment = {"PATH": path, "HOME": "/root", "LANG": "C.UTF-8", "TERM": os.environ.get("TERM", "dumb")}
    problem = "not found"
    # os.execvpe would import a module, from files that are no longer visible.
    for folder in [""] if "/" in command[0] else path.split(":"):
        try:
            os.execve(os.path.join(folder, command[0]), command, environment)  # noqa: PTH118, S606
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as refused:
            problem = str(refused.strerror)
    os.write(2, f"{command[0]}: {problem}\n".encode(errors="replace"))
    os._exit(127)


def _check(result: int) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
