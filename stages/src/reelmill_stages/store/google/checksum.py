"""CRC32C of contents, in the encoding of Google's servers."""

from base64 import b64encode
from collections.abc import Callable, Iterator
from typing import BinaryIO

from google_crc32c import Checksum

_CHUNK = 1 << 20


def checksum_of(source: BinaryIO) -> str:
    """Return the checksum of a file, whose position is at its beginning before and afterwards."""
    found = Checksum()  # type: ignore[no-untyped-call]
    while chunk := source.read(_CHUNK):
        found.update(chunk)  # type: ignore[no-untyped-call]
    source.seek(0)
    return _encoded(found)


def verified_chunks(chunks: Iterator[bytes], wanted: str | None, differs: Callable[[], Exception]) -> Iterator[bytes]:
    """Yield the chunks; at their end, raise the result of `differs` if their checksum is not `wanted` (None: any)."""
    found = Checksum()  # type: ignore[no-untyped-call]
    for chunk in chunks:
        found.update(chunk)  # type: ignore[no-untyped-call]
        yield chunk
    if wanted is not None and _encoded(found) != wanted:
        raise differs()


def _encoded(found: Checksum) -> str:
    return b64encode(found.digest()).decode()  # type: ignore[no-untyped-call]
