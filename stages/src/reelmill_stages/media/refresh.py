"""Whether decoding may begin at an H.264 packet that its container calls a key frame.

Streams with periodic intra refresh have no intra pictures after the first: a "key frame" there is where a decoder can
begin to recover, and the pictures until it has are not those of the source. Slice headers tell: ITU-T H.264, 7.3.
"""

from reelmill_stages.media.nal import heads, length_size

_SLICE, _IDR = 1, 5
_INTRA = {2, 4, 7, 9}


def begins_clean(data: bytes, extradata: bytes) -> bool:
    """Whether all slices of a packet are intra. `extradata` tells how the packet is divided into units."""
    units = [unit for unit in heads(data, length_size("h264", extradata)) if len(unit) > 1]
    if any(unit[0] & 31 == _IDR for unit in units):
        return True
    return all(_slice_type(unit) in _INTRA for unit in units if unit[0] & 31 == _SLICE)


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
