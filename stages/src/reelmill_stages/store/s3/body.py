"""The content of an object as a stream, which resumes after broken connections and detects truncated responses."""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from urllib3.exceptions import HTTPError
from urllib3.response import BaseHTTPResponse, HTTPResponse

from reelmill.contract.errors import RangesUnsupported, ReelmillError, StoreError, TransientError
from reelmill_stages.store.retry import Attempts, Patience
from reelmill_stages.store.streams import LargeReads

Opener = Callable[[int, str], BaseHTTPResponse]
"""(offset in bytes, etag that must match or "") -> response. Retries, and raises errors of reelmill."""


_RANGE = re.compile(r"bytes (\d+)-\d+/")


class Body(LargeReads):
    """The content of one response. After a broken connection, the rest of the same object is requested by its etag.

    `start` is the offset of the requested range; None: the whole object. Raises PreconditionFailed if the object was
    replaced, RangesUnsupported if the response is another range, and TransientError if retries fail.
    """

    def __init__(
        self,
        open_at: Opener,
        explain: Callable[[Exception], ReelmillError | None],
        patience: Patience,
        start: int | None = None,
    ) -> None:
        super().__init__()
        self._open_at = open_at
        self._explain = explain
        self._attempts = Attempts(patience)
        self._start = start or 0
        self._at = 0
        # The destructor closes the stream, even if the constructor failed.
        self._response: BaseHTTPResponse = HTTPResponse()
        self._response = open_at(0, "")
        self.etag: str = self._response.headers.get("etag", "").replace('"', "")
        try:
            self._size = _size_of(self._response, start)
        except BaseException:
            self.close()  # at once: the garbage collector may finalize the socket before this stream
            raise

    def chunks(self, size: int) -> Iterator[bytes]:
        """Yield the remaining content, in chunks of at most `size` bytes."""
        while chunk := self._next_chunk(size):
            yield chunk

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer)
        chunk = self._next_chunk(len(view))
        view[: len(chunk)] = chunk
        return len(chunk)

    def close(self) -> None:
        if not self.closed:
            self._release()
        super().close()

    def _next_chunk(self, size: int) -> bytes:
        while self._at < self._size and size:
            try:
                chunk = self._response.read(min(size, self._size - self._at), decode_content=False)
                if not chunk:
                    raise EOFError("the body ended early")
            except (HTTPError, OSError, EOFError) as error:
                problem = self._explain(error) or TransientError("the body was cut")
                self._attempts.wait_or_raise(problem, error)
                self._reopen()
            else:
                self._at += len(chunk)
                if self._attempts.failed:
                    self._attempts.progressed()
                return chunk
        return b""

    def _reopen(self) -> None:
        self._release()
        self._response = self._open_at(self._at, self.etag)
        if self._at and range_start(self._response) != self._start + self._at:
            raise TransientError(
                "the server ignored the range of a request", hint="use a store that supports range requests"
            )

    def _release(self) -> None:
        # A response that was not read to its end is closed, not drained.
        with suppress(HTTPError, OSError):
            self._response.close()
            self._response.release_conn()


def range_start(response: BaseHTTPResponse) -> int | None:
    """Return the offset in the object at which a partial response begins; None for any other response."""
    found = _RANGE.match(response.headers.get("content-range", ""))
    return int(found.group(1)) if response.status == 206 and found else None


def _size_of(response: BaseHTTPResponse, start: int | None) -> int:
    """Return the size of the body in bytes. Raises RangesUnsupported unless it begins at `start`, if that is given."""
    if start is not None and range_start(response) != start:
        raise RangesUnsupported(
            "the server does not return the requested range", hint="use a store that supports range requests"
        )
    length = response.headers.get("content-length")
    if length is None or not (length.isascii() and length.isdecimal()):
        raise StoreError(
            f"the response has the content length {length!r}" if length else "the response has no content length",
            hint="check for proxies between this machine and the server",
        )
    return int(length)
