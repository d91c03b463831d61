"""CRC32C of contents, in the form in which Google's servers tell it."""

from base64 import b64encode
from collections.abc import Callable, Iterator
from typing import BinaryIO

from google_crc32c import Checksum

_CHUNK = 1 << 20


def checksum_of(source: BinaryIO) -> str:
    """The checksum of a file, which is at its beginning before and afterwards."""
    found = Checksum()  # type: ignore[no-untyped-call]
    while chunk := source.read(_CHUNK):
        found.update(chunk)  # type: ignore[no-untyped-call]
    source.seek(0)
    return _told(found)


def compared(chunks: Iterator[bytes], wanted: str | None, differs: Callable[[], Exception]) -> Iterator[bytes]:
    """The chunks; at their end, raises what `differs` gives if their checksum is not the wanted one. None: any is."""
    found = Checksum()  # type: ignore[no-untyped-call]
    for chunk in chunks:
        found.update(chunk)  # type: ignore[no-untyped-call]
        yield chunk
    if wanted is not None and _told(found) != wanted:
        raise differs()


def _told(found: Checksum) -> str:
    return b64encode(found.digest()).decode()  # type: ignore[no-untyped-call]
