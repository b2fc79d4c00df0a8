"""zstd, in which Ubuntu's dpkg packs debs by default: unpacked by the library that dpkg itself uses.

Python has its own zstd only since 3.14, so this module calls libzstd. Every Debian since 12 has that
library, because dpkg needs it.
"""

from __future__ import annotations

import ctypes

from debonair.deb.refusal import Unfit

_NAMES = ("libzstd.so.1", "libzstd.1.dylib")
_WINDOW = 27
"""The window of a frame as a power of two, 128 MiB: the bytes that it may refer back to, and so its memory.
"""
_WINDOW_PARAMETER = 100  # ZSTD_d_windowLogMax


class _Input(ctypes.Structure):
    _fields_ = (("src", ctypes.c_void_p), ("size", ctypes.c_size_t), ("pos", ctypes.c_size_t))


class _Output(ctypes.Structure):
    _fields_ = (("dst", ctypes.c_void_p), ("size", ctypes.c_size_t), ("pos", ctypes.c_size_t))


_loaded: list[ctypes.CDLL] = []


def load() -> bool:
    """Load the library once, and return whether this machine has it."""
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
    """Unpacks one frame, with the interface of ``lzma.LZMADecompressor``."""

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
        """Return whether more input is necessary before anything comes out."""
        return not self.eof and not self._held and not self._more

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Return at most ``max_length`` bytes. Raises ``ValueError`` if the data is not a frame."""
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
    """Return a decompressor of one frame. Raises ``Unfit`` if this machine has no library for it."""
    if not load():
        raise Unfit(
            "it is compressed with zstd, which this machine cannot decompress",
            "Build the package again with 'dpkg-deb -Zxz', or install the library: "
            "sudo apt install libzstd1",
        )
    return Decompressor(_loaded[0])
