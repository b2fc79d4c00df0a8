"""Fetch the files of a lock in parallel, verify them, and keep them by their hash."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from threading import Event
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

from debonair.errors import NetworkError, WheelError
from debonair.host.cache import Cache, whole
from debonair.host.file_lock import making
from debonair.host.interruption import check, threads
from debonair.host.progress import progress
from debonair.host.usage import used
from debonair.lock.model import File

Get = Callable[[str], AbstractContextManager[Iterable[bytes]]]
"""Opens an address and yields its bytes in pieces; raises ``OSError`` on failure."""

_LARGEST = 1 << 29  # bytes, for a file whose size is not in a lock
_AT_ONCE = 8
_TRIES = 3
_PIECE = 1 << 16
_TIMEOUT = 30.0  # seconds without receiving a byte


def place(file: File, cache: Cache) -> Path:
    """Return the place of ``file`` in the cache, whether or not it exists."""
    return cache.root / "wheels" / file.sha256 / file.filename


def fetch(
    files: Sequence[File], cache: Cache, environ: Mapping[str, str], *, get: Get | None = None
) -> list[Path]:
    """Return the path of each of ``files``, after fetching those that are not in ``cache``.

    A cached file was verified when it was fetched. ``environ`` may contain a name and password for an
    index; ``get`` replaces the network in tests. Raises ``WheelError`` if the bytes of a file are not the
    locked ones. Raises ``NetworkError`` with the names of all missing files if one cannot be fetched.
    """
    missing = [file for file in dict.fromkeys(files) if not used(place(file, cache), cache)]
    if missing:
        _fetch(missing, cache, get or over_http(environ))
    return [place(file, cache) for file in files]


def keep(url: str, cache: Cache, environ: Mapping[str, str], *, get: Get | None = None) -> Path:
    """Fetch the file at ``url`` without verifying it, and return its path in ``cache``.

    Raises ``NetworkError`` if the file cannot be fetched, or is unusually large.
    """
    name = unquote(urlsplit(url).path.rpartition("/")[2])
    data = bytearray()
    try:
        with (get or over_http(environ))(url) as pieces:
            for piece in pieces:
                data += piece
                if len(data) > _LARGEST:
                    break
    except OSError as wrong:
        raise NetworkError(f"{name} could not be downloaded: {reason(wrong)}.") from wrong
    if len(data) > _LARGEST:
        raise NetworkError(f"{name} is larger than {_LARGEST >> 20} MiB, the limit for a download.")
    file = File(name, hashlib.sha256(data).hexdigest(), url)
    with whole(place(file, cache)) as temporary:
        temporary.write_bytes(data)
    return place(file, cache)


def _fetch(missing: Sequence[File], cache: Cache, get: Get) -> None:
    """Fetch every one of ``missing``; after the first failure, start no other download."""
    failed = Event()

    def one(file: File) -> Exception | None:
        if failed.is_set():
            return None
        try:
            path = place(file, cache)
            with making(path):
                if not used(path, cache):
                    _one(file, path, get)
        except (OSError, WheelError) as wrong:
            failed.set()
            return wrong
        bar.advance(1, file.filename)
        return None

    with progress("Fetching", len(missing)) as bar, threads(_AT_ONCE) as pool:
        wrongs = [wrong for wrong in pool.map(one, missing) if wrong]
    for wrong in wrongs:  # wrong bytes are worse news than a missing file
        if isinstance(wrong, WheelError):
            raise wrong
    if wrongs:
        absent = [file.filename for file in missing if not place(file, cache).is_file()]
        why = reason(wrongs[0])
        raise NetworkError(
            f"{len(absent)} of the locked files could not be downloaded ({why}): {', '.join(absent)}.",
            hint="Write the name and password for that host into ~/.netrc, which uv also reads."
            if status(wrongs[0]) == 401
            else "Connect to the network and try again. Files that were downloaded once stay in the cache.",
        ) from wrongs[0]


def _one(file: File, path: Path, get: Get) -> None:
    """Fetch ``file`` to ``path``; retry if the connection breaks."""
    if not file.url:
        raise FileNotFoundError("the lock has no address for it")
    for _ in range(_TRIES - 1):
        try:
            return _whole(file, path, get)
        except ConnectionResetError:
            continue
    return _whole(file, path, get)


def _whole(file: File, path: Path, get: Get) -> None:
    """Write ``file`` to ``path`` if its bytes are the locked ones."""
    digest = hashlib.sha256()
    with whole(path) as temporary:
        with get(file.url) as pieces, temporary.open("wb") as out:
            for piece in pieces:
                check()
                digest.update(piece)
                out.write(piece)
        if digest.hexdigest() != file.sha256:
            raise WheelError(
                f"{file.filename} is not the locked file: its sha256 is {digest.hexdigest()}, not "
                f"{file.sha256}.",
                hint="The index, or a proxy, returned other bytes. If you trust them, run 'debonair lock' "
                "and build again.",
            )


def status(wrong: Exception) -> int:
    """Return the HTTP status with which a server refused a file; 0 if it failed otherwise."""
    found: int = getattr(getattr(wrong, "response", None), "status_code", 0)
    return found


def reason(wrong: Exception) -> str:
    """Return in a few words why a file could not be fetched."""
    response = getattr(wrong, "response", None)
    if response is not None:
        return f"{urlsplit(response.url).hostname} answered {response.status_code} {response.reason}"
    request = getattr(wrong, "request", None)
    if request is not None and getattr(request, "url", None):
        kind = "did not answer in time" if "Timeout" in type(wrong).__name__ else "cannot be reached"
        return f"{urlsplit(request.url).hostname} {kind}"
    return str(wrong)


def _regular(path: Path) -> BinaryIO:
    """Open a regular file. Raises ``OSError`` for all else, such as a pipe, which would never open."""
    file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb")
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(f"{path} is not a regular file")
    return file


def over_http(
    environ: Mapping[str, str], *, timeout: float = _TIMEOUT, retries: int = 4, accept: str = "*/*"
) -> Get:
    """Return a function that opens http, https and file addresses.

    It respects proxies, ~/.netrc and REQUESTS_CA_BUNDLE like requests, and the authorities and passwords in
    pip's configuration. ``timeout`` is the number of seconds without receiving a byte. ``accept`` lists the
    content types to request (RFC 9110, 12.5.1).
    """
    import requests  # noqa: PLC0415 - slow to import
    from requests.adapters import HTTPAdapter  # noqa: PLC0415
    from urllib3.util import Retry  # noqa: PLC0415

    from debonair.lock import index_config  # noqa: PLC0415

    class Session(requests.Session):
        """Sends no password to the target of a redirect if that is another server."""

        def rebuild_auth(
            self, prepared_request: requests.PreparedRequest, response: requests.Response
        ) -> None:
            """Remove the password unless scheme, host and port are the same.

            ~/.netrc only knows hosts. Without this, a redirect could send a password to another port, or
            without TLS.
            """
            to = prepared_request.url or ""
            if index_config.origin(to) != index_config.origin(response.request.url or ""):
                prepared_request.headers.pop("Authorization", None)
                if to.startswith("https://") and (known := requests.utils.get_netrc_auth(to)):
                    prepared_request.prepare_auth(known)

    session = Session()
    session.headers["Accept"] = accept
    # Connecting is retried only once, so that a machine without a network need not wait long.
    retry = Retry(
        total=retries,
        connect=min(1, retries),
        backoff_factor=0.5,
        status_forcelist=(429, 500, 502, 503, 504),
        raise_on_status=False,
    )
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(pool_maxsize=_AT_ONCE, max_retries=retry))
    if not (environ.get("REQUESTS_CA_BUNDLE") or environ.get("CURL_CA_BUNDLE")):
        session.verify = index_config.certificate(environ) or True
    passwords = index_config.credentials(environ)

    @contextmanager
    def get(url: str) -> Iterator[Iterable[bytes]]:
        address = index_config.unambiguous(url)
        if address.scheme == "file":
            with _regular(Path(unquote(address.path))) as source:
                yield iter(lambda: source.read(_PIECE), b"")
            return
        with session.get(
            url, stream=True, timeout=timeout, auth=passwords.get(index_config.origin(url))
        ) as answer:
            answer.raise_for_status()
            yield _pieces(answer)

    def _pieces(answer: requests.Response) -> Iterator[bytes]:
        try:
            yield from answer.iter_content(_PIECE)
        except (requests.exceptions.ChunkedEncodingError, requests.ConnectionError) as broken:
            raise ConnectionResetError(f"{urlsplit(answer.url).hostname} broke off") from broken

    return get
