"""How long a media file says it is: the one sure sign that a file was cut off.

Demuxers end quietly where the bytes end. The outermost boxes of the containers state their lengths, so they are
walked here, without reading media.
"""

import struct
from pathlib import Path
from typing import BinaryIO

_TOP_LEVEL_BOXES = 10_000
_SEGMENT = b"\x18\x53\x80\x67"
_EBML = b"\x1a\x45\xdf\xa3"


def is_cut_short(path: Path) -> bool:
    """Whether the container's own lengths reach beyond the end of the file."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(12)
        if head[4:8] in {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"styp", b"moof", b"pnot"}:
            return _boxes_end(file, size) > size
        if head[:4] == _EBML:
            return _segment_end(file) > size
        if head[:4] == b"RIFF":
            # Writers are sloppy about a RIFF's size; a whole index or movie list missing is another matter.
            end: int = struct.unpack("<I", head[4:8])[0] + 8
            return end > size + 1024
    return False


def _boxes_end(file: BinaryIO, size: int) -> int:
    """Where the last top-level box of an ISO media file ends by its header."""
    place = 0
    for _ in range(_TOP_LEVEL_BOXES):
        if place >= size:
            break
        file.seek(place)
        head = file.read(16)
        if len(head) < 8:
            return place + 8
        length: int = struct.unpack(">I", head[:4])[0]
        if length == 1:
            if len(head) < 16:
                return place + 16
            length = struct.unpack(">Q", head[8:16])[0]
        elif length == 0:
            return size
        if length < 8:
            break
        place += length
    return place


def _segment_end(file: BinaryIO) -> int:
    """Where the Matroska segment ends; 0 where its length is unknown (a live recording)."""
    file.seek(4)
    header = _vint(file)
    if header is None:
        return 0
    file.seek(header, 1)
    while (name := file.read(4)) and name != _SEGMENT:
        if name[:1] != b"\xec":
            return 0
        file.seek(-3, 1)
        skip = _vint(file)
        if skip is None:
            return 0
        file.seek(skip, 1)
    length = _vint(file)
    return 0 if length is None else file.tell() + length


def _vint(file: BinaryIO) -> int | None:
    """An EBML length; None at the end of the file and for the reserved value 'unknown'."""
    first = file.read(1)
    if not first or not first[0]:
        return None
    width = 9 - first[0].bit_length()
    rest = file.read(width - 1)
    value = int.from_bytes(first + rest, "big") & ((1 << 7 * width) - 1)
    return None if len(rest) < width - 1 or value == (1 << 7 * width) - 1 else value
