"""Codecs whose pictures are independent, or depend on earlier pictures only for tables."""

import re
from collections.abc import Iterator

from reelmill_stages.media.bitstream.units import DamagedPacket, Unit

CODECS = frozenset(
    {
        "mjpeg", "mjpegb", "ljpeg", "jpegls", "jpeg2000", "prores", "dnxhd", "dvvideo", "huffyuv", "ffvhuff", "utvideo",
        "magicyuv", "cfhd", "v210", "v308", "v408", "v410", "rawvideo", "hap", "png", "bmp", "tiff", "webp",
    }
)  # fmt: skip
"""FFmpeg's names."""


class IntraReader:
    """Reader for codecs with one picture per packet."""

    def __init__(self) -> None:
        self._count = 0

    def read(self, data: memoryview) -> Unit:
        self._count += 1
        return Unit(shown=True, entry=True, order=(self._count,), droppable=True)


_MARKER = re.compile(rb"\xff[\xc0-\xfe]")
"""Decoders skip what lies between segments: padding, and bytes before the picture."""
_START = re.compile(rb"\x00*\xff+\xd8")
"""Padding, and the marker with which every picture begins."""
_SCAN_START, _END = b"\xff\xda", b"\xff\xd9"
_TABLES = _QUANTISATION, _HUFFMAN = 0xDB, 0xC4
_ALONE = frozenset(range(0xD0, 0xDA))
"""Markers without a length."""
_SCAN = 0xDA


class MjpegReader:
    """Reader for MJPEG.

    Pictures may omit tables that do not change (ISO/IEC 10918-1, B.4): decoding may begin where all tables are sent.
    Pictures without any Huffman tables use the standard ones.
    """

    def __init__(self) -> None:
        self._count = 0
        self._known: set[tuple[int, int]] = set()
        self._marks_ends = False
        """Whether pictures of this stream end with a marker, which some cameras omit."""

    def read(self, data: memoryview) -> Unit:
        self._count += 1
        if data and not _START.match(data):
            raise DamagedPacket("no picture begins where the packet does")
        ends = _has_end(bytes(data))
        if self._marks_ends and not ends:
            raise DamagedPacket("a picture lacks its end")
        self._marks_ends = ends
        here = set(_tables(data))
        self._known |= here
        entry = here == self._known and any(kind == _QUANTISATION for kind, _ in here)
        return Unit(shown=True, entry=entry, order=(self._count,), droppable=True)


def _has_end(picture: bytes) -> bool:
    """Whether a marker of the end follows the last scan: coded data never contains one."""
    return picture.rfind(_END) > picture.rfind(_SCAN_START)


def _tables(data: memoryview) -> Iterator[tuple[int, int]]:
    """Yield (marker, number) of each table before the first scan of a picture."""
    place = 0
    while (found := _MARKER.search(data, place)) and (kind := data[found.end() - 1]) != _SCAN:
        place = found.end()
        if kind in _ALONE:
            continue
        end = min(place + int.from_bytes(data[place : place + 2]), len(data))
        at = place + 2
        while kind in _TABLES and at < end:
            yield kind, data[at] & (15 if kind == _QUANTISATION else 31)
            size = 64 << (data[at] >> 4 & 1) if kind == _QUANTISATION else 16 + sum(data[at + 1 : at + 17])
            at += 1 + size
        place = max(end, place + 2)
