"""The indices of a suite, Packages and Contents, assembled from chunks.

A chunk is a run of neighbouring packages by name, about ``_SPREAD`` of them. The hash of the next name
decides where it ends. So the same packages always have the same chunks, whatever came first, and a change
of one package changes one chunk. In the plain index a chunk is a range of bytes; in the ``.xz`` it is a
block of its own (deb/xz.py). An index of many packages is updated with one chunk's text, and the rest is
copied.

Contents is sorted by path within a chunk, not as a whole. A path of packages in two chunks has two lines,
because apt-file reads line by line.
"""

from __future__ import annotations

import hashlib
import lzma
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import msgspec

from debonair.deb import xz
from debonair.host import parallel
from debonair.repository import state
from debonair.repository.channel import Entry, Line
from debonair.repository.pool import COMPONENT, Facts, stanza
from debonair.repository.state import Chunk, Part, Piece, Suite, Sum
from debonair.repository.storage.protocol import Storage

_SPREAD = 32
_PRESET = 6
_MUCH = 1 << 20
"""Bytes to decompress in one step."""

Learn = Callable[[Entry], Facts]
"""Returns the facts of the deb of an entry."""


class _Text(msgspec.Struct, frozen=True):
    """A part of one index: a new chunk, or a run of unchanged chunks."""

    blocks: Sequence[xz.Block]
    known: bytes | None = None
    """Its bytes; None if only the blocks contain them."""

    def plain(self) -> Iterator[bytes]:
        """Yield its bytes, in pieces if they have to be decompressed."""
        if self.known is not None:
            yield self.known
            return
        stream, packed = lzma.LZMADecompressor(format=lzma.FORMAT_XZ), xz.splice(self.blocks)
        while not stream.eof:
            yield stream.decompress(packed, max_length=_MUCH)
            packed = b""


class Built(msgspec.Struct, frozen=True):
    """The complete indices of a suite."""

    pieces: tuple[Piece, ...]
    files: dict[str, bytes]
    """The bytes of the files that are kept, by path below the suite's folder."""
    sums: dict[str, Sum]
    """Size and hash of every file that the Release lists, including Contents before compression."""


def packages_path(architecture: str) -> str:
    """Return the path of the plain Packages of ``architecture``, below the suite's folder."""
    return f"{COMPONENT}/binary-{architecture}/Packages"


def contents_path(architecture: str) -> str:
    """Return the path of the plain Contents of ``architecture``, below the suite's folder."""
    return f"{COMPONENT}/Contents-{architecture}"


def by_hash(path: str, digest: str) -> str:
    """Return the path of an index's file by its SHA256 (DebianRepository/Format, 'by-hash')."""
    return f"{path.rpartition('/')[0]}/by-hash/SHA256/{digest}"


def named(suite: Suite) -> set[str]:
    """Return the by-hash files that the Release of ``suite`` names, below the suite's folder."""
    return {by_hash(path, each.sha256) for path, each in suite.files.items()}


def is_first(package: str) -> bool:
    """Return whether a chunk starts with ``package``."""
    return int.from_bytes(hashlib.sha256(package.encode()).digest()[:4], "big") % _SPREAD == 0


def cut(packages: Iterable[str]) -> list[list[str]]:
    """Return sorted names in chunks."""
    chunks: list[list[str]] = []
    for package in packages:
        if not chunks or is_first(package):
            chunks.append([])
        chunks[-1].append(package)
    return chunks


def at(pieces: Sequence[Piece], package: str) -> int:
    """Return the number of the piece that has ``package``, or would have it."""
    return max(bisect_right(pieces, package, key=lambda piece: piece.first) - 1, 0)


