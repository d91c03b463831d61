"""An S3 bucket, or a prefix in one, as a store.

Only the modules of this package import minio and urllib3. All requests are retried, and their errors converted,
in one place (`Retries`). If the response of a conditional write is lost, its retry fails because of the first attempt;
then the object is read back, and equal content and metadata count as success.
"""

import hashlib
import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, TypeVar, cast

from minio.datatypes import Object
from minio.error import S3Error
from minio.helpers import check_bucket_name
from urllib3.response import BaseHTTPResponse

from reelmill.contract.errors import NotFound, PreconditionFailed, ReelmillError, SpecError, StoreError
from reelmill.contract.task import CA_FOLDER, Connection
from reelmill_stages.store import Stat
from reelmill_stages.store.bucket_listing import in_order
from reelmill_stages.store.download import save, suffix
from reelmill_stages.store.keys import (
    check_key,
    check_new_key,
    check_prefix,
    check_room,
    encode_metadata,
)
from reelmill_stages.store.retry import PATIENCE, Attempts, Patience, Retries
from reelmill_stages.store.s3 import checksums, conditional, copy
from reelmill_stages.store.s3.attributes import META, described, listed
from reelmill_stages.store.s3.body import Body
from reelmill_stages.store.s3.conditional import WriteReceipt
from reelmill_stages.store.s3.credentials import provider
from reelmill_stages.store.s3.errors import explain, no_object, past_end
from reelmill_stages.store.s3.http import TIMEOUTS, Timeouts, client, pool
from reelmill_stages.store.s3.upload import PART_SIZE, Upload

T = TypeVar("T")
Found = list[Stat]

_CHUNK = 1 << 20
_READ = 64 << 20


