"""Rules for keys and metadata, equal for all stores.

They are the intersection of the rules of S3 servers and file systems, so that a pipeline that works with a folder also
works with a bucket. Additional restrictions of folders are in `local`.
"""

import re
from collections.abc import Mapping
from urllib.parse import quote, unquote

from reelmill.contract.errors import KeyRefused, StoreError
from reelmill.contract.records.layout import INTERNAL

MAX_KEY = 1024
"""Maximum length of a key in bytes of UTF-8, the limit of S3."""

MAX_NAME = 255
"""Maximum length of a part of a key in bytes: the limit of file systems, and of some S3 servers."""

MAX_METADATA = 1792
"""Maximum size of names and encoded values in bytes: the limit of S3 is 2048, and stores add metadata."""

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_EDGE = re.compile(r"^ | (?= )| $")
_PLAIN = " !#$&'()*+,-./:;<=>?@[]^_`{|}~"


def check_key(key: str) -> str:
    """Return a valid key. Raises KeyRefused if it is empty, absolute, too long, or leaves the root."""
    problem = key_problem(key)
    if problem:
        raise KeyRefused(
            f"{problem}: {key[:200]!r}",
            hint="keys must be relative, use /, and contain neither . or .. nor control characters",
        )
    return key


def check_new_key(key: str) -> str:
    """Return a valid key for a new object, which must not have empty parts. Raises KeyRefused."""
    if "" in check_key(key).split("/"):
        raise KeyRefused(f"empty name in key: {key[:200]!r}", hint="write a/b, not a//b or a/")
    return key


def check_room(prefix: str, key: str) -> str:
    """Return a key that is not too long together with the prefix of its store in a bucket. Raises KeyRefused."""
    size = len(f"{prefix}{key}".encode())
    if size > MAX_KEY:
        raise KeyRefused(
            f"with the prefix of the store, this key has {size} bytes; the maximum is {MAX_KEY}: {key[:200]!r}",
            hint="choose a shorter prefix for the store, or shorter names",
        )
    return key


def check_names(key: str) -> str:
    """Return a key whose parts are not too long for names of files. Raises KeyRefused."""
    if any(len(part.encode()) > MAX_NAME for part in key.split("/")):
        raise KeyRefused(f"a name in the key is longer than {MAX_NAME} bytes: {key[:200]!r}", hint="use shorter names")
    return key


def below(key: str, root: str) -> str:
    """Return the part of a key below the root of a data set, for a key from a record that must be below it.

    Raises StoreError for a key outside the root, or among reelmill's records.
    """
    name = check_new_key(key).removeprefix(f"{root}/")
    if name == key or INTERNAL in name.split("/"):
        raise StoreError(f"not a file of the data set {root}: {key[:200]!r}")
    return name


def check_prefix(prefix: str) -> str:
    """Return a valid prefix of keys, which may be empty and may end within a name. Raises StoreError."""
    if prefix:
        check_key(prefix + "x" if prefix.endswith(("/", ".")) else prefix)
    return prefix


def key_problem(key: str) -> str:
    """Return why no object can be read under a key; empty for a valid key."""
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
        return "key is not valid Unicode"
    return f"key of {size} bytes is longer than {MAX_KEY}" if size > MAX_KEY else ""


def encode_metadata(metadata: Mapping[str, str] | None) -> dict[str, str]:
    """Return metadata as ASCII: characters that HTTP headers do not allow are percent-encoded.

    Raises ValueError for names with other characters than lower-case letters, digits and hyphens, and for more than
    MAX_METADATA bytes.
    """
    encoded = {name: _EDGE.sub("%20", quote(value, safe=_PLAIN)) for name, value in (metadata or {}).items()}
    for name in encoded:
        if not _NAME.fullmatch(name):
            raise ValueError(f"metadata name {name!r}: use lower-case letters, digits and hyphens")
    size = sum(len(name) + len(value) for name, value in encoded.items())
    if size > MAX_METADATA:
        raise ValueError(f"metadata of {size} bytes is larger than {MAX_METADATA}")
    return encoded


def decode_metadata(encoded: Mapping[str, str]) -> dict[str, str]:
    """Decode the result of `encode_metadata`; names are in lower case."""
    return {name.lower(): unquote(value) for name, value in encoded.items()}
