"""A store that counts the bytes read and written through it, and the time that this process waits for it."""

import io
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

from reelmill.contract.records.usage import Bound
from reelmill_stages.metering.work_clock import CLOCK
from reelmill_stages.store import Stat, Store
from reelmill_stages.store.forwarding import Forwarding
from reelmill_stages.store.streams import LargeReads

_CHUNK = 1 << 20
"""Bytes of one read of a stream."""


class Transferred:
    """Bytes that this process has read and written. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._read = self._written = 0

    def add(self, *, read: int = 0, written: int = 0) -> None:
        with self._lock:
            self._read += read
            self._written += written

    def take(self) -> tuple[int, int]:
        """Return (read, written) since the previous call."""
        with self._lock:
            found, self._read, self._written = (self._read, self._written), 0, 0
            return found


TRANSFERRED = Transferred()
"""The bytes of all stores of this process."""


class Metered(Forwarding):
    """Wraps a `Store`. A file that `fetch` returns, in place or downloaded, counts with its size."""

    def __init__(self, store: Store, transferred: Transferred = TRANSFERRED) -> None:
        super().__init__(store)
        self._transferred = transferred

    def stat(self, key: str) -> Stat:
        with CLOCK.on(Bound.STORE):
            return self._store.stat(key)

    def read(
        self, key: str, *, start: int = 0, length: int | None = None, if_match: str = "", version: str = ""
    ) -> bytes:
        with CLOCK.on(Bound.STORE):
            data = self._store.read(key, start=start, length=length, if_match=if_match, version=version)
        self._transferred.add(read=len(data))
        return data

    @contextmanager
    def open(self, key: str, *, if_match: str = "", version: str = "") -> Iterator[BinaryIO]:
        with (
            self._store.open(key, if_match=if_match, version=version) as stream,
            io.BufferedReader(_MeteredStream(stream, self._transferred), _CHUNK) as buffered,
        ):
            yield cast("BinaryIO", buffered)

    def fetch(self, key: str, folder: Path, *, if_match: str = "", version: str = "") -> Path:
        with CLOCK.on(Bound.STORE):
            path = self._store.fetch(key, folder, if_match=if_match, version=version)
        self._transferred.add(read=path.stat().st_size)
        return path

    def write(
        self,
        key: str,
        data: bytes | Path,
        *,
        create: bool = False,
        if_match: str = "",
        metadata: Mapping[str, str] | None = None,
    ) -> Stat:
        with CLOCK.on(Bound.STORE):
            stat = self._store.write(key, data, create=create, if_match=if_match, metadata=metadata)
        self._transferred.add(written=stat.size)
        return stat

    def delete(self, key: str) -> None:
        with CLOCK.on(Bound.STORE):
            self._store.delete(key)

    def move(self, key: str, to: str) -> None:
        with CLOCK.on(Bound.STORE):
            self._store.move(key, to)


class _MeteredStream(LargeReads):
    """Wraps a stream of an object, which it does not close."""

    def __init__(self, stream: BinaryIO, transferred: Transferred) -> None:
        super().__init__()
        self._stream = stream
        self._transferred = transferred

    def readinto(self, buffer: Any) -> int:
        with CLOCK.on(Bound.STORE):
            data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        self._transferred.add(read=len(data))
        return len(data)
