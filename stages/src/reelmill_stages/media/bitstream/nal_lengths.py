"""Check that the NAL units of H.264 and HEVC fill their packet.

In mp4 and Matroska each unit states its length. A packet whose lengths do not add up is damaged; otherwise only a
decoder would detect this. Layouts: ISO/IEC 14496-15.
"""

_AVC_LENGTHS_AT, _HEVC_LENGTHS_AT = 4, 21


def length_size(codec: str, extradata: bytes) -> int:
    """Return the size of the length before each unit; 0 if units are separated by start codes, and for other codecs."""
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
