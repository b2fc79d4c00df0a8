"""The indices of a suite, Packages and Contents, put together from chunks.

A chunk is some packages that are neighbours by name, about ``_SPREAD`` of them. It ends where the hash of
the next name says so, so that the same packages are cut the same way whatever came first, and a change of
one package changes one chunk. In the plain index a chunk is a range of bytes, and in the ``.xz`` a block of
its own (deb/xz.py): an index of many packages is renewed by one chunk's text and by copying the rest.

Contents is sorted by path within a chunk and not over all, and a path that packages of two chunks have is
named in two lines: apt-file reads line by line.
"""

from __future__ import annotations

import hashlib
import lzma
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from debonair.apt import parallel, state
from debonair.apt.channel import Line
from debonair.apt.facts import COMPONENT, Facts, contents, stanza
from debonair.apt.state import Chunk, Part, Piece, Suite, Sum
from debonair.apt.storage import Storage
from debonair.deb import xz

_SPREAD = 32
_PRESET = 6

Learn = Callable[[str], Facts]
"""Returns the facts of the deb with that SHA256."""


class _Text(msgspec.Struct, frozen=True):
    """A chunk in one index."""

    block: xz.Block
    known: bytes | None = None
    """Its bytes; None if they are had from the block alone."""

    @property
    def plain(self) -> bytes:
        return lzma.decompress(xz.splice([self.block])) if self.known is None else self.known

    @property
    def part(self) -> Part:
        return Part(self.block.uncompressed_size, len(self.block.data), self.block.unpadded_size)


class Built(msgspec.Struct, frozen=True):
    """The indices of a suite as they must be."""

    pieces: tuple[Piece, ...]
    files: dict[str, bytes]
    """The bytes of those that are kept, by path below the suite's folder."""
    sums: dict[str, Sum]
    """Size and hash of all that the Release lists: Contents also as it is before it is compressed."""


def packages_path(architecture: str) -> str:
    """Return where the plain Packages of ``architecture`` is, below the suite's folder."""
    return f"{COMPONENT}/binary-{architecture}/Packages"


def contents_path(architecture: str) -> str:
    """Return what the plain Contents of ``architecture`` is called, below the suite's folder."""
    return f"{COMPONENT}/Contents-{architecture}"


def by_hash(path: str, digest: str) -> str:
    """Return where a file of an index is found by its SHA256 (DebianRepository/Format, 'by-hash')."""
    return f"{path.rpartition('/')[0]}/by-hash/SHA256/{digest}"


def named(suite: Suite) -> set[str]:
    """Return the by-hash files that the Release of ``suite`` names, below the suite's folder."""
    return {by_hash(path, each.sha256) for path, each in suite.files.items()}


def is_first(package: str) -> bool:
    """Tell whether a chunk begins with ``package``."""
    return int.from_bytes(hashlib.sha256(package.encode()).digest()[:4], "big") % _SPREAD == 0


def cut(packages: Iterable[str]) -> list[list[str]]:
    """Return names, which are sorted, in chunks."""
    chunks: list[list[str]] = []
    for package in packages:
        if not chunks or is_first(package):
            chunks.append([])
        chunks[-1].append(package)
    return chunks


def at(pieces: Sequence[Piece], package: str) -> int:
    """Return the number of the piece that has ``package``, or would have it."""
    return max(bisect_right([piece.first for piece in pieces], package) - 1, 0)


def build(
    suite: Suite,
    changed: Mapping[str, Mapping[str, Line]],
    storage: Storage,
    learn: Learn,
) -> Built:
    """Return the indices of ``suite`` with the ``changed`` packages: their lines by architecture.

    Chunks without a change are copied from the indices that ``storage`` has; if one of these is not what
    it was, all are made anew. Raises what ``state.load`` raises.
    """
    fresh = _rechunked(suite.pieces, changed, storage)
    old = _old(suite, storage) if any(isinstance(each, Piece) for each in fresh) else {}
    if old is None:
        fresh = [_chunk(storage, each) if isinstance(each, Piece) else each for each in fresh]
    return _assembled(suite, fresh, old or {}, storage, learn)


def _rechunked(
    pieces: Sequence[Piece], changed: Mapping[str, Mapping[str, Line]], storage: Storage
) -> list[Piece | Chunk]:
    """Return the pieces that stay as they are, and new chunks for the others, in their order."""
    touched: dict[int, dict[str, Mapping[str, Line]]] = {}
    for package, lines in changed.items():
        touched.setdefault(at(pieces, package), {})[package] = lines
    loaded: dict[int, dict[str, Mapping[str, Line]]] = {}
    for number, edits in touched.items():
        before = dict(_chunk(storage, pieces[number]).packages) if pieces else {}
        after = {name: lines for name, lines in {**before, **edits}.items() if lines}
        loaded[number] = after
        if number and pieces[number].first not in after and number - 1 not in touched:
            # Without the name that it began with it belongs to the chunk before it.
            loaded.setdefault(number - 1, dict(_chunk(storage, pieces[number - 1]).packages))
    found: list[Piece | Chunk] = []
    run: dict[str, Mapping[str, Line]] = {}

    def end() -> None:
        found.extend(Chunk({name: dict(run[name]) for name in names}) for names in cut(sorted(run)))
        run.clear()

    for number in range(max(len(pieces), 1)):
        if number in loaded:
            run.update(loaded[number])
            continue
        end()
        if pieces:
            found.append(pieces[number])
    end()
    return found


