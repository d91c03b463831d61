"""Where an mp4 keeps its index: the `moov` box, which lists time, size and place of every sample.

Box layout: ISO/IEC 14496-12. Movies in fragments have no such index: every fragment lists its own samples.
"""

import struct
from typing import BinaryIO

_BEFORE = {b"ftyp", b"mdat", b"free", b"skip", b"wide", b"pnot", b"uuid", b"meta", b"udta"}
_MOST_BOXES = 64
_LARGEST_INDEX = 256 << 20
_HEADER = 16


def movie_index(file: BinaryIO, size: int) -> range | None:
    """The bytes of the `moov` of a file of `size` bytes; None where there is none that lists all samples.

    Reads the headers of the outermost boxes, and of those in the `moov`.
    """
    found = None
    place = 0
    for _ in range(_MOST_BOXES):
        if place + _HEADER > size:
            break
        box = _box(file, place)
        if box is None:
            return None
        kind, length = box
        length = length or size - place
        if place + length > size or kind not in _BEFORE | {b"moov"}:
            return None
        if kind == b"moov":
            if found is not None or length > _LARGEST_INDEX:
                return None
            found = range(place, place + length)
        place += length
    return found if found is not None and not _is_fragmented(file, found) else None


def _is_fragmented(file: BinaryIO, moov: range) -> bool:
    place = moov.start + 8
    while place + 8 <= moov.stop:
        box = _box(file, place)
        if box is None or not box[1]:
            return True
        if box[0] == b"mvex":
            return True
        place += box[1]
    return False


def _box(file: BinaryIO, place: int) -> tuple[bytes, int] | None:
    """(kind, length in bytes with its header) of the box at a place; the length is 0 for "up to the end"."""
    file.seek(place)
    head = file.read(_HEADER)
    if len(head) < 8:
        return None
    length, kind = struct.unpack(">I4s", head[:8])
    if length == 1:
        length = struct.unpack(">Q", head[8:16])[0] if len(head) == _HEADER else 2
    return (kind, length) if length == 0 or length >= 8 else None
