"""NAL units inside the packets of H.264 and HEVC: where they begin, and whether they fill their packet.

In mp4 and Matroska each unit states its length; a packet whose lengths do not add up is damaged, which nothing but a
decoder would tell otherwise. Layouts: ISO/IEC 14496-15.
"""

from collections.abc import Iterator

_AVC_LENGTHS_AT, _HEVC_LENGTHS_AT = 4, 21
_HEAD = 16
"""Bytes of a unit that its reader needs."""


def length_size(codec: str, extradata: bytes) -> int:
    """Bytes of the lengths before the units; 0 where start codes divide them, and for other codecs."""
    at = {"h264": _AVC_LENGTHS_AT, "hevc": _HEVC_LENGTHS_AT}.get(codec)
    if at is None or len(extradata) <= at or extradata[0] != 1:
        return 0
    return (extradata[at] & 3) + 1


def is_whole(data: memoryview, size: int) -> bool:
    """Whether the units fill a packet exactly."""
    place, end = 0, len(data)
    while place + size <= end:
        place += size + int.from_bytes(data[place : place + size], "big")
    return place == end


def heads(data: bytes, size: int) -> Iterator[bytes]:
    """The first bytes of each unit of a packet."""
    if not size:
        for unit in data.split(b"\x00\x00\x01")[1:]:
            yield unit[:_HEAD]
        return
    place = 0
    while place + size < len(data):
        length = int.from_bytes(data[place : place + size], "big")
        place += size
        yield data[place : place + min(length, _HEAD)]
        place += length
