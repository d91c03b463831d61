"""A container of Azure Blob Storage, or a prefix in one, as a store.

Only the modules of this package import Azure's client. Version 12.31 is its first one that never uses the same name for
blocks of two writers, which would mix them in a blob. The retries of the client are off: all requests are retried, and
their errors converted, in one place (`Retries`), so that it is known whether a conditional write was sent twice. If the
response to one is lost, its retry fails because of the first attempt; then the blob is read back, and equal content and
metadata count as success.
"""

import io
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, TypeVar, cast

from azure.core import MatchConditions
from azure.storage.blob import BlobClient, ContainerClient

from reelmill.contract.errors import NotFound, PreconditionFailed, ReelmillError, StoreError, TransientError
from reelmill.contract.task import Connection
from reelmill_stages.store import Stat
from reelmill_stages.store.azure.attributes import copied_from, described, encoded, listed, plain
from reelmill_stages.store.azure.credentials import address, credential
from reelmill_stages.store.azure.errors import explain, no_object, past_end
from reelmill_stages.store.azure.listing import blobs, folder_names
from reelmill_stages.store.bucket_listing import in_order
from reelmill_stages.store.buckets.transfer import equal_object, fetched, sent
from reelmill_stages.store.chunk_stream import ChunkStream, begun
from reelmill_stages.store.keys import (
    check_key,
    check_names,
    check_new_key,
    check_prefix,
    check_room,
)
from reelmill_stages.store.retry import PATIENCE, Patience, Retries

T = TypeVar("T")

_PART = 16 << 20
"""Largest blob that is written by one request, and the size of the blocks of larger ones, in bytes."""
_READ = 1 << 20
"""Size of one request in bytes when a blob is read as a stream."""
_CONNECT, _SILENCE = 10.0, 60.0
"""Seconds to connect, and to wait for the next byte."""
_COPY = 0.5
"""Seconds between two checks of a copy that the server has not finished."""


