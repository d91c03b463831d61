"""A bucket of Google Cloud Storage, or a prefix in one, as a store. Uses Google's client and the JSON API.

Conditions are conditions on generations: the etag of an object is its generation, which every write changes, and 0
means that there is no object. The retries of the client are off: all requests are retried, and their errors converted,
in one place (`client`), so that it is known whether a conditional write was sent twice. If the response to one is lost,
its retry fails because of the first attempt; then the object is read back, and equal content and metadata count as
success.
"""

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, cast

from google.cloud.storage import Blob

from reelmill.contract.errors import NotFound, PreconditionFailed, StoreError, TransientError
from reelmill.contract.task import Connection
from reelmill_stages.store import Stat
from reelmill_stages.store.bucket_listing import in_order
from reelmill_stages.store.buckets.transfer import equal_object, fetched, resumed, sent
from reelmill_stages.store.chunk_stream import ChunkStream, begun
from reelmill_stages.store.google.checksum import checksum_of, verified_chunks
from reelmill_stages.store.google.client import PART, BucketClient
from reelmill_stages.store.google.credentials import credential
from reelmill_stages.store.google.errors import past_end
from reelmill_stages.store.google.listing import described, listed, pages
from reelmill_stages.store.keys import check_key, check_names, check_new_key, check_prefix, check_room, encode_metadata
from reelmill_stages.store.retry import PATIENCE, Patience

_ENDPOINT = "https://storage.googleapis.com"
_CONNECT, _SILENCE = 10.0, 60.0
"""Seconds to connect, and to wait for the next byte."""


class WrongBytes(TransientError):
    """The transferred bytes are not those of the object: they were changed on the way."""


