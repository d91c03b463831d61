"""Uploads of bytes or local files, in one request or in parallel parts, with only a few parts in memory.

Every request contains the checksum of its body, which the server compares with the received bytes.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock
from typing import BinaryIO, Protocol, TypeVar

from minio import Minio

from reelmill_stages.store.s3 import checksums, conditional
from reelmill_stages.store.s3.conditional import WriteReceipt

T = TypeVar("T")


class Call(Protocol):
    """Runs a request with retries. Raises errors of reelmill."""

    def __call__(self, request: Callable[[], T], /) -> T: ...


PART_SIZE = 16 << 20
"""Size in bytes above which files are uploaded in parts, and the size of parts."""
_PARALLEL = 3
_MAX_PARTS = 10_000


@dataclass(frozen=True, slots=True)
class Upload:
    """A write. `call` runs a request with retries and raises errors of reelmill."""

    client: Minio
    bucket: str
    key: str
    metadata: Mapping[str, str]
    condition: Mapping[str, str]
    call: "Call"

    def single(self, body: bytes) -> WriteReceipt:
        """PutObject."""
        headers = {**self.metadata, **self.condition, **checksums.of_bytes(body)}
        return self.call(lambda: conditional.put(self.client, self.bucket, self.key, body, headers))

    def parts(self, source: BinaryIO, size: int, part_size: int) -> WriteReceipt:
        """Multipart upload of a seekable stream. The condition is checked at completion."""
        part_size = max(part_size, -(-size // _MAX_PARTS))
        where = (self.client, self.bucket, self.key)
        digests = checksums.of_parts(source, part_size)
        headers = {**self.metadata, **digests.record, **checksums.ALGORITHM}
        upload = self.call(lambda: conditional.begin(*where, headers))
        try:
            etags = self._send(source, size, part_size, upload, digests)
            sent = [(etag, digests.checksum(index)) for index, etag in enumerate(etags)]
            return self.call(lambda: conditional.complete(*where, upload, sent, self.condition))
        except BaseException:
            with suppress(Exception):
                conditional.abort(*where, upload)
            raise

    def _send(
        self, source: BinaryIO, size: int, part_size: int, upload: str, digests: checksums.PartDigests
    ) -> list[str]:
        reading = Lock()
        where = (self.client, self.bucket, self.key, upload)

        def part(index: int) -> str:
            with reading:
                source.seek(index * part_size)
                body = source.read(min(part_size, size - index * part_size))
            headers = {checksums.HEADER: digests.checksum(index)}
            return self.call(lambda: conditional.put_part(*where, index + 1, body, headers))

        count = -(-size // part_size)
        with ThreadPoolExecutor(_PARALLEL, thread_name_prefix="upload") as pool:
            futures = [pool.submit(part, index) for index in range(count)]
            try:
                return [future.result() for future in futures]
            except BaseException:
                pool.shutdown(wait=True, cancel_futures=True)
                raise
