from __future__ import annotations

import pytest
from elfmaker import make_elf

from debonair.errors import PackageError
from debonair.target import elf
from debonair.target.elf import Elf


def test_a_library_says_what_it_needs() -> None:
    data = make_elf(
        needed=("libffi.so.8", "libc.so.6", "libm.so.6", "ld-linux-aarch64.so.1", "libcrypt.so.1"),
        runpath="$ORIGIN/../x.libs:/opt/lib",
        glibc=("GLIBC_2.17", "GLIBC_2.4", "GLIBC_2.34", "GLIBC_PRIVATE", "OPENSSL_3.0.0"),
    )
    assert elf.read("usr/lib/x.so", data) == Elf(
        path="usr/lib/x.so",
        machine="EM_AARCH64",
        bits=64,
        glibc="2.34",
        needed=("libffi.so.8", "libcrypt.so.1"),
        rpath=("$ORIGIN/../x.libs", "/opt/lib"),
    )


def test_a_program_names_its_dynamic_linker() -> None:
    found = elf.read("usr/bin/x", make_elf("x86-64", interpreter="/lib64/ld-linux-x86-64.so.2"))
    assert (found.machine, found.interpreter) == ("EM_X86_64", "/lib64/ld-linux-x86-64.so.2")
    assert (found.needed, found.rpath, found.glibc) == ((), (), "")


@pytest.mark.parametrize("cpu", [6, 7, 10])
def test_a_file_for_arm_says_for_which(cpu: int) -> None:
    found = elf.read("x.so", make_elf("arm", cpu=cpu))
    assert (found.machine, found.bits, found.arm_cpu, found.soft_float) == ("EM_ARM", 32, cpu, False)


def test_a_file_for_arm_may_not_say_so() -> None:
    assert elf.read("x.so", make_elf("arm")).arm_cpu is None
    assert elf.read("x.so", make_elf("arm", flags=0x05000200)).soft_float


@pytest.mark.parametrize("cut", [4, 20, 60, 200, 300])
def test_a_file_that_is_cut_is_named(cut: int) -> None:
    data = make_elf("arm", cpu=10, needed=("libc.so.6",), glibc=("GLIBC_2.4",))
    with pytest.raises(
        PackageError, match=r"/usr/lib/x.so starts like a compiled file \(ELF\), but is damaged"
    ) as refused:
        elf.read("usr/lib/x.so", data[:cut])
    assert "lock another version" in refused.value.hint