def build(
    suite: Suite,
    changed: Mapping[str, Mapping[str, Line]],
    storage: Storage,
    learn: Learn,
) -> Built:
    """Return the indices of ``suite`` with the ``changed`` packages: their lines by architecture.

    Unchanged chunks are copied from the indices in ``storage``; if one of these is damaged, all are built
    again. Raises what ``state.load`` raises.
    """
    fresh = _rechunked(suite.pieces, changed, storage)
    old = _old(suite, storage) if any(isinstance(each, list) for each in fresh) else {}
    if old is None:
        alike = [
            [each] if isinstance(each, Chunk) else [_chunk(storage, one) for one in each] for each in fresh
        ]
        fresh = [chunk for chunks in alike for chunk in chunks]
    return _assembled(suite, fresh, old or {}, storage, learn)


def _rechunked(
    pieces: Sequence[Piece], changed: Mapping[str, Mapping[str, Line]], storage: Storage
) -> list[list[Piece] | Chunk]:
    """Return runs of unchanged pieces, and new chunks for the others, in their order."""
    touched: dict[int, dict[str, Mapping[str, Line]]] = {}
    for package, lines in changed.items():
        touched.setdefault(at(pieces, package), {})[package] = lines
    loaded: dict[int, dict[str, Mapping[str, Line]]] = {}
    for number, edits in touched.items():
        before = dict(_chunk(storage, pieces[number]).packages) if pieces else {}
        after = {name: lines for name, lines in {**before, **edits}.items() if lines}
        loaded[number] = after
        if number and pieces[number].first not in after and number - 1 not in touched:
            # Without the name that it started with, it belongs to the chunk before it.
            loaded.setdefault(number - 1, dict(_chunk(storage, pieces[number - 1]).packages))
    found: list[list[Piece] | Chunk] = []
    run: dict[str, Mapping[str, Line]] = {}

    def end() -> None:
        found.extend(Chunk({name: dict(run[name]) for name in names}) for names in cut(sorted(run)))
        run.clear()

    for number in range(max(len(pieces), 1)):
        if number in loaded:
            run.update(loaded[number])
            continue
        end()
        if found and isinstance(last := found[-1], list):
            last.append(pieces[number])
        elif pieces:
            found.append([pieces[number]])
    end()
    return found


def _assembled(
    suite: Suite,
    fresh: Sequence[list[Piece] | Chunk],
    old: Mapping[str, _Old],
    storage: Storage,
    learn: Learn,
) -> Built:
    chunks = [each for each in fresh if isinstance(each, Chunk)]
    listed = {entry.facts: entry for each in chunks for entry in _listed(each)}
    parallel.each(storage.at_once, learn, [listed[each] for each in sorted(listed)], "Facts")
    documents = iter(
        parallel.each(storage.at_once, lambda each: state.put(storage, state.encode(each)), chunks, "State")
    )
    paths = [path(name) for name in suite.architectures for path in (packages_path, contents_path)]
    texts_of = iter(
        parallel.each(
            parallel.CORES, lambda each: _texts(each, suite.architectures, learn), chunks, "Indices"
        )
    )
    made: dict[str, list[_Text]] = {path: [] for path in paths}
    pieces: list[Piece] = []
    for each in fresh:
        if isinstance(each, Chunk):
            texts = next(texts_of)
            parts = {path: _part(*text.blocks) for path, text in texts.items()}
            pieces.append(
                Piece(
                    next(iter(each.packages)),
                    next(documents),
                    {name: parts[packages_path(name)] for name in suite.architectures},
                    {name: parts[contents_path(name)] for name in suite.architectures},
                )
            )
        else:
            texts = {path: old[path].text(each) for path in paths}
            pieces += each
        for path in paths:
            made[path].append(texts[path])
    files: dict[str, bytes] = {}
    sums: dict[str, Sum] = {}
    for path in paths:
        if path.endswith("/Packages"):
            files[path] = b"".join(data for text in made[path] for data in text.plain())
            sums[path] = Sum.of(files[path])
        else:
            sums[path] = _sum(data for text in made[path] for data in text.plain())
        files[f"{path}.xz"] = xz.splice([block for text in made[path] for block in text.blocks])
        sums[f"{path}.xz"] = Sum.of(files[f"{path}.xz"])
    return Built(tuple(pieces), files, sums)