def _assembled(
    suite: Suite,
    fresh: Sequence[Piece | Chunk],
    old: Mapping[str, _Old],
    storage: Storage,
    learn: Learn,
) -> Built:
    made: list[dict[str, _Text]] = []
    pieces: list[Piece] = []
    chunks = [each for each in fresh if isinstance(each, Chunk)]
    parallel.each(storage, learn, sorted({deb for each in chunks for deb in _listed(each)}), "Facts")
    documents = iter(
        parallel.each(storage, lambda each: state.put(storage, state.encode(each)), chunks, "State")
    )
    paths = [path(name) for name in suite.architectures for path in (packages_path, contents_path)]
    for each in fresh:
        if isinstance(each, Piece):
            made.append({path: old[path].text(each, path) for path in paths})
            pieces.append(each)
            continue
        texts = _texts(each, suite.architectures, learn)
        made.append(texts)
        pieces.append(
            Piece(
                next(iter(each.packages)),
                next(documents),
                {name: texts[packages_path(name)].part for name in suite.architectures},
                {name: texts[contents_path(name)].part for name in suite.architectures},
            )
        )
    files: dict[str, bytes] = {}
    sums: dict[str, Sum] = {}
    for path in paths:
        digest = hashlib.sha256()
        for texts in made:
            digest.update(texts[path].plain)
        sums[path] = Sum(sum(texts[path].part.plain for texts in made), digest.hexdigest())
        if path.endswith("/Packages"):
            files[path] = b"".join(texts[path].plain for texts in made)
        files[f"{path}.xz"] = xz.splice([texts[path].block for texts in made])
        sums[f"{path}.xz"] = Sum.of(files[f"{path}.xz"])
    return Built(tuple(pieces), files, sums)


def _listed(chunk: Chunk) -> list[str]:
    """Return the debs that an index names of a chunk."""
    lines = (line for lines in chunk.packages.values() for line in lines.values())
    return [entry.deb for line in lines for entry in line.listed]


def _texts(chunk: Chunk, architectures: Sequence[str], learn: Learn) -> dict[str, _Text]:
    """Return the texts of a chunk, by the path of the index that they are for."""
    texts = {}
    for architecture in architectures:
        stanzas: list[str] = []
        pairs: dict[str, set[str]] = {}
        for _, lines in sorted(chunk.packages.items()):
            for name in (architecture, "all"):
                if name not in lines:
                    continue
                for entry in lines[name].listed:
                    facts = learn(entry.deb)
                    stanzas.append(stanza(facts, 0 if entry.halted else entry.percent))
                    for path, location in contents(facts):
                        pairs.setdefault(path, set()).add(location)
        listed = "".join(f"{path:<59} {','.join(sorted(pairs[path]))}\n" for path in sorted(pairs))
        texts[packages_path(architecture)] = _text("".join(stanzas))
        texts[contents_path(architecture)] = _text(listed)
    return texts


def _text(text: str) -> _Text:
    plain = text.encode()
    return _Text(xz.compress(plain, preset=_PRESET), plain)


class _Old:
    """An index as it was, of which ranges and blocks are taken."""

    def __init__(self, pieces: Sequence[Piece], path: str, plain: bytes | None, packed: bytes) -> None:
        self._plain, self._packed = plain, packed
        self._at: dict[str, tuple[int, int]] = {}
        plain_at, data_at = 0, xz.HEADER_SIZE
        for piece in pieces:
            part = _part(piece, path)
            self._at[piece.first] = (plain_at, data_at)
            plain_at += part.plain
            data_at += part.data

    def text(self, piece: Piece, path: str) -> _Text:
        part = _part(piece, path)
        plain_at, data_at = self._at[piece.first]
        block = xz.Block(self._packed[data_at : data_at + part.data], part.unpadded, part.plain)
        known = None if self._plain is None else self._plain[plain_at : plain_at + part.plain]
        return _Text(block, known)


def _old(suite: Suite, storage: Storage) -> dict[str, _Old] | None:
    """Return the indices that clients have now, or None if one of them is not what it was."""
    found = {}
    for architecture in suite.architectures:
        for path in (packages_path(architecture), contents_path(architecture)):
            packed = _read(suite, storage, f"{path}.xz")
            plain = _read(suite, storage, path) if path.endswith("/Packages") else None
            if packed is None or (plain is None and path.endswith("/Packages")):
                return None
            found[path] = _Old(suite.pieces, path, plain, packed)
    return found


def _read(suite: Suite, storage: Storage, path: str) -> bytes | None:
    if (expected := suite.files.get(path)) is None:
        return None
    found = storage.read(f"dists/{suite.name}/{by_hash(path, expected.sha256)}")
    return found.data if found and Sum.of(found.data) == expected else None


def _part(piece: Piece, path: str) -> Part:
    architecture = path.rpartition("-")[2].partition("/")[0]
    return (piece.packages if path.endswith("/Packages") else piece.contents)[architecture]


def _chunk(storage: Storage, piece: Piece) -> Chunk:
    return state.load(storage, piece.document, Chunk)
