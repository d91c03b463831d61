"""The attributes of an object, from a listing or from the response to HEAD."""

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from minio.datatypes import Object

from reelmill_stages.store import Stat
from reelmill_stages.store.keys import decode_metadata
from reelmill_stages.store.s3 import checksums

META = "x-amz-meta-"
"""Prefix of the headers with user-defined metadata."""


def listed(key: str, found: Object) -> Stat:
    """Return the attributes of an object from a listing."""
    modified = found.last_modified.timestamp() if found.last_modified else 0.0
    return Stat(key, found.size or 0, found.etag or "", modified, found.version_id or "")


def described(key: str, found: Object) -> Stat:
    """Return the attributes of an object from the response to HEAD, including its metadata and its checksum."""
    headers = cast("Mapping[str, str]", found.metadata or {})
    encoded = {
        name[len(META) :]: value
        for name, value in headers.items()
        if name.lower().startswith(META) and name.lower() != checksums.RECORD
    }
    return replace(listed(key, found), metadata=decode_metadata(encoded), checksum=checksums.content_digest(headers))