def _listed(chunk: Chunk) -> list[Entry]:
    """Return the entries of a chunk that an index names."""
    lines = (line for lines in chunk.packages.values() for line in lines.values())
    return [entry for line in lines for entry in line.listed]


def _texts(chunk: Chunk, architectures: Sequence[str], learn: Learn) -> dict[str, _Text]:
    """Return the texts of a chunk, by the path of their index."""
    texts = {}
    for architecture in architectures:
        stanzas: list[str] = []
        pairs: dict[str, set[str]] = {}
        for _, lines in sorted(chunk.packages.items()):
            for name in (architecture, "all"):
                if name not in lines:
                    continue
                for entry in lines[name].listed:
                    facts = learn(entry)
                    stanzas.append(stanza(facts, 0 if entry.halted else entry.percent))
                    for path in facts.paths:
                        pairs.setdefault(path, set()).add(facts.location)
        listed = "".join(f"{path:<59} {','.join(sorted(pairs[path]))}\n" for path in sorted(pairs))
        texts[packages_path(architecture)] = _text("".join(stanzas))
        texts[contents_path(architecture)] = _text(listed)
    return texts


def _text(text: str) -> _Text:
    plain = text.encode()
    return _Text([xz.compress(plain, preset=_PRESET)], plain)


def _part(block: xz.Block) -> Part:
    return Part(block.uncompressed_size, len(block.data), block.unpadded_size)


def _sum(data: Iterable[bytes]) -> Sum:
    """Return the sum of data that is too large for memory."""
    digest, size = hashlib.sha256(), 0
    for each in data:
        digest.update(each)
        size += len(each)
    return Sum(size, digest.hexdigest())


class _Old:
    """An index from before the change, from which ranges and blocks are copied."""

    def __init__(self, parts: Mapping[str, Part], plain: bytes | None, packed: bytes) -> None:
        """``parts`` are those of its chunks, in their order, by their first package."""
        self._plain = plain
        self._at: dict[str, tuple[int, xz.Block]] = {}
        plain_at, data_at = 0, xz.HEADER_SIZE
        for first, part in parts.items():
            data = packed[data_at : data_at + part.data]
            self._at[first] = plain_at, xz.Block(data, part.unpadded, part.plain)
            plain_at += part.plain
            data_at += part.data

    def text(self, run: Sequence[Piece]) -> _Text:
        """Return the part of the index that a run of chunks has."""
        found = [self._at[piece.first] for piece in run]
        (begin, _), (end, last) = found[0], found[-1]
        known = None if self._plain is None else self._plain[begin : end + last.uncompressed_size]
        return _Text([block for _, block in found], known)


def _old(suite: Suite, storage: Storage) -> dict[str, _Old] | None:
    """Return the indices that clients have now, or None if one of them is missing or damaged."""
    found = {}
    for name in suite.architectures:
        packages, contents = packages_path(name), contents_path(name)
        plain = _read(suite, storage, packages)
        packed = [_read(suite, storage, f"{path}.xz") for path in (packages, contents)]
        if plain is None or packed[0] is None or packed[1] is None:
            return None
        found[packages] = _Old({each.first: each.packages[name] for each in suite.pieces}, plain, packed[0])
        found[contents] = _Old({each.first: each.contents[name] for each in suite.pieces}, None, packed[1])
    return found


def _read(suite: Suite, storage: Storage, path: str) -> bytes | None:
    if (expected := suite.files.get(path)) is None:
        return None
    return state.intact(storage, f"dists/{suite.name}/{by_hash(path, expected.sha256)}", expected)


def _chunk(storage: Storage, piece: Piece) -> Chunk:
    return state.load(storage, piece.document, Chunk)
