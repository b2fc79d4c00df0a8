"""ELF files that contain only their requirements of a machine: headers, and no code (elf(5))."""

from __future__ import annotations

import struct

MACHINES = {"arm": (40, 32), "aarch64": (183, 64), "x86-64": (62, 64), "mips": (8, 32)}
"""``e_machine`` and bits."""
_HARD, _EABI5 = 0x400, 0x05000000


class _Strings:
    """A string table."""

    def __init__(self) -> None:
        self.data = b"\0"

    def add(self, text: str) -> int:
        self.data += text.encode() + b"\0"
        return len(self.data) - len(text) - 1


def make_elf(
    machine: str = "aarch64",
    *,
    cpu: int | None = None,
    flags: int = _EABI5 | _HARD,
    needed: tuple[str, ...] = (),
    runpath: str = "",
    glibc: tuple[str, ...] = (),
    interpreter: str = "",
) -> bytes:
    """Return a little-endian ELF file; ``cpu`` is Tag_CPU_arch of an ARM one, ``flags`` its e_flags."""
    number, bits = MACHINES[machine]
    word = "Q" if bits == 64 else "I"
    strings, names = _Strings(), _Strings()
    dynamic = [(1, strings.add(name)) for name in needed]
    dynamic += [(29, strings.add(runpath))] if runpath else []
    versions = _verneed([strings.add(name) for name in glibc], strings.add("libc.so.6"), glibc)

    header, program = (64, 56) if bits == 64 else (52, 32)
    segments = 2 + bool(interpreter)
    at = header + segments * program
    body = b""
    sections: list[tuple[str, int, int, int, bytes, int]] = []

    def place(name: str, kind: int, data: bytes, *, link: int = 0, info: int = 0) -> int:
        nonlocal body
        body += b"\0" * (-(at + len(body)) % 8)
        offset = at + len(body)
        body += data
        sections.append((name, kind, offset, link, data, info))
        return offset

    strtab = place(".dynstr", 3, strings.data)
    table = [*dynamic, (5, strtab), (10, len(strings.data)), (0, 0)]
    dyn = b"".join(struct.pack(f"<{word}{word}", *pair) for pair in table)
    dyn_at = place(".dynamic", 6, dyn, link=1)
    if glibc:
        place(".gnu.version_r", 0x6FFFFFFE, versions, link=1, info=1)
    if cpu is not None:
        place(".ARM.attributes", 0x70000003, _attributes(cpu))
    interp = interpreter.encode() + b"\0"
    interp_at = place(".interp", 1, interp) if interpreter else 0
    heads = [names.add(name) for name, *_ in sections]
    own = names.add(".shstrtab")
    names_at = at + len(body)
    body += names.data
    body += b"\0" * (-(at + len(body)) % 8)
    table_at = at + len(body)

    def section(name: int, kind: int, offset: int, size: int, *more: int) -> bytes:
        """``more`` are sh_link and sh_info."""
        entry = 2 * struct.calcsize(word) if kind == 6 else 0
        form = f"<II{word}{word}{word}{word}II{word}{word}"
        return struct.pack(form, name, kind, 0, offset, offset, size, *more, 1, entry)

    body += section(0, 0, 0, 0, 0, 0)
    for name, (_, kind, offset, link, data, info) in zip(heads, sections, strict=True):
        body += section(name, kind, offset, len(data), link, info)
    body += section(own, 3, names_at, len(names.data), 0, 0)

    def segment(kind: int, offset: int, size: int) -> bytes:
        if bits == 64:
            return struct.pack("<IIQQQQQQ", kind, 4, offset, offset, offset, size, size, 8)
        return struct.pack("<IIIIIIII", kind, offset, offset, offset, size, size, 4, 8)

    programs = segment(1, 0, at + len(body)) + segment(2, dyn_at, len(dyn))
    programs += segment(3, interp_at, len(interp)) if interpreter else b""
    ident = b"\x7fELF" + bytes([2 if bits == 64 else 1, 1, 1]) + bytes(9)
    fields = struct.pack(
        f"<HHI{word}{word}{word}IHHHHHH",
        *(3, number, 1, 0, header, table_at, flags if machine == "arm" else 0),
        *(header, program, segments, 64 if bits == 64 else 40, len(sections) + 2, len(sections) + 1),
    )
    return ident + fields + programs + body


def _verneed(offsets: list[int], file: int, names: tuple[str, ...]) -> bytes:
    entries = b""
    for index, offset in enumerate(offsets):
        last = index == len(offsets) - 1
        entries += struct.pack("<IHHII", _hash(names[index]), 0, index + 2, offset, 0 if last else 16)
    return struct.pack("<HHIII", 1, len(offsets), file, 16, 0) + entries


def _hash(name: str) -> int:
    value = 0
    for char in name.encode():
        value = (value << 4) + char
        value = (value ^ ((value & 0xF0000000) >> 24)) & 0x0FFFFFFF
    return value


def _attributes(cpu: int) -> bytes:
    """Return the build attributes of a file for a cpu (Addenda to the Arm ABI, 2.2)."""
    tags = bytes([6, cpu])
    scope = bytes([1]) + struct.pack("<I", 5 + len(tags)) + tags
    vendor = b"aeabi\0" + scope
    return b"A" + struct.pack("<I", 4 + len(vendor)) + vendor
