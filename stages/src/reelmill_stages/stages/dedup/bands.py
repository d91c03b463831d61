"""Terms of binary codes: bands of some of their bits, so that similar codes share at least one with high probability.

If the fraction p of the bits of two codes is equal, their bits in a band of w bits are equal with probability p ** w,
and more often if the different bits are near each other. The bytes of a band are fixed, so whether two codes share a
term depends only on the two codes.
"""

import hashlib
from functools import lru_cache
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

WIDTH = 4
"""Number of bytes of a band."""


def random_bits(name: str, count: int) -> Array:
    """Return `count` bits (0 and 1) that depend only on the name, not on the random generator of a library."""
    data = hashlib.shake_256(name.encode()).digest((count + 7) // 8)
    return np.unpackbits(np.frombuffer(data, np.uint8))[:count]


@lru_cache
def choice(length: int, bands: int) -> Array:
    """Return the bytes of a code in each band, (bands, 4): all bytes are used before one is used again."""
    chosen: list[int] = []
    turn = 0
    while len(chosen) < bands * WIDTH:
        noise = hashlib.shake_256(f"reelmill dedup bands {length} {turn}".encode()).digest(length * 8)
        chosen += np.argsort(np.frombuffer(noise, ">u8"), kind="stable").tolist()
        turn += 1
    return np.array(chosen[: bands * WIDTH]).reshape(bands, WIDTH)


def terms(codes: Array, bands: int) -> Array:
    """Return the terms of packed codes, uint8 (n, length), as uint64 (n, bands); those of different bands differ."""
    chosen = codes[:, choice(codes.shape[1], bands)].astype(np.uint64)
    found: Array = np.arange(bands, dtype=np.uint64) << np.uint64(32)
    for byte in range(WIDTH):
        found = found | (chosen[:, :, byte] << np.uint64(8 * byte))
    return found
