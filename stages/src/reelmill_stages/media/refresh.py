"""Whether decoding may begin at an H.264 packet that its container calls a key frame.

Streams with periodic intra refresh have no intra pictures after the first: a "key frame" there is where a decoder can
begin to recover, and the pictures until it has are not those of the source. Slice headers tell: ITU-T H.264, 7.3.
"""

from collections.abc import Iterator

_SLICE, _IDR = 1, 5
_INTRA = {2, 4, 7, 9}


def begins_clean(data: bytes, extradata: bytes) -> bool:
    """Whether all slices of a packet are intra. `extradata` tells how the packet is divided into units."""
    kinds = [(unit[0] & 31, unit) for unit in _units(data, extradata) if len(unit) > 1]
    slices = [unit for kind, unit in kinds if kind == _SLICE]
    return any(kind == _IDR for kind, _ in kinds) or all(_slice_type(unit) in _INTRA for unit in slices)


def _units(data: bytes, extradata: bytes) -> Iterator[bytes]:
    if extradata[:1] != b"\x01" or len(extradata) < 5:
        for unit in data.split(b"\x00\x00\x01")[1:]:
            yield unit[:16]
        return
    width, place = (extradata[4] & 3) + 1, 0
    while place + width < len(data):
        length = int.from_bytes(data[place : place + width], "big")
        place += width
        yield data[place : place + min(length, 16)]
        place += length


def _slice_type(unit: bytes) -> int:
    """The second of the two Exp-Golomb numbers that a slice header begins with."""
    bits = int.from_bytes(unit[1:], "big")
    left = 8 * (len(unit) - 1)
    value = -1
    for _ in range(2):
        zeros = left - bits.bit_length()
        left -= 2 * zeros + 1
        if left < 0:
            return -1
        value = (bits >> left) - 1
        bits &= (1 << left) - 1
    return value
