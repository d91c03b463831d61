"""Transfers of whole objects, for every server whose client sends an object in one call.

The call of a client sends a whole object, and may take hours. So the time limit for further attempts counts from the
last byte that was read for sending. If the response to a conditional write was lost, the next attempt fails because of
the first; then the object is read back, and equal content and metadata count as success.
"""

import hashlib
import io
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, Protocol, TypeVar, cast

from reelmill.contract.errors import NotFound, PreconditionFailed
from reelmill_stages.store import Stat
from reelmill_stages.store.download import save, suffix
from reelmill_stages.store.retry import Attempts, Retries

T = TypeVar("T")


class Calls(Protocol):
    """Makes a request about a key, and retries it if that may help."""

    def __call__(self, key: str, request: Callable[[], T], attempts: Attempts, /) -> T: ...


class Sending:
    """A file that is sent; every read shows that the transfer makes progress."""

    def __init__(self, file: BinaryIO, attempts: Attempts) -> None:
        self._file, self._attempts = file, attempts

    def read(self, size: int = -1, /) -> bytes:
        data = self._file.read(size)
        self._attempts.moved()
        return data

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def __deepcopy__(self, _: object) -> "Sending":
        """Return this object: clients copy failed requests for their logs, which would copy the content as well."""
        return self


def fetched(chunks: Iterator[bytes], key: str, folder: Path, *identity: str) -> Path:
    """Write an object to a new file in a folder, named after what distinguishes it from others."""
    named = "\0".join([*identity, key, str(time.monotonic_ns())])
    return save(chunks, folder / (hashlib.sha256(named.encode()).hexdigest()[:24] + suffix(key)))


def sent(
    key: str,
    data: bytes | Path,
    send: Callable[[BinaryIO, int], T],
    call: Calls,
    attempts: Attempts,
    equal: Callable[[BinaryIO, int], Stat | None],
) -> T | Stat:
    """Send an object. Returns the response of `send`, or the result of `equal` if a response was lost.

    `send` takes a file at its beginning, and its size in bytes. `equal` returns the attributes of the object if it has
    the content of the file.
    """
    with data.open("rb") if isinstance(data, Path) else io.BytesIO(data) as file:
        size = file.seek(0, io.SEEK_END)
        source = cast("BinaryIO", Sending(file, attempts))

        def request() -> T:
            file.seek(0)
            return send(source, size)

        try:
            return call(key, request, attempts)
        except (PreconditionFailed, NotFound):
            found = equal(file, size) if attempts.repeated else None
            if found is None:
                raise
            return found


def equal_object(
    stat: Callable[[], Stat],
    chunks: Callable[[str], Iterator[bytes]],
    source: BinaryIO,
    size: int,
    metadata: Mapping[str, str] | None,
) -> Stat | None:
    """Return the attributes of an object if content and metadata are equal; `chunks` yields the content of an etag."""
    try:
        found = stat()
        if found.size != size or dict(found.metadata) != dict(metadata or {}):
            return None
        source.seek(0)
        same = all(chunk == source.read(len(chunk)) for chunk in chunks(found.etag))
    except (NotFound, PreconditionFailed):
        return None
    return found if same else None


def resumed(begin: Callable[[int], Iterator[bytes]], size: int, key: str, retries: Retries) -> Iterator[bytes]:
    """Yield the bytes of an object of a known size; after an interruption, call `begin` with the next offset."""
    done, attempts = 0, retries.attempts()
    while done < size:
        try:
            for chunk in begin(done):
                done += len(chunk)
                attempts.progressed()
                yield chunk
            if done < size:
                raise OSError(f"the answer ended after {done} of {size} bytes")
        except Exception as error:
            retries.again(key, error, attempts)
