"""Position of an item in [0, 1), by a hash of its key and a seed: items below a share are a stable subset.

A larger share contains a smaller one, and new items do not change the positions of others.
"""

import hashlib

_BITS = 53


def position(key: str, seed: int) -> float:
    """Return the position of a key, uniform in [0, 1)."""
    digest = hashlib.sha256(f"{seed}:{key}".encode()).digest()
    return float(int.from_bytes(digest[:8], "big") >> (64 - _BITS)) / float(1 << _BITS)
