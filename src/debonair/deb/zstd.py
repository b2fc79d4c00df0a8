"""zstd, as dpkg of Ubuntu packs debs by default: unpacked by the library that dpkg itself uses.

Python itself knows it from 3.14 on only, so libzstd is called: every Debian since 12 has it, as dpkg needs
it.
"""

from __future__ import annotations

import ctypes

from debonair.deb.refusal import Unfit

_NAMES = ("libzstd.so.1", "libzstd.1.dylib")
_WINDOW = 27
"""As a power of two the bytes that a frame may refer back to, and so the memory that it takes: 128 MiB."""
_WINDOW_PARAMETER = 100  # ZSTD_d_windowLogMax


class _Input(ctypes.Structure):
    _fields_ = (("src", ctypes.c_void_p), ("size", ctypes.c_size_t), ("pos", ctypes.c_size_t))


class _Output(ctypes.Structure):
    _fields_ = (("dst", ctypes.c_void_p), ("size", ctypes.c_size_t), ("pos", ctypes.c_size_t))


_loaded: list[ctypes.CDLL] = []


def load() -> bool:
    """Load the library, if it is not yet, and tell whether there is one."""
    if not _loaded:
        for name in _NAMES:
            try:
                library = ctypes.CDLL(name)
            except OSError:
                continue
            library.ZSTD_createDCtx.restype = ctypes.c_void_p
            library.ZSTD_createDCtx.argtypes = ()
            library.ZSTD_freeDCtx.argtypes = (ctypes.c_void_p,)
            library.ZSTD_DCtx_setParameter.restype = ctypes.c_size_t
            library.ZSTD_DCtx_setParameter.argtypes = (ctypes.c_void_p, ctypes.c_int, ctypes.c_int)
            library.ZSTD_decompressStream.restype = ctypes.c_size_t
            library.ZSTD_decompressStream.argtypes = (
                ctypes.c_void_p,
                ctypes.POINTER(_Output),
                ctypes.POINTER(_Input),
            )
            library.ZSTD_isError.argtypes = (ctypes.c_size_t,)
            library.ZSTD_getErrorName.restype = ctypes.c_char_p
            library.ZSTD_getErrorName.argtypes = (ctypes.c_size_t,)
            _loaded.append(library)
            break
    return bool(_loaded)


class Decompressor:
    """Unpacks one frame; its face is that of ``lzma.LZMADecompressor``."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library = library
        self._context = library.ZSTD_createDCtx()
        if not self._context:
            raise MemoryError
        library.ZSTD_DCtx_setParameter(self._context, _WINDOW_PARAMETER, _WINDOW)
        self._held = b""
        self._more = False
        self.eof = False
        self.unused_data = b""

    def __del__(self) -> None:
        self._library.ZSTD_freeDCtx(self._context)

    @property
    def needs_input(self) -> bool:
        """Whether nothing comes out before more was put in."""
        return not self.eof and not self._held and not self._more

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Return at most ``max_length`` bytes. Raises ``ValueError`` for what is no frame."""
        held = self._held + data
        source = ctypes.create_string_buffer(held, len(held))
        target = ctypes.create_string_buffer(max_length)
        given = _Input(ctypes.addressof(source), len(held), 0)
        taken = _Output(ctypes.addressof(target), max_length, 0)
        while not self.eof and taken.pos < taken.size:
            before = given.pos, taken.pos
            left = self._library.ZSTD_decompressStream(
                self._context, ctypes.byref(taken), ctypes.byref(given)
            )
            if self._library.ZSTD_isError(left):
                raise ValueError(self._library.ZSTD_getErrorName(left).decode())
            self.eof = left == 0
            if (given.pos, taken.pos) == before:
                break
        self._more = taken.pos == taken.size and not self.eof
        self._held = held[given.pos :]
        if self.eof:
            self.unused_data, self._held = self._held, b""
        return target.raw[: taken.pos]


def decompressor() -> Decompressor:
    """Return what unpacks one frame. Raises ``Unfit`` if this machine cannot."""
    if not load():
        raise Unfit(
            "it is packed by zstd, which this machine cannot unpack",
            "The library is in the Debian package 'libzstd1': sudo apt install libzstd1. "
            "Or build the package again with dpkg-deb -Zxz.",
        )
    return Decompressor(_loaded[0])
