"""SHA-256 checksums of S3 (`x-amz-checksum-sha256`): sent with every upload, verified and stored by the server.

For an object that was uploaded in one request, the server's checksum is the digest of its content. For one that was
uploaded in parts it is `<base64>-<number of parts>`, the digest of the digests of its parts; the upload therefore
records the digest of the whole content in the object's metadata.

Format: https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO

from reelmill_stages.store.digests import CHUNK

ASK = {"x-amz-checksum-mode": "ENABLED"}
"""Headers of a request for an object's attributes with its checksum."""

ALGORITHM = {"x-amz-checksum-algorithm": "SHA256"}
"""Headers of the request that begins an upload in parts."""

HEADER = "x-amz-checksum-sha256"
RECORD = "x-amz-meta-reelmill-sha256"
"""Metadata of an object that was uploaded in parts: `<hex digest of the content>/<checksum of the parts>`."""


@dataclass(frozen=True, slots=True)
class PartDigests:
    """The digests of a content that is uploaded in parts."""

    whole: str
    """Hex digits."""
    parts: tuple[bytes, ...]

    @property
    def composite(self) -> str:
        """The checksum that the server computes for the object."""
        return f"{_text(hashlib.sha256(b''.join(self.parts)).digest())}-{len(self.parts)}"

    @property
    def record(self) -> dict[str, str]:
        """The metadata that relates the server's checksum to the content."""
        return {RECORD: f"{self.whole}/{self.composite}"}

    def checksum(self, index: int) -> str:
        """Return the checksum of a part, counted from 0."""
        return _text(self.parts[index])


def of_bytes(body: bytes) -> dict[str, str]:
    """Return headers of a request with this body."""
    return {HEADER: _text(hashlib.sha256(body).digest())}


def of_parts(source: BinaryIO, part_size: int) -> PartDigests:
    """Digest a stream from its start, in parts of `part_size` bytes."""
    source.seek(0)
    whole, parts = hashlib.sha256(), []
    part, left = hashlib.sha256(), part_size
    while chunk := source.read(min(CHUNK, left)):
        whole.update(chunk)
        part.update(chunk)
        left -= len(chunk)
        if not left:
            parts.append(part.digest())
            part, left = hashlib.sha256(), part_size
    if left < part_size:
        parts.append(part.digest())
    return PartDigests(whole.hexdigest(), tuple(parts))


def content_digest(headers: Mapping[str, str]) -> str:
    """Return the digest `sha256:<hex>` of the content from the headers of a response about it; empty: unknown."""
    found = {name.lower(): value for name, value in headers.items()}
    checksum = found.get(HEADER, "")
    if "-" in checksum:
        whole, _, composite = found.get(RECORD, "").partition("/")
        return f"sha256:{whole}" if whole and composite == checksum else ""
    try:
        digest = base64.b64decode(checksum, validate=True)
    except ValueError:
        return ""
    return f"sha256:{digest.hex()}" if len(digest) == hashlib.sha256().digest_size else ""


def _text(digest: bytes) -> str:
    return base64.b64encode(digest).decode()