class GoogleStore:
    """Implements `Store` for a bucket. Thread-safe, but not to be shared between processes.

    Raises StoreError for credentials that cannot be used; no request is sent by the constructor.
    """

    remote = True

    def __init__(
        self,
        bucket: str,
        prefix: str,
        *,
        connection: Connection,
        env: Mapping[str, str],
        uri: str = "",
        patience: Patience = PATIENCE,
        timeouts: tuple[float, float] = (_CONNECT, _SILENCE),
    ) -> None:
        self._prefix = f"{check_key(prefix)}/" if prefix else ""
        self._uri = uri or f"gs://{bucket}/{prefix}".rstrip("/")
        self._client = BucketClient(
            (connection.endpoint or _ENDPOINT).rstrip("/"),
            bucket,
            self._prefix,
            credential(connection, env, self._uri),
            patience,
            timeouts,
        )

    @property
    def uri(self) -> str:
        return self._uri

    def stat(self, key: str) -> Stat:
        def ask() -> Stat:
            blob = self._client.blob(key)
            blob.reload(**self._client.options)
            return described(key, blob)

        return self._client.call(key, ask)

    def read(
        self, key: str, *, start: int = 0, length: int | None = None, if_match: str = "", version: str = ""
    ) -> bytes:
        if start < 0 or (length is not None and length < 0):
            raise ValueError("start and length count from 0")
        _no_versions(version)
        if length == 0:
            if (stat := self.stat(key)) and if_match not in ("", stat.etag):
                raise self._changed_object(key)
            return b""
        end = None if length is None else start + length - 1
        return self._read_part(key, if_match, start or None, end)

    @contextmanager
    def open(self, key: str, *, if_match: str = "", version: str = "") -> Iterator[BinaryIO]:
        _no_versions(version)
        with io.BufferedReader(ChunkStream(begun(self._chunks(key, if_match)))) as file:
            yield cast("BinaryIO", file)

    def fetch(self, key: str, folder: Path, *, if_match: str = "", version: str = "") -> Path:
        _no_versions(version)
        with suppress(WrongBytes):
            return fetched(self._chunks(key, if_match), key, folder, self._uri, if_match)
        return fetched(self._chunks(key, if_match), key, folder, self._uri, if_match)

    def write(
        self,
        key: str,
        data: bytes | Path,
        *,
        create: bool = False,
        if_match: str = "",
        metadata: Mapping[str, str] | None = None,
    ) -> Stat:
        if create and if_match:
            raise ValueError("create and if_match exclude each other")
        check_room(self._prefix, check_names(check_new_key(key)))
        named = encode_metadata(metadata)
        generation = 0 if create else self._generation(key, if_match)

        def send(source: BinaryIO, size: int) -> Blob:
            blob = self._client.blob(key, part=PART)
            blob.metadata = named
            # The server compares it. If the client did, it would delete the present object, even one of another writer.
            blob.crc32c = checksum = checksum_of(source)
            blob.upload_from_file(
                source,
                size=size,
                content_type="application/octet-stream",
                if_generation_match=generation,
                checksum=None,
                **self._client.options,
            )
            if blob.crc32c != checksum:
                with suppress(PreconditionFailed, NotFound):
                    self._delete(key, int(blob.generation))
                raise self._wrong_bytes(key)
            return blob

        try:
            written = sent(
                key, data, send, self._client.call, self._client.retries.attempts(),
                lambda source, size: self._equal_object(key, source, size, metadata),
            )  # fmt: skip
        except NotFound as error:
            if if_match and self._client.is_there:
                raise PreconditionFailed("the object no longer exists", where=error.where) from error
            raise
        if isinstance(written, Stat):
            return written
        return replace(listed(key, written), metadata=dict(metadata or {}))

    def list(self, prefix: str = "", *, follow_links: bool = True, problems: bool = False) -> Iterator[Stat]:
        above = self._prefix + check_prefix(prefix)
        found = [
            listed(blob.name.removeprefix(self._prefix), blob)
            for objects, _ in pages(self._client, above)
            for blob in objects
        ]
        yield from in_order(found, problems=problems)

    def folders(self, prefix: str = "") -> Iterator[str]:
        above = self._prefix + check_prefix(prefix)
        names = {
            name.removeprefix(above).rstrip("/") for _, folders in pages(self._client, above, "/") for name in folders
        }
        yield from sorted(filter(None, names))

    def delete(self, key: str) -> None:
        try:
            self._client.call(key, lambda: self._client.blob(key).delete(**self._client.options))
        except NotFound:
            if not self._client.is_there:
                raise

    def move(self, key: str, to: str) -> None:
        check_room(self._prefix, check_new_key(to))
        stat = self.stat(key)
        with suppress(NotFound):
            self.stat(to)
            raise PreconditionFailed("the object exists already", where=f"{self._uri} {to}")
        source = self._client.blob(key)
        attempts, token = self._client.retries.attempts(), ""

        def copy() -> str:
            """Copy the next part. Returns the token for the next call, or empty text at the end."""
            following, _, _ = self._client.blob(to).rewrite(
                source,
                token=token or None,
                if_generation_match=0,
                if_source_generation_match=int(stat.etag),
                **self._client.options,
            )
            return following or ""

        try:
            token = self._client.call(to, copy, attempts)
            while token:
                token = self._client.call(to, copy, attempts)
        except PreconditionFailed:
            # If a response was lost, the object may be the copy of the first attempt, or that of another writer.
            if not attempts.repeated or self._checksum(to) != self._checksum(key):
                raise
        with suppress(PreconditionFailed, NotFound):
            self._delete(key, int(stat.etag))

    def _read_part(self, key: str, if_match: str, start: int | None, end: int | None) -> bytes:
        """Return the content of an object, or of a range of it, whose last byte is `end`."""
        generation = self._generation(key, if_match)
        try:
            data: bytes = self._client.call(
                key,
                lambda: self._client.blob(key, generation).download_as_bytes(
                    start=start,
                    end=end,
                    raw_download=True,
                    if_generation_match=generation,
                    checksum="crc32c" if start is end is None else None,
                    **self._client.options,
                ),
            )
        except NotFound:
            # A generation that was replaced does not exist, unless the bucket keeps noncurrent ones.
            if generation is not None and self._exists(key):
                raise self._changed_object(key) from None
            raise
        except StoreError as error:
            if past_end(error.__cause__):
                return b""
            raise
        return data

    def _chunks(self, key: str, if_match: str) -> Iterator[bytes]:
        """Yield the content of an object, all of one generation. Raises WrongBytes at its end."""
        blob = self._client.blob(key)
        self._client.call(key, lambda: blob.reload(**self._client.options))
        generation = str(blob.generation)
        if if_match not in ("", generation):
            raise self._changed_object(key)
        try:
            chunks = resumed(
                lambda done: self._client.stream(key, generation, done), blob.size or 0, key, self._client.retries
            )
            yield from verified_chunks(chunks, blob.crc32c, lambda: self._wrong_bytes(key))
        except NotFound:
            # A generation that was replaced does not exist, unless the bucket keeps noncurrent ones.
            if self._exists(key):
                raise self._changed_object(key) from None
            raise

    def _equal_object(self, key: str, source: BinaryIO, size: int, metadata: Mapping[str, str] | None) -> Stat | None:
        return equal_object(lambda: self.stat(key), lambda etag: self._chunks(key, etag), source, size, metadata)

    def _checksum(self, key: str) -> tuple[int | None, str | None]:
        """Return (size in bytes, CRC32C) of an object."""
        blob = self._client.blob(key)
        self._client.call(key, lambda: blob.reload(**self._client.options))
        return blob.size, blob.crc32c

    def _delete(self, key: str, generation: int) -> None:
        """Delete one generation of an object. Raises PreconditionFailed if there is another one."""
        blob = self._client.blob(key)
        self._client.call(key, lambda: blob.delete(if_generation_match=generation, **self._client.options))

    def _wrong_bytes(self, key: str) -> WrongBytes:
        return WrongBytes(
            "the checksum of what was transferred is wrong", where=f"{self._uri} {key}", hint="run again later"
        )

    def _exists(self, key: str) -> bool:
        with suppress(NotFound):
            return bool(self.stat(key))
        return False

    def _generation(self, key: str, etag: str) -> int | None:
        if etag and not (etag.isascii() and etag.isdecimal()):
            raise self._changed_object(key)
        return int(etag) if etag else None

    def _changed_object(self, key: str) -> PreconditionFailed:
        return PreconditionFailed("the object has changed", where=f"{self._uri} {key}")


def _no_versions(version: str) -> None:
    if version:
        raise NotFound("this store reads no former versions of objects")
