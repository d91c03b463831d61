"""Detection of files that lack their end, by comparing what the container lists with what the file has.

Demuxers stop silently where the bytes end. A readable file is checked against what its container lists (samples of an
mp4, frames of an AVI, the duration of a Matroska file); bytes after that are ignored. Only for a file that cannot be
read at all are the lengths of its outermost boxes checked, to distinguish a truncated file from a damaged one.
"""

import struct
from typing import BinaryIO

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from reelmill_stages.media.container.transport_packets import SIZE, SYNC, PacketForm, packet_form
from reelmill_stages.media_file import MediaFile, open_file, size_of

_TOP_LEVEL_BOXES = 10_000
_BOXES = {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"styp", b"moof", b"pnot", b"sidx", b"mfra", b"uuid"}
_SEGMENT = b"\x18\x53\x80\x67"
_EBML = b"\x1a\x45\xdf\xa3"
_VOID, _CRC = 0xEC, 0xBF
_UNKNOWN_SIZES = {0, 0xFFFFFFFF}
_DURATION_TOLERANCE = 0.5
"""Seconds by which a Matroska file's duration may exceed its last frame, because sound may be longer."""


def lacks_packets(path: MediaFile, container: InputContainer, stream: VideoStream, found: int, end: float) -> bool:
    """Whether the container lists pictures of the stream that the file lacks.

    `found` packets were read; the last picture ends at `end` seconds of the container's clock.
    """
    name = container.format.name
    if "mov" in name:
        size = size_of(path)
        listed = [entry for entry in stream.index_entries if entry.size]
        return found < len(listed) and any(entry.pos + entry.size > size for entry in listed)
    if name == "avi":
        return is_cut_short(path) and not 0 < stream.frames <= found
    if "matroska" in name:
        lasts = (container.duration or 0) / av.time_base
        return is_cut_short(path) and not 0 < lasts <= end + _DURATION_TOLERANCE
    return False


def is_cut_short(path: MediaFile) -> bool:
    """Whether the container's lengths, or the file's last packet, reach beyond the end of the file."""
    size = size_of(path)
    with open_file(path) as file:
        head = file.read(12)
        if head[4:8] in _BOXES:
            return _last_box_end(file, size) > size
        if head[:4] == _EBML:
            return _segment_end(file) > size
        if head[:4] == b"RIFF" and len(head) == 12:
            # Writers are careless about the size of a RIFF, but a missing index or movie list means truncation.
            length: int = struct.unpack("<I", head[4:8])[0]
            return length not in _UNKNOWN_SIZES and length + 8 > size + 1024
        form = packet_form(file)
        return form is not None and _ts_ends_within_a_packet(file, size, form)


def _ts_ends_within_a_packet(file: BinaryIO, size: int, form: PacketForm) -> bool:
    """Whether an MPEG transport stream ends with a partial packet; other trailing bytes are ignored."""
    last = size - size % form.size
    starts = []
    for place in (form.size, last - form.size, last):
        file.seek(max(place, 0) + form.before)
        starts.append(file.read(1))
    return last + form.before < size < last + form.before + SIZE and all(start == bytes([SYNC]) for start in starts)


def _last_box_end(file: BinaryIO, size: int) -> int:
    """Return where the last top-level box of an ISO media file ends by its header. Stops at bytes that are no box."""
    place = 0
    seen = set()
    for _ in range(_TOP_LEVEL_BOXES):
        if place >= size:
            break
        file.seek(place)
        head = file.read(16)
        if len(head) < 8 or head[4:8] not in _BOXES:
            break
        seen.add(head[4:8])
        length: int = struct.unpack(">I", head[:4])[0]
        if length == 1 and len(head) == 16:
            length = struct.unpack(">Q", head[8:16])[0]
        elif length == 0:
            return size
        if length < 8:
            break
        place += length
    return place if b"moov" in seen or place > size else size + 1


def _segment_end(file: BinaryIO) -> int:
    """Return where the Matroska segment ends; 0 if its length is unknown (a live recording)."""
    file.seek(4)
    header = _read_length(file)
    if header is None:
        return 0
    file.seek(min(header, 1 << 32), 1)
    for _ in range(_TOP_LEVEL_BOXES):
        first = file.read(1)
        if not first:
            return 0
        if first[0] in {_VOID, _CRC}:
            skip = _read_length(file)
            if skip is None:
                return 0
            file.seek(min(skip, 1 << 32), 1)
            continue
        if first + file.read(3) != _SEGMENT:
            return 0
        length = _read_length(file)
        return 0 if length is None else file.tell() + length
    return 0


def _read_length(file: BinaryIO) -> int | None:
    """Read an EBML length; None at the end of the file and for the reserved value 'unknown'."""
    first = file.read(1)
    if not first or not first[0]:
        return None
    width = 9 - first[0].bit_length()
    rest = file.read(width - 1)
    value = int.from_bytes(first + rest, "big") & ((1 << 7 * width) - 1)
    return None if len(rest) < width - 1 or value == (1 << 7 * width) - 1 else value