class AzureStore:
    """Implements `Store` for a container. Thread-safe, but not to be shared between processes.

    Raises StoreError for an invalid connection; no request is sent by the constructor.
    """

    remote = True

    def __init__(
        self,
        container: str,
        prefix: str,
        *,
        connection: Connection,
        env: Mapping[str, str],
        uri: str = "",
        patience: Patience = PATIENCE,
        timeouts: tuple[float, float] = (_CONNECT, _SILENCE),
    ) -> None:
        self._name = container
        self._prefix = f"{check_key(prefix)}/" if prefix else ""
        self._uri = uri or f"az://{container}/{prefix}".rstrip("/")
        self._endpoint = address(connection, env, self._uri)
        self._retries = Retries(patience, self._explain)
        self._container = ContainerClient(
            self._endpoint,
            container,
            credential=credential(connection, env, self._uri),
            retry_total=0,
            connection_timeout=timeouts[0],
            read_timeout=timeouts[1],
            max_single_put_size=_PART,
            max_block_size=_PART,
            max_single_get_size=_READ,
            max_chunk_get_size=_READ,
        )

    @property
    def uri(self) -> str:
        return self._uri

    def stat(self, key: str) -> Stat:
        return described(key, self._retries.call(key, lambda: self._blob(key).get_blob_properties()))

    def read(
        self, key: str, *, start: int = 0, length: int | None = None, if_match: str = "", version: str = ""
    ) -> bytes:
        if start < 0 or (length is not None and length < 0):
            raise ValueError("start and length count from 0")
        _no_versions(version)
        if length == 0:
            self._require_match(self.stat(key), if_match)
            return b""
        try:
            return b"".join(self._chunks(key, if_match, start, length))
        except StoreError as error:
            if past_end(error.__cause__):
                return b""
            raise

    @contextmanager
    def open(self, key: str, *, if_match: str = "", version: str = "") -> Iterator[BinaryIO]:
        _no_versions(version)
        with io.BufferedReader(ChunkStream(begun(self._chunks(key, if_match, 0, None)))) as file:
            yield cast("BinaryIO", file)

    def fetch(self, key: str, folder: Path, *, if_match: str = "", version: str = "") -> Path:
        _no_versions(version)
        return fetched(self._chunks(key, if_match, 0, None), key, folder, self._uri, if_match)

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
        named = encoded(metadata)
        condition: dict[str, Any] = {}
        if create:
            condition = {"match_condition": MatchConditions.IfMissing}
        elif if_match:
            condition = {"etag": f'"{if_match}"', "match_condition": MatchConditions.IfNotModified}

        def send(source: BinaryIO, size: int) -> Stat:
            written = self._blob(key).upload_blob(
                source, length=size, overwrite=not create, metadata=named, **condition
            )
            return Stat(
                key, size, plain(written["etag"]), written["last_modified"].timestamp(), "", dict(metadata or {})
            )

        try:
            return sent(
                key, data, send, self._retries.call, self._retries.attempts(),
                lambda source, size: self._equal_blob(key, source, size, metadata),
            )  # fmt: skip
        except NotFound as error:
            if if_match and no_object(error):
                raise PreconditionFailed("the object no longer exists", where=error.where) from error
            raise

    def list(self, prefix: str = "", *, follow_links: bool = True, problems: bool = False) -> Iterator[Stat]:
        found = [
            listed(blob.name.removeprefix(self._prefix), blob)
            for blob in blobs(self._container, self._prefix + check_prefix(prefix), self._retries.call)
            # Listings of a hierarchical namespace include its folders.
            if (blob.metadata or {}).get("hdi_isfolder", "").lower() != "true"
        ]
        yield from in_order(found, problems=problems)

    def folders(self, prefix: str = "") -> Iterator[str]:
        yield from folder_names(self._container, self._prefix + check_prefix(prefix), self._retries.call)

    def delete(self, key: str) -> None:
        try:
            self._retries.call(key, lambda: self._blob(key).delete_blob(delete_snapshots="include"))
        except NotFound as error:
            if not no_object(error):
                raise

    def move(self, key: str, to: str) -> None:
        check_room(self._prefix, check_new_key(to))
        stat = self.stat(key)
        with suppress(NotFound):
            self.stat(to)
            raise PreconditionFailed("the object exists already", where=f"{self._uri} {to}")
        source, target = self._blob(key), self._blob(to)
        attempts = self._retries.attempts()
        begun_as = ""
        try:
            started_copy = self._retries.call(
                to, lambda: target.start_copy_from_url(source.url, match_condition=MatchConditions.IfMissing), attempts
            )
            begun_as = str(started_copy["copy_id"])
        except PreconditionFailed:
            if not attempts.repeated:
                raise
        while (copy := self._retries.call(to, target.get_blob_properties).copy).status == "pending":
            time.sleep(_COPY)
        # If a response was lost, the blob may be the copy of the first attempt, or that of another writer.
        if copy.id != begun_as if begun_as else not copied_from(copy.source, source.url):
            raise PreconditionFailed("the object exists already", where=f"{self._uri} {to}")
        if copy.status != "success":
            raise TransientError(
                f"the copy ended with {copy.status}", where=f"{self._uri} {to}", hint="run again later"
            )
        # If the response to the deletion was lost, the blob no longer exists.
        with suppress(PreconditionFailed, NotFound):
            self._retries.call(
                key,
                lambda: source.delete_blob(
                    delete_snapshots="include", etag=f'"{stat.etag}"', match_condition=MatchConditions.IfNotModified
                ),
            )

    def _chunks(self, key: str, if_match: str, start: int, length: int | None) -> Iterator[bytes]:
        """Yield the bytes of a blob or of a range, all of one version; after a failure, the rest is requested again."""
        etag, done = if_match, 0
        attempts = self._retries.attempts()
        while length is None or done < length:
            left = None if length is None else length - done
            try:
                options: dict[str, Any] = {}
                if etag:
                    options |= {"etag": f'"{etag}"', "match_condition": MatchConditions.IfNotModified}
                # An empty blob has no range, and the client needs an offset if there is a length.
                if start + done or left is not None:
                    options |= {"offset": start + done, "length": left}
                answer = self._blob(key).download_blob(**options)
                etag = plain(answer.properties.etag)
                for chunk in answer.chunks():
                    done += len(chunk)
                    attempts.progressed()
                    yield chunk
            except Exception as error:
                if done and past_end(error):
                    return
                self._retries.again(key, error, attempts)
                continue
            return

    def _explain(self, error: Exception, key: str) -> ReelmillError | None:
        return explain(error, endpoint=self._endpoint, container=self._name, key=self._prefix + key if key else "")

    def _equal_blob(self, key: str, source: BinaryIO, size: int, metadata: Mapping[str, str] | None) -> Stat | None:
        return equal_object(
            lambda: self.stat(key), lambda etag: self._chunks(key, etag, 0, None), source, size, metadata
        )

    def _require_match(self, stat: Stat, if_match: str) -> None:
        if if_match and stat.etag != if_match:
            raise PreconditionFailed("the object has changed", where=f"{self._uri} {stat.key}")

    def _blob(self, key: str) -> BlobClient:
        return self._container.get_blob_client(self._prefix + check_key(key))


def _no_versions(version: str) -> None:
    if version:
        raise NotFound("this store reads no former versions of blobs")
