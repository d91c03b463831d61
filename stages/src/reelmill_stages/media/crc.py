"""The CRC-32 of Ogg and FFV1: that of zlib, but bits are taken from the highest on, and nothing is inverted."""

import zlib

_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_ALL = 0xFFFFFFFF


def crc_from_highest(data: bytes, register: int = 0) -> int:
    """The register, which was `register`, after these bytes."""
    return _turned(zlib.crc32(data.translate(_REVERSED), _turned(register) ^ _ALL) ^ _ALL)


def _turned(register: int) -> int:
    return int(f"{register:032b}"[::-1], 2)
