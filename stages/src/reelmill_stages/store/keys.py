"""What a key and an object's metadata may look like, in every store alike.

The rules are the intersection of what S3 servers and file systems take, so that a pipeline which works on a folder
works on a bucket. What a folder cannot hold besides is in `local`.
"""

import re
from collections.abc import Mapping
from urllib.parse import quote, unquote

from reelmill.contract.errors import StoreError
from reelmill.contract.layout import INTERNAL

MAX_KEY = 1024
"""Bytes of UTF-8; the limit of S3."""

MAX_METADATA = 2048
"""Bytes of names and encoded values together; the limit of S3."""

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_EDGE = re.compile(r"^ | (?= )| $")
_PLAIN = " !#$&'()*+,-./:;<=>?@[]^_`{|}~"


def check_key(key: str) -> str:
    """The key, if it is one. Raises StoreError for an empty, absolute, too long or escaping key."""
    problem = _problem(key)
    if problem:
        raise StoreError(
            f"{problem}: {key[:200]!r}",
            hint="keys are relative, use /, and contain no . or .. and no control characters",
        )
    return key


def check_new_key(key: str) -> str:
    """The key, if an object may be written under it: in a folder every part is a name, so no part may be empty."""
    if "" in check_key(key).split("/"):
        raise StoreError(f"empty name in key: {key[:200]!r}", hint="write a/b, not a//b or a/")
    return key


def below(key: str, root: str) -> str:
    """What a key adds to the root of a data set, where a record says that it lies below it: what it leads to is used.

    Raises StoreError for a key that leads elsewhere, or among reelmill's own records.
    """
    name = check_new_key(key).removeprefix(f"{root}/")
    if name == key or INTERNAL in name.split("/"):
        raise StoreError(f"this is no file of the data set {root}: {key[:200]!r}")
    return name


def check_prefix(prefix: str) -> str:
    """The prefix, if a key can begin with it: like a key, but it may be empty and may end in the middle of a name."""
    if prefix:
        check_key(prefix + "x" if prefix.endswith(("/", ".")) else prefix)
    return prefix


def _problem(key: str) -> str:
    if not key:
        return "empty key"
    if key.startswith("/"):
        return "absolute key"
    if _CONTROL.search(key):
        return "control character in key"
    if any(part in (".", "..") for part in key.split("/")):
        return "key leaves the store's root"
    try:
        size = len(key.encode())
    except UnicodeEncodeError:
        return "key is not valid unicode"
    return f"key of {size} bytes, {MAX_KEY} are allowed" if size > MAX_KEY else ""


def encode_metadata(metadata: Mapping[str, str] | None) -> dict[str, str]:
    """Metadata as ASCII: what HTTP headers cannot carry is percent-encoded.

    Raises ValueError for names other than lower-case letters, digits and hyphens, and when all is over 2 KB.
    """
    encoded = {name: _EDGE.sub("%20", quote(value, safe=_PLAIN)) for name, value in (metadata or {}).items()}
    for name in encoded:
        if not _NAME.fullmatch(name):
            raise ValueError(f"metadata name {name!r}: use lower-case letters, digits and hyphens")
    size = sum(len(name) + len(value) for name, value in encoded.items())
    if size > MAX_METADATA:
        raise ValueError(f"metadata of {size} bytes, {MAX_METADATA} are allowed")
    return encoded


def decode_metadata(encoded: Mapping[str, str]) -> dict[str, str]:
    """The inverse of `encode_metadata`; names come back in lower case."""
    return {name.lower(): unquote(value) for name, value in encoded.items()}
