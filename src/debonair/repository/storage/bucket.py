"""A bucket of an object store: Amazon S3 and compatible ones, Google Cloud Storage, Azure Blob Storage.

A write names the object that it expects (If-None-Match and If-Match, RFC 9110 section 13.1; a generation on
Google's). If two publishers write at the same time, the store refuses one of them, which starts again.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from debonair.errors import Error, MachineError, NetworkError, RepositoryError
from debonair.repository.excerpt import shown
from debonair.repository.storage import aws, headers
from debonair.repository.storage.protocol import (
    Conflict,
    Found,
    Stored,
    TooLarge,
    inside,
    instead,
    is_inside,
)

if TYPE_CHECKING:
    from obstore import ObjectMeta, PutMode
    from obstore.store import ObjectStore

_SMALL = 1 << 16
"""Smaller files are sent without checking for them first: the check would take as long."""
_YOUNG = 43200
"""Seconds for which a file counts as young, and no sweep removes it: longer than any publisher takes."""
_LIMITS: Any = {"timeout": timedelta(minutes=10), "connect_timeout": timedelta(seconds=10)}
_RETRIES: Any = {"max_retries": 4, "retry_timeout": timedelta(seconds=60)}
_VARIABLES = {
    "s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS",
    "az": "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY",
}
_NO_BUCKET = ("NoSuchBucket", "ContainerNotFound", "bucket does not exist")
_NO_CREDENTIALS = (
    "169.254.169.254",
    "token request",
    "Account must be specified",
    "Missing AccessKeyId",
    "Missing SecretAccessKey",
)


def open_(
    url: str,
    environ: Mapping[str, str],
    *,
    clock: Callable[[], int],
    pause: Callable[[float], None] = time.sleep,
) -> Bucket:
    """Return the bucket at ``url``: ``s3://bucket/folder``, or ``gs:`` or ``az:``; it sends no request yet.

    Endpoint, region and credentials come from the variables of the store's own programs, and for S3 also
    from ``~/.aws``. ``clock`` returns seconds since the epoch. Raises ``RepositoryError`` for an invalid
    URL, and ``MachineError`` if the library is not installed.
    """
    try:
        from obstore.store import from_url  # noqa: PLC0415 - an extra, and slow to import
    except ImportError as missing:
        raise MachineError(
            f"{url} is a bucket, but the library for buckets is not installed.",
            hint="Install it in the folder of Debonair's source code: pipx install --force '.[bucket]'. "
            "Debonair's deb includes it.",
        ) from missing
    parts = urlsplit(url)
    if not parts.netloc or parts.query or parts.fragment:
        raise RepositoryError(f"{url} is not a bucket.", hint="Write it as in s3://bucket/folder.")
    config: Any = aws.profile(environ) if parts.scheme == "s3" else {}
    places = [*config.values(), *(value for key, value in environ.items() if "ENDPOINT" in key)]
    limits: Any = {**_LIMITS, "allow_http": any(each.startswith("http://") for each in places)}
    with _asked(url, "opened"):
        store = from_url(url.rstrip("/"), config=config, client_options=limits, retry_config=_RETRIES)
    return Bucket(store, url.rstrip("/"), clock=clock, pause=pause)


class Bucket:
    """A repository in a bucket, which clients read by HTTP."""

    at_once = 16

    def __init__(
        self,
        store: ObjectStore,
        url: str,
        *,
        clock: Callable[[], int],
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.store = store
        self.url = url
        self._clock = clock
        self._pause = pause

    def __str__(self) -> str:
        return self.url

    def read(self, path: str, limit: int) -> Stored | None:
        """Return the object at ``path``; ``Storage.read``."""
        with _asked(self.url, "read"):
            try:
                found = self.store.get(inside(path))
                if found.meta["size"] > limit:
                    raise TooLarge(path, limit, _tag(found.meta))
                return Stored(bytes(found.bytes()), _tag(found.meta))
            except FileNotFoundError as absent:
                if any(word in str(absent) for word in _NO_BUCKET):
                    raise
                return None

    def size(self, path: str) -> int | None:
        """Return how many bytes the object at ``path`` has; ``Storage.size``."""
        found = self._meta(path)
        return None if found is None else found["size"]

    def add(self, path: str, data: bytes) -> bool:
        """Write an object that never changes; ``Storage.add``."""
        if len(data) >= _SMALL and (found := self._meta(path)) is not None:
            self._refresh(path, data, found)
            return False
        try:
            self._put(path, data, "create")
        except Conflict:
            if (found := self._meta(path)) is not None:
                self._refresh(path, data, found)
            return False
        return True

    def replace(self, path: str, data: bytes, tag: str | None) -> None:
        """Write ``data`` over the object that has ``tag``; ``Storage.replace``."""
        try:
            self._put(path, data, "create" if tag is None else _expected(tag))
        except Conflict:
            # The answer to a write may be lost; the library then repeats the write, and finds its own file.
            if instead(self, path, data) is not None:
                raise
        if tag is not None and not path.startswith("state/"):
            self._later(path, data, tag)

    def list(self, folder: str) -> Iterator[Found]:
        """Yield every object below ``folder``; ``Storage.list``."""
        with _asked(self.url, "read"):
            for some in self.store.list(folder or None):
                for each in some:
                    if not is_inside(each["path"]):
                        continue
                    yield Found(each["path"], each["size"], int(each["last_modified"].timestamp()))

    def remove(self, path: str) -> None:
        """Remove the object at ``path``; ``Storage.remove``."""
        with _asked(self.url, "written"), suppress(FileNotFoundError):
            self.store.delete(inside(path))

    def _meta(self, path: str) -> ObjectMeta | None:
        with _asked(self.url, "read"), suppress(FileNotFoundError):
            return self.store.head(inside(path))
        return None

    def _put(self, path: str, data: bytes, mode: PutMode) -> None:
        """Write an object if the existing one matches ``mode``. Raises ``Conflict`` if it does not."""
        from obstore.exceptions import AlreadyExistsError, PreconditionError  # noqa: PLC0415

        known: Any = {
            "Content-Type": headers.content_type(path),
            "Cache-Control": headers.cache_control(path),
        }
        with _asked(self.url, "written"):
            try:
                self.store.put(inside(path), data, mode=mode, attributes=known, use_multipart=False)
            except (AlreadyExistsError, PreconditionError) as other:
                if any(word in str(other) for word in _NO_BUCKET):
                    raise FileNotFoundError(str(other)) from other
                raise Conflict(path) from other

    def _refresh(self, path: str, data: bytes, found: ObjectMeta) -> None:
        """Write an old, identical object again, so that a sweep does not take it for an abandoned one."""
        if self._clock() - found["last_modified"].timestamp() < _YOUNG:
            return
        with suppress(Conflict, TooLarge):
            there = self.read(path, len(data))
            if there is not None and there.data == data:
                self._put(path, data, _expected(there.tag))

    def _later(self, path: str, data: bytes, before: str) -> None:
        """Ensure that a replaced file has another time than ``before``.

        HTTP's If-Modified-Since has whole seconds: two changes in one second must not look the same.
        """
        found = self._meta(path)
        if found is None or int(found["last_modified"].timestamp()) > _seconds(before):
            return
        self._pause(1)
        with suppress(Conflict, TooLarge):  # a publisher that has replaced it since has ensured that
            there = self.read(path, len(data))
            if there is not None and there.data == data:
                self._put(path, data, _expected(there.tag))


@contextmanager
def _asked(url: str, what: str) -> Iterator[None]:
    """Turn errors of the library into errors for users; the bucket could not be ``what``."""
    from obstore import exceptions as known  # noqa: PLC0415 - an extra

    try:
        yield
    except FileNotFoundError as absent:
        raise RepositoryError(
            f"There is no bucket at {url}.",
            hint="Create it with its provider's tools, or check its name and its endpoint.",
        ) from absent
    except known.InvalidPathError as refused:
        if what == "opened":
            raise _refused(url, what, str(refused), denied=False) from refused
        raise _foreign(url, str(refused)) from refused
    except known.BaseError as refused:
        denied = isinstance(refused, known.PermissionDeniedError | known.UnauthenticatedError)
        raise _refused(url, what, str(refused), denied=denied) from refused


def _refused(url: str, what: str, message: str, *, denied: bool) -> Error:
    """Return the error to show when a store refuses; ``message`` comes from the library."""
    scheme = urlsplit(url).scheme
    if any(word in message for word in _NO_CREDENTIALS):
        return RepositoryError(f"There are no credentials for {url}.", hint=f"Set {_VARIABLES[scheme]}.")
    if what == "opened":  # no request was sent yet
        return RepositoryError(
            f"{url} could not be opened: {_reason(message)}.",
            hint=f"Check {_VARIABLES[scheme]}.",
        )
    if denied:
        return RepositoryError(
            f"These credentials do not allow {url} to be {what}: {_reason(message)}.",
            hint="A publisher needs permission to list, read, write and delete. The repository was not "
            "changed.",
        )
    if "501 Not Implemented" in message or "NotImplemented" in message:
        return RepositoryError(
            f"The store of {url} does not support conditional writes, so two publishers could overwrite "
            "each other.",
            hint="Use a newer version of the store, or another store.",
        )
    hint = "Check the connection, and the endpoint if one is set; then run the command again."
    if what == "written":
        hint = (
            "When it is available again, check 'debonair repo history'; if the change is missing, run the "
            "command again."
        )
    return NetworkError(
        f"{url} could not be {what}: {_reason(message)}.",
        hint=f"{hint} Clients always see a complete repository.",
    )


def _foreign(url: str, message: str) -> RepositoryError:
    """Return the error to show for an object that the library cannot list, nor anything beside it."""
    found = re.search(r'[Pp]ath "(.*?)"(?: contained|: Encountered)', message, re.DOTALL)
    key = f"the key '{shown(found[1])}'" if found else f"an invalid name ({_reason(message)})"
    return RepositoryError(
        f"{url} cannot be listed, because the bucket has an object with {key}.",
        hint="No repository writes such a key, so someone else has. Remove the object with the tools of "
        "the bucket's provider, then run the command again.",
    )


def _reason(message: str) -> str:
    """Return the end of the first line of the library's message, or the store's error code."""
    if code := re.search(r"<Code>(\w+)</Code>", message):
        return code[1]
    line = message.splitlines()[0] if message else "it gives no reason"
    return shown(line.rpartition(" - ")[2].strip().rstrip(".:"))


def _tag(meta: ObjectMeta) -> str:
    """Return the tag of an object: the value that its store compares, and the time of its writing."""
    modified = int(meta["last_modified"].timestamp())
    return " ".join((str(modified), meta["version"] or "-", meta["e_tag"] or "-"))


def _seconds(tag: str) -> int:
    return int(tag.partition(" ")[0])


def _expected(tag: str) -> PutMode:
    """Return the condition that an object has ``tag``."""
    _, version, e_tag = tag.split(" ", 2)
    mode: Any = {"version": version, "e_tag": e_tag}
    return {name: value for name, value in mode.items() if value != "-"}  # type: ignore[return-value]
