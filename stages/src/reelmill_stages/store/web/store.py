"""A web server as a read-only store: its keys are paths with their queries; it cannot be listed.

The etag of an object is its `Validator`: size, and ETag or Last-Modified.
"""

import hashlib
import io
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import BinaryIO, NoReturn, cast
from urllib.parse import quote

from reelmill.contract.errors import PreconditionFailed, ServerRefused, StoreError
from reelmill.contract.reasons import ItemReason
from reelmill.contract.task_parts.web_limits import WebLimits
from reelmill_stages.store import Stat
from reelmill_stages.store.chunk_stream import ChunkStream, begun
from reelmill_stages.store.download import save, suffix
from reelmill_stages.store.keys import check_key
from reelmill_stages.store.retry import PATIENCE, Patience
from reelmill_stages.store.web.client import Answer, WebClient
from reelmill_stages.store.web.connections import pool
from reelmill_stages.store.web.rules import Origin, Rules
from reelmill_stages.store.web.transfer import Chunked, Transfer, content_length, content_range
from reelmill_stages.store.web.turns import Turns
from reelmill_stages.store.web.urls import no_listing
from reelmill_stages.store.web.validator import Validator

_SAFE = "!$%&'()*+,/:;=?@[]~"
_NO_HEAD = frozenset({400, 401, 403, 405, 500, 501})
"""Statuses with which servers respond to HEAD although GET of the file succeeds."""


class WebStore:
    """Implements `Store` for reading. Thread-safe, but not to be shared between processes."""

    remote = True

    def __init__(
        self,
        server: str,
        *,
        limits: WebLimits,
        env: Mapping[str, str] = os.environ,
        patience: Patience = PATIENCE,
        turns: Turns | None = None,
        secret: Callable[[Origin], Mapping[str, str]] = lambda _: {},
    ) -> None:
        """`server`: `https://host:port`. `secret` returns headers for requests to a server. Sends no request."""
        rules = Rules(private=limits.private_servers, hosts=limits.allowed_hosts)
        turns = turns or Turns(limits.parallel, limits.delay)
        self._server = server
        self._client = WebClient(rules, pool(rules, limits.timeout, env), turns, secret=secret, patience=patience)

    @property
    def uri(self) -> str:
        return self._server

    def stat(self, key: str) -> Stat:
        url = self._url(key)
        with self._client.ask("HEAD", url, accept=_NO_HEAD) as answer:
            size = content_length(answer.headers) if answer.status < 300 else None
            if size is not None:
                return _stat(key, size, answer)
        # A server that sends no length for HEAD, or refuses HEAD, may send it with a range.
        with self._client.ask("GET", url, {"Range": "bytes=0-0"}, accept=frozenset({416})) as answer:
            part = content_range(answer.headers)
            size = 0 if answer.status == 416 else content_length(answer.headers)
            if answer.status == 206:
                size = part[2] if part else None
            if size is None:
                raise ServerRefused(
                    ItemReason.WRONG_LENGTH, "the server does not announce the size of the file", where=url
                )
            return _stat(key, size, answer)

    def read(
        self, key: str, *, start: int = 0, length: int | None = None, if_match: str = "", version: str = ""
    ) -> bytes:
        if start < 0 or (length is not None and length < 0):
            raise ValueError("start and length count from 0")
        if length == 0:
            self.stat(key)
            return b""
        whole = not start and length is None
        return b"".join(self._transfer(key, if_match, version, None if whole else start, length).chunks())

    @contextmanager
    def open(self, key: str, *, if_match: str = "", version: str = "") -> Iterator[BinaryIO]:
        with io.BufferedReader(ChunkStream(begun(self._transfer(key, if_match, version).chunks()))) as file:
            yield cast("BinaryIO", file)

    def fetch(self, key: str, folder: Path, *, if_match: str = "", version: str = "") -> Path:
        name = hashlib.sha256(f"{self.uri} {key}\0{if_match}\0{time.monotonic_ns()}".encode()).hexdigest()[:24]
        path = folder / (name + suffix(key.partition("?")[0]))
        return save(self._transfer(key, if_match, version).chunks(), path)

    def list(self, prefix: str = "", *, follow_links: bool = True, problems: bool = False) -> Iterator[Stat]:
        raise no_listing(self.uri)

    def folders(self, prefix: str = "") -> Iterator[str]:
        raise no_listing(self.uri)

    def write(
        self,
        key: str,
        data: bytes | Path,
        *,
        create: bool = False,
        if_match: str = "",
        metadata: Mapping[str, str] | None = None,
    ) -> NoReturn:
        raise self._read_only_error()

    def delete(self, key: str) -> NoReturn:
        raise self._read_only_error()

    def move(self, key: str, to: str) -> NoReturn:
        raise self._read_only_error()

    def _transfer(
        self, key: str, if_match: str, version: str, start: int | None = None, length: int | None = None
    ) -> Chunked:
        return Transfer(self._client, self._url(key), self._validator(if_match), start, length)

    def _validator(self, if_match: str) -> Validator | None:
        try:
            return Validator.parsed(if_match) if if_match else None
        except ValueError as error:
            raise PreconditionFailed("not a version of a file on a web server", where=self.uri) from error

    def _url(self, key: str) -> str:
        return f"{self._server}/{quote(check_key(key), safe=_SAFE)}"

    def _read_only_error(self) -> StoreError:
        return StoreError("this is a source, which is read-only", where=self.uri, hint="write to the pipeline's store")


def _stat(key: str, size: int, answer: Answer) -> Stat:
    try:
        modified = parsedate_to_datetime(answer.headers.get("last-modified", "")).timestamp()
    except (ValueError, TypeError, OverflowError):
        modified = 0.0
    return Stat(key, size, str(Validator.of(size, answer.headers)), modified)
