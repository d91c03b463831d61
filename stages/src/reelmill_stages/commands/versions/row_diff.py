"""The differences between two sequences of rows, for data sets of millions of rows.

Rows are first compared by digests, which are partitioned by key into files on disk; then only rows that may differ are
stored in full. Memory use does not depend on the number of rows or of differences: about 20 MiB, and the rows of one of
256 files.
"""

import json
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from hashlib import blake2b
from pathlib import Path
from typing import IO, Any, TypeVar

from msgspec.json import Encoder

Row = Mapping[str, Any]
"""JSON values by name."""
T = TypeVar("T")
Rows = Iterable[tuple[str, T]]
"""Keys with values that rows are made from. Of several with one key, the last counts."""

_FILES = 256
_DIGESTS = struct.Struct("<16s8s")
_BITS = 27
_encode = Encoder(order="sorted").encode


def differences(
    before: Callable[[], Rows[T]], after: Callable[[], Rows[T]], row_of: Callable[[T], Row], scratch: Path
) -> Iterator[tuple[str, Row | None, Row | None]]:
    """(key, row before, row after) of each key whose rows differ; None if there is no row with this key.

    The order depends on the keys only. `before` and `after` are called twice and must return the same rows each time.
    `scratch` is an existing folder, in which temporary files take 24 bytes for each row, and the rows that differ.
    """
    differing = _differing_keys(before, after, row_of, scratch)
    for old, new in _partition_files(before, after, scratch, lambda rows: _rows_of_keys(rows, row_of, differing)):
        rows = [dict(map(_split, _lines(path))) for path in (old, new)]
        for key in sorted(rows[0].keys() | rows[1].keys()):
            one, other = rows[0].get(key), rows[1].get(key)
            if one != other:
                yield key, _row_or_none(one), _row_or_none(other)


class _Bits:
    """A set of key digests with false positives: one bit of 2^27 for each."""

    def __init__(self) -> None:
        self._bits = bytearray(1 << (_BITS - 3))

    def add(self, digest: bytes) -> None:
        place = self._place(digest)
        self._bits[place >> 3] |= 1 << (place & 7)

    def __contains__(self, digest: bytes) -> bool:
        place = self._place(digest)
        return bool(self._bits[place >> 3] & (1 << (place & 7)))

    def _place(self, digest: bytes) -> int:
        return int.from_bytes(digest[1:5], "little") & ((1 << _BITS) - 1)


def _differing_keys(
    before: Callable[[], Rows[T]], after: Callable[[], Rows[T]], row_of: Callable[[T], Row], scratch: Path
) -> _Bits:
    """The digests of all keys whose rows differ."""
    found = _Bits()
    for old, new in _partition_files(before, after, scratch, lambda rows: _digests(rows, row_of)):
        sides = [dict(_DIGESTS.iter_unpack(path.read_bytes())) for path in (old, new)]
        for digest in sides[0].keys() | sides[1].keys():
            if sides[0].get(digest) != sides[1].get(digest):
                found.add(digest)
    return found


def _partition_files(
    before: Callable[[], Rows[T]],
    after: Callable[[], Rows[T]],
    scratch: Path,
    encode: Callable[[Rows[T]], Iterator[tuple[bytes, bytes]]],
) -> Iterator[tuple[Path, Path]]:
    """Pairs of files with the encoded rows of the two sides, partitioned by the first byte of the digest of the key."""
    pairs = [(scratch / f"before-{number:03}", scratch / f"after-{number:03}") for number in range(_FILES)]
    written: set[int] = set()
    for side, rows in enumerate((before, after)):
        with ExitStack() as stack:
            files: dict[int, IO[bytes]] = {}
            for digest, record in encode(rows()):
                file = files.get(digest[0])
                if file is None:
                    file = files[digest[0]] = stack.enter_context(pairs[digest[0]][side].open("wb"))
                file.write(record)
            written |= files.keys()
    for number in sorted(written):
        for path in pairs[number]:
            path.touch()
        yield pairs[number]
        for path in pairs[number]:
            path.unlink()


def _digests(rows: Rows[T], row_of: Callable[[T], Row]) -> Iterator[tuple[bytes, bytes]]:
    for key, each in rows:
        digest = _digest(key)
        yield digest, _DIGESTS.pack(digest, blake2b(_row_bytes(row_of(each)), digest_size=8).digest())


def _rows_of_keys(rows: Rows[T], row_of: Callable[[T], Row], differing: _Bits) -> Iterator[tuple[bytes, bytes]]:
    for key, each in rows:
        if (digest := _digest(key)) in differing:
            yield digest, json.dumps(key).encode() + b"\t" + _row_bytes(row_of(each)) + b"\n"


def _digest(key: str) -> bytes:
    return blake2b(key.encode(errors="surrogatepass"), digest_size=16).digest()


def _row_bytes(row: Row) -> bytes:
    """Equal bytes for equal rows."""
    try:
        if b"null" not in (encoded := _encode(row)):
            return encoded
    except (ValueError, OverflowError):  # an unpaired surrogate, or a number of more than 64 bits
        pass
    # msgspec writes NaN and infinities as null, too.
    return json.dumps(row, sort_keys=True, separators=(",", ":")).encode()


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        yield from file


def _split(line: bytes) -> tuple[str, bytes]:
    key, _, row = line.rstrip(b"\n").partition(b"\t")
    return json.loads(key), row


def _row_or_none(row: bytes | None) -> Row | None:
    return None if row is None else json.loads(row)