class S3Store:
    """Implements `Store` for a bucket. Thread-safe, but not to be shared between processes.

    The constructor sends no request. It raises StoreError for an invalid connection, and SpecError for an invalid name
    of a bucket.
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
        timeouts: tuple[float, float] = TIMEOUTS,
        patience: Patience = PATIENCE,
        part_size: int = PART_SIZE,
    ) -> None:
        try:
            check_bucket_name(bucket)
        except ValueError as error:
            raise SpecError(str(error), where=uri or f"s3://{bucket}", hint="check the uri") from error
        self._bucket = bucket
        self._prefix = f"{check_key(prefix)}/" if prefix else ""
        self._uri = uri or f"s3://{bucket}/{prefix}".rstrip("/")
        self._endpoint = connection.endpoint or "AWS"
        self._patience = patience
        self._retries = Retries(patience, self._explain)
        self._part_size = part_size
        ca = env.get(f"{connection.env_prefix}AWS_CA_BUNDLE", "")
        if ca.startswith(f"{CA_FOLDER}/") and not Path(ca).exists():
            # Pods always get the path, because it is unknown whether their Secret has this key.
            ca = ""
        if connection.ca and not ca:
            raise StoreError(f"{connection.env_prefix}AWS_CA_BUNDLE is not set", where=self._uri)
        keys = provider(env, connection, self._uri)
        self._client = client(connection.endpoint, connection.region, keys, pool(Timeouts(*timeouts), ca))

    @property
    def uri(self) -> str:
        return self._uri

    def stat(self, key: str) -> Stat:
        found = self._retries.call(key, lambda: self._head(key))
        return described(key, found)

    def read(
        self, key: str, *, start: int = 0, length: int | None = None, if_match: str = "", version: str = ""
    ) -> bytes:
        if start < 0 or (length is not None and length < 0):
            raise ValueError("start and length count from 0")
        if length == 0:
            self._require_match(self.stat(key), if_match)
            return b""
        try:
            with self._body(key, if_match, version, start, length or 0) as body:
                return b"".join(body.chunks(_READ))
        except StoreError as error:
            if past_end(error):
                return b""
            raise

    @contextmanager
    def open(self, key: str, *, if_match: str = "", version: str = "") -> Iterator[BinaryIO]:
        with self._body(key, if_match, version) as body, io.BufferedReader(body, _CHUNK) as file:
            yield cast("BinaryIO", file)

    def fetch(self, key: str, folder: Path, *, if_match: str = "", version: str = "") -> Path:
        with self._body(key, if_match, version) as body:
            name = hashlib.sha256(f"{self._prefix}{key}\0{body.etag}".encode()).hexdigest()[:24]
            return save(body.chunks(_CHUNK), folder / (name + suffix(key)))

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
        check_room(self._prefix, check_new_key(key))
        headers = {f"{META}{name}": value for name, value in encode_metadata(metadata).items()}
        calls: list[Attempts] = []

        def call(request: Callable[[], T]) -> T:
            calls.append(self._retries.attempts())
            return self._retries.call(key, request, calls[-1])

        condition = conditional.condition(create=create, if_match=if_match)
        upload = Upload(self._client, self._bucket, self._full(key), headers, condition, call)
        with data.open("rb") if isinstance(data, Path) else io.BytesIO(data) as source:
            size = source.seek(0, io.SEEK_END)
            try:
                written = self._send(upload, source, size, create=create)
            except StoreError as error:
                # The response was lost, and the retry found the object of the first attempt.
                found = (
                    self._equal_object(key, source, size, metadata) if any(each.repeated for each in calls) else None
                )
                if found:
                    return found
                if if_match and no_object(error):
                    raise PreconditionFailed("the object no longer exists", where=error.where) from error
                raise
        return Stat(key, size, written.etag, written.modified, written.version, dict(metadata or {}))

    def list(self, prefix: str = "", *, follow_links: bool = True, problems: bool = False) -> Iterator[Stat]:
        # Some servers list folder by folder, with `a/b` before `a-b`, so only the complete list can be sorted.
        found: Found = []
        attempts = self._retries.attempts()
        while not self._continue_list(prefix, found, attempts):
            pass
        yield from in_order(found, problems=problems)

    def folders(self, prefix: str = "") -> Iterator[str]:
        above = self._prefix + check_prefix(prefix)
        names = self._retries.call(
            "",
            lambda: [
                (each.object_name or "").removeprefix(above)
                for each in self._client.list_objects(bucket_name=self._bucket, prefix=above)
            ],
        )
        yield from sorted(name.rstrip("/") for name in names if name.endswith("/") and name.strip("/"))

    def delete(self, key: str) -> None:
        try:
            self._retries.call(
                key, lambda: self._client.remove_object(bucket_name=self._bucket, object_name=self._full(key))
            )
        except NotFound as error:
            if not no_object(error):
                raise

    def move(self, key: str, to: str) -> None:
        with suppress(NotFound):
            self.stat(check_room(self._prefix, check_new_key(to)))
            raise PreconditionFailed("the object exists already", where=f"{self._uri} {to}")
        size = self.stat(key).size
        self._retries.call(key, lambda: copy.copy(self._client, self._bucket, self._full(key), self._full(to), size))
        self.delete(key)

    def _continue_list(self, prefix: str, found: Found, attempts: Attempts) -> bool:
        """Add the objects after the last one found; returns False if the list was interrupted and can be continued."""
        try:
            for each in self._client.list_objects(
                bucket_name=self._bucket,
                prefix=self._prefix + check_prefix(prefix),
                recursive=True,
                start_after=self._prefix + found[-1].key if found else None,
            ):
                found.append(listed((each.object_name or "").removeprefix(self._prefix), each))
        except Exception as error:
            self._retries.again("", error, attempts)
            return False
        return True

    def _full(self, key: str) -> str:
        return self._prefix + check_key(key)

    def _explain(self, error: Exception, key: str) -> ReelmillError | None:
        return explain(error, endpoint=self._endpoint, bucket=self._bucket, key=self._prefix + key if key else "")

    def _send(self, upload: Upload, source: BinaryIO, size: int, *, create: bool) -> WriteReceipt:
        if size <= self._part_size:
            source.seek(0)
            return upload.single(source.read())
        if create:
            with suppress(NotFound):
                self.stat(upload.key.removeprefix(self._prefix))
                raise PreconditionFailed("the object already exists", where=f"s3://{self._bucket}/{upload.key}")
        return upload.parts(source, size, self._part_size)

    def _equal_object(self, key: str, source: BinaryIO, size: int, metadata: Mapping[str, str] | None) -> Stat | None:
        """Return the attributes of the object if it has this content and metadata, otherwise None."""
        try:
            stat = self.stat(key)
            if stat.size != size or dict(stat.metadata) != dict(metadata or {}):
                return None
            source.seek(0)
            with self._body(key, stat.etag) as body:
                return stat if all(chunk == source.read(len(chunk)) for chunk in body.chunks(_CHUNK)) else None
        except (NotFound, PreconditionFailed):
            return None

    def _body(self, key: str, if_match: str, version: str = "", start: int = 0, length: int = 0) -> Body:
        def open_at(done: int, etag: str) -> BaseHTTPResponse:
            match = etag or if_match
            if not (match and version):
                return opened(done, match, version)
            # The present object can be read without the permission for versions, and may have been rewritten with the
            # same content.
            try:
                return opened(done, match, "")
            except (NotFound, PreconditionFailed) as changed:
                try:
                    return opened(done, match, version)
                except StoreError:
                    raise changed from None

        def opened(done: int, match: str, version: str) -> BaseHTTPResponse:
            response = self._retries.call(
                key,
                lambda: self._client.get_object(
                    bucket_name=self._bucket,
                    object_name=self._full(key),
                    offset=start + done,
                    length=length - done if length else 0,
                    request_headers={"If-Match": f'"{match}"'} if match else None,
                    version_id=version or None,
                ),
            )
            return self._matching(key, response, match)

        return Body(open_at, lambda error: self._explain(error, key), self._patience, start if start + length else None)

    def _matching(self, key: str, response: BaseHTTPResponse, etag: str) -> BaseHTTPResponse:
        # Some servers ignore If-Match on reads.
        if etag and response.headers.get("etag", "").strip('"') != etag:
            response.close()
            raise self._changed_object(key)
        return response

    def _require_match(self, stat: Stat, if_match: str) -> None:
        if if_match and stat.etag != if_match:
            raise self._changed_object(stat.key)

    def _changed_object(self, key: str) -> PreconditionFailed:
        return PreconditionFailed("the object has changed", where=f"{self._uri} {key}")

    def _head(self, key: str) -> Object:
        name = self._full(key)
        try:
            return self._client.stat_object(bucket_name=self._bucket, object_name=name, extra_headers={**checksums.ASK})
        except S3Error as error:
            if error.code in ("AccessDenied", "BadRequest"):
                # The response to HEAD has no body with the error; that to GET has.
                self._client.get_object(bucket_name=self._bucket, object_name=name, length=1).close()
                return self._client.stat_object(bucket_name=self._bucket, object_name=name)
            raise
