"""Canonical JSON and digests: equal meaning gives equal bytes gives an equal name."""

import hashlib
import json


def canonical(value: object) -> bytes:
    """UTF-8 JSON with sorted keys and no spaces. Raises TypeError or ValueError for what JSON cannot say (NaN too)."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def sha256(data: bytes) -> str:
    """`sha256:<hex>` of bytes."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def fingerprint(value: object) -> str:
    """64 hex digits over the canonical JSON of a value."""
    return hashlib.sha256(canonical(value)).hexdigest()
