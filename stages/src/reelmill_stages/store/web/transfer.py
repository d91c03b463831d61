"""Transfers a file of a web server, or a range of it: all bytes of one version, and at most the declared number."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from urllib3.exceptions import HTTPError

from reelmill.contract.errors import (
    PreconditionFailed,
    RangesUnsupported,
    ServerRefused,
    StoreError,
    TransientError,
)
from reelmill.contract.reasons import ItemReason
from reelmill_stages.store.retry import Attempts
from reelmill_stages.store.web.client import Answer, WebClient
from reelmill_stages.store.web.errors import unanswered
from reelmill_stages.store.web.validator import Validator

_CHUNK = 1 << 18
_UNSIZED = 256 << 20
"""Maximum number of bytes that are read if no length is declared: dynamic lists."""
_PAST_END = frozenset({416})
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")


class Chunked(Protocol):
    """An object with content in chunks."""

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes."""
        ...


@dataclass(frozen=True, slots=True)
class Transfer:
    """A file, or `length` bytes of it from `start` on. `start` is None for the whole file."""

    client: WebClient
    url: str
    expected: Validator | None
    """The required version."""
    start: int | None = None
    length: int | None = None
    conditional: bool = True
    """Whether the server supports conditional requests."""
    headers_of: Callable[[Answer], Mapping[str, str]] = lambda answer: answer.headers
    """The headers that identify the version."""

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes. After a failure, the rest of the same version is requested.

        Raises RangesUnsupported if another range is returned, ServerRefused (`wrong_length`) if more bytes are sent
        than declared, PreconditionFailed for another version, and what `WebClient.ask` raises.
        """
        if self.start is not None and self.expected is not None and not self.expected.allows_ranges:
            raise RangesUnsupported("the server does not identify versions, so parts may not match", where=self.url)
        attempts, done, version = Attempts(self.client.patience), 0, self.expected
        while self.length is None or done < self.length:
            try:
                with self._request(version, done) as answer:
                    if answer.status == 416:
                        self._refuse_past_end(answer, version, done)
                        return
                    version, size, skip = self._checked_answer(answer, version, done)
                    for chunk in answer.chunks(_CHUNK):
                        if size is not None and len(chunk) - skip > size - done:
                            raise self._too_long(size)
                        if len(chunk) <= skip:
                            skip -= len(chunk)
                            continue
                        left, skip = chunk[skip:], 0
                        done += len(left)
                        if size is None and done > _UNSIZED:
                            raise self._too_long(_UNSIZED)
                        yield left
                        attempts.progressed()
                    if size is not None and done < size:
                        raise TransientError(f"the body ended after {done} of {size} bytes", where=self.url)
            except (HTTPError, OSError, TransientError) as error:
                problem = unanswered(error, self.url) or error
                resumable = not done or (version is not None and version.allows_ranges)
                if not isinstance(problem, TransientError) or not resumable or not attempts.again(problem):
                    raise problem from (None if problem is error else error)
                continue
            return

    def _request(self, version: Validator | None, done: int) -> Answer:
        headers: dict[str, str] = {}
        if self.start is not None or done:
            first = (self.start or 0) + done
            last = "" if self.length is None else str((self.start or 0) + self.length - 1)
            headers["Range"] = f"bytes={first}-{last}"
        if version is not None and self.conditional:
            headers |= version.range_conditions() if headers else version.conditions()
        return self.client.ask("GET", self.url, headers, accept=_PAST_END if "Range" in headers else frozenset())

    def _checked_answer(
        self, answer: Answer, version: Validator | None, done: int
    ) -> tuple[Validator | None, int | None, int]:
        """Return (version, size of the whole transfer, both None if unknown, bytes of the response to skip)."""
        version_headers = self.headers_of(answer)
        if answer.headers.get("content-encoding", "identity").lower() != "identity":
            raise StoreError("the server compresses the file although the request does not allow it", where=self.url)
        if version is not None and version.contradicted(version_headers):
            raise PreconditionFailed("the file has changed", where=self.url)
        length = content_length(answer.headers)
        if answer.status == 206:
            return self._checked_part(answer, version, version_headers, done)
        if self.start is not None:
            raise RangesUnsupported("the server does not support ranges", where=self.url)
        if version is not None and length is not None and length != version.size:
            # The tag shows that the version is the listed one, so the length is wrong.
            if version.tag and length > version.size:
                raise self._too_long(version.size)
            raise PreconditionFailed(f"the file has {length} bytes, not {version.size}", where=self.url)
        size = length if version is None else version.size
        return version or (None if size is None else Validator.of(size, version_headers)), size, done

    def _checked_part(
        self, answer: Answer, version: Validator | None, version_headers: Mapping[str, str], done: int
    ) -> tuple[Validator, int, int]:
        found, start = content_range(answer.headers), self.start or 0
        if found is None or found[0] != start + done:
            raise RangesUnsupported("the server returns another range than requested", where=self.url)
        _, last, total = found
        if version is not None and total is not None and total != version.size:
            raise PreconditionFailed(f"the file has {total} bytes, not {version.size}", where=self.url)
        # A server may return less than requested (RFC 9110, 15.3.7): then the rest is requested.
        whole = version.size if version is not None else last + 1 if total is None else total
        end = whole if self.length is None else min(whole, start + self.length)
        if last >= end:
            raise self._too_long(end - start)
        return version or Validator.of(whole, version_headers), end - start, 0

    def _refuse_past_end(self, answer: Answer, version: Validator | None, done: int) -> None:
        """Raise PreconditionFailed if the file ends before a position at which it had a byte when it was listed."""
        at = (self.start or 0) + done
        if done or (version is not None and at < version.size):
            raise PreconditionFailed(f"the file no longer has byte {at}", where=answer.url)

    def _too_long(self, size: int) -> ServerRefused:
        return ServerRefused(
            ItemReason.WRONG_LENGTH,
            f"the server sends more than the {size} bytes that it announced",
            where=self.url,
            hint="retry; if that does not help, copy the file to a bucket or folder",
        )


def content_length(headers: Mapping[str, str]) -> int | None:
    """Return the value of Content-Length, or None."""
    text = headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None


def content_range(headers: Mapping[str, str]) -> tuple[int, int, int | None] | None:
    """Return (first byte, last byte, size of the file if given) of Content-Range, or None."""
    if not (found := _RANGE.fullmatch(headers.get("content-range", ""))):
        return None
    first, last, total = found.groups()
    return (int(first), int(last), None if total == "*" else int(total)) if int(first) <= int(last) else None
