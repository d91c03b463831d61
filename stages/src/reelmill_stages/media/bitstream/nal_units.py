"""NAL units of a packet, and tracking of the parameter sets that a decoder needs.

A decoder that begins in the middle has the sets of the file's header and of the packets from there on. If a set changed
earlier and is not sent again, decoding cannot begin at that packet.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from reelmill_stages.media.bitstream.units import DamagedPacket

_START = b"\x00\x00\x01"
_ZEROS = b"\x00\x00\x00"
_HOLE = re.compile(rb"\x00{3,}[\x02-\xff]")
_MOST_AT_END = 16
"""Maximum number of zero bytes after a unit with a length; some muxers keep those of the next start code."""


def of_packet(data: memoryview, size: int) -> Iterator[memoryview]:
    """Yield units without their lengths (`size` bytes each), or without start codes if `size` is 0.

    Raises Unknown for lengths that exceed the packet.
    """
    if not size:
        yield from of_stream(bytes(data))
        return
    place, end = 0, len(data)
    while place + size < end:
        length = int.from_bytes(data[place : place + size], "big")
        place += size
        if place + length > end:
            raise DamagedPacket("a packet is damaged")
        if length:
            yield data[place : place + length]
        place += length


def of_stream(data: bytes) -> Iterator[memoryview]:
    """Yield the units between start codes."""
    view = memoryview(data)
    place = data.find(_START)
    while place >= 0:
        begin = place + 3
        place = data.find(_START, begin)
        unit = view[begin : place if place >= 0 else len(data)]
        if unit:
            yield unit


def has_hole(unit: memoryview, size: int) -> bool:
    """Whether a slice contains zeros that an encoder cannot write, which means a hole in the file.

    Three zero bytes never occur in a unit (emulation prevention, ITU-T H.264 and H.265, 7.4.1). HEVC decoders decode
    them without an error. `size` is that of the units' lengths; 0 for start codes, which zeros may precede.
    """
    data = bytes(unit)
    return _ZEROS in data and (bool(_HOLE.search(data)) or (size > 0 and data.endswith(bytes(_MOST_AT_END))))


class ParameterSets:
    """The parameter sets of the file's header, and which of them the stream changed."""

    def __init__(self) -> None:
        self._header: dict[tuple[int, int], bytes] = {}
        self._changed: set[tuple[int, int]] = set()

    def register_header_set(self, kind: int, number: int, data: bytes) -> None:
        """Register a set from the file's header."""
        self._header[kind, number] = data

    def register_packet_set(self, kind: int, number: int, data: bytes) -> tuple[int, int]:
        """Register a set from a packet. If the header lacks this number, the first set counts as the header's."""
        data = data.rstrip(b"\x00")
        if self._header.get((kind, number), b"").rstrip(b"\x00") == data:
            self._changed.discard((kind, number))
        else:
            self._changed.add((kind, number))
        return kind, number

    def includes_all_changes(self, here: set[tuple[int, int]]) -> bool:
        """Whether a packet with the sets `here` includes all sets that the stream has changed."""
        return self._changed <= here
