"""Canonical JSON and digests: equal values have equal bytes and equal digests."""

import hashlib
import json

_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


def canonical(value: object) -> bytes:
    """UTF-8 JSON with sorted keys and no spaces.

    Raises TypeError or ValueError for values that JSON cannot represent, including NaN.
    """
    return _encode(value).encode()


def sha256(data: bytes) -> str:
    """SHA-256 of `data` as `sha256:<hex>`."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def fingerprint(value: object) -> str:
    """SHA-256 of a value's canonical JSON, as 64 hex digits."""
    return hashlib.sha256(canonical(value)).hexdigest()


def view_fingerprint(view: dict[str, object]) -> str:
    """Fingerprint of view parameters, 10 hex digits, as used in reports."""
    return fingerprint(view)[:10]
