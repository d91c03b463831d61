"""The CRC-32 of Ogg, FFV1 and MPEG streams: zlib's polynomial, most significant bit first, without inversion."""

import zlib

_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_ALL = 0xFFFFFFFF


def crc_from_highest(data: bytes, register: int = 0) -> int:
    """Return the CRC register after these bytes, starting from `register`."""
    return _reversed_bits(zlib.crc32(data.translate(_REVERSED), _reversed_bits(register) ^ _ALL) ^ _ALL)


def _reversed_bits(register: int) -> int:
    return int(f"{register:032b}"[::-1], 2)
