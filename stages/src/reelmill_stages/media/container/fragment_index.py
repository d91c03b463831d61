"""Location of the index of a fragmented mp4: a `moof` box before each fragment lists its samples.

The file order defines the fragments. `mfra` (at the end) or `sidx` (at the front) lists where they begin, so that their
boxes can be transferred in parallel. Box layout: ISO/IEC 14496-12.
"""

import struct
from typing import BinaryIO

from reelmill_stages.media.container.boxes import Box, boxes
from reelmill_stages.media_file import RemoteObject, buffered, read_exactly

_AHEAD = 2 << 10
"""Bytes of a fragment that are transferred first: the index of a few seconds."""
_LARGEST = 32 << 20
"""Maximum bytes of an index; every demuxer reads all of it."""
_KNOWN = frozenset(b"ftyp styp moov moof mdat sidx ssix mfra free skip emsg prft uuid".split())
_FIELDS = 4
"""Bytes of version and flags."""


def fragment_index(source: RemoteObject) -> list[range] | None:
    """Return the ranges of all boxes except media data; None if the file is not fragmented or has no list of fragments.

    Raises the errors of reading the source, and WholeFileNeeded if the ranges cover most of it.
    """
    file = buffered(source)
    try:
        starts = _offsets_in_mfra(source, file) or _offsets_in_sidx(source, file)
        if not starts:
            return None
        source.expect([range(start, min(start + _AHEAD, source.size)) for start in sorted(starts)])
        found = [box for box in boxes(file, 0, source.size) if _known_box(box).kind != b"mdat"]
    except (ValueError, EOFError, IndexError, struct.error):
        return None
    if not {b"moov", b"moof"} <= {box.kind for box in found} or sum(len(box.whole) for box in found) > _LARGEST:
        return None
    return [box.whole for box in found]


def _known_box(box: Box) -> Box:
    if box.kind not in _KNOWN:
        raise ValueError(f"an unknown box at byte {box.start}")
    return box


def _offsets_in_mfra(source: RemoteObject, file: BinaryIO) -> set[int]:
    """Return the starts of fragments listed in `mfra`."""
    file.seek(max(0, source.size - 16))
    last = file.read(16)
    if last[4:8] != b"mfro":
        return set()
    (length,) = struct.unpack(">I", last[12:])
    found: set[int] = set()
    (mfra,) = boxes(file, source.size - length, source.size)
    for box in boxes(file, mfra.content, mfra.end):
        if box.kind == b"tfra":
            found |= _tfra_offsets(_read_box(source, box))
    return found


def _read_box(source: RemoteObject, box: Box) -> bytes:
    if len(box.whole) > _LARGEST:
        raise ValueError(f"the box at byte {box.start} is too large")
    return read_exactly(source, range(box.content, box.end))


def _tfra_offsets(table: bytes) -> set[int]:
    """Return the offsets of `moof` boxes in a `tfra`."""
    _, lengths, count = struct.unpack_from(">III", table, _FIELDS)
    place = struct.Struct(">QQ" if table[0] else ">II")
    step = place.size + sum((lengths >> shift & 3) + 1 for shift in (4, 2, 0))
    return {place.unpack_from(table, _FIELDS + 12 + number * step)[1] for number in range(count)}


def _offsets_in_sidx(source: RemoteObject, file: BinaryIO) -> set[int]:
    """Return the starts of fragments listed in a `sidx` before the first fragment, if it lists several."""
    for box in boxes(file, 0, source.size):
        if box.kind in (b"moof", b"mdat"):
            break
        if box.kind == b"sidx":
            return _sidx_offsets(_read_box(source, box), box.end)
    return set()


def _sidx_offsets(table: bytes, end: int) -> set[int]:
    times = struct.Struct(">QQ" if table[0] else ">II")
    _, first = times.unpack_from(table, _FIELDS + 8)
    _, count = struct.unpack_from(">HH", table, _FIELDS + 8 + times.size)
    place = end + first
    found = set()
    for number in range(count if count > 1 else 0):
        (word,) = struct.unpack_from(">I", table, _FIELDS + 12 + times.size + 12 * number)
        found.add(place)
        place += word & 0x7FFFFFFF
    return found
