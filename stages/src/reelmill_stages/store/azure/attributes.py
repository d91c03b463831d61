"""The attributes of a blob, and metadata in the form that Azure accepts."""

from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

from azure.storage.blob import BlobProperties

from reelmill_stages.store import Stat
from reelmill_stages.store.keys import decode_metadata, encode_metadata

_META = "reelmill_"
"""Prefix of the names of metadata, which must be valid C# identifiers."""


def encoded(metadata: Mapping[str, str] | None) -> dict[str, str]:
    """Return metadata with names that Azure allows. Raises ValueError as `encode_metadata`."""
    return {_META + name.replace("-", "_"): value for name, value in encode_metadata(metadata).items()}


def listed(key: str, found: BlobProperties) -> Stat:
    """Return the attributes of a blob from a listing."""
    modified = found.last_modified.timestamp() if found.last_modified else 0.0
    return Stat(key, found.size or 0, plain(found.etag), modified)


def described(key: str, found: BlobProperties) -> Stat:
    """Return the attributes of a blob from a response to HEAD, including its metadata."""
    stat = listed(key, found)
    stored = {
        name[len(_META) :].replace("_", "-"): value
        for name, value in (found.metadata or {}).items()
        if name.lower().startswith(_META)
    }
    return Stat(key, stat.size, stat.etag, stat.modified, metadata=decode_metadata(stored))


def copied_from(source: str | None, url: str) -> bool:
    """Return whether the properties of a blob show that it is a copy of the one at a URL; the signature is ignored."""
    here, there = (urlsplit(each or "") for each in (source, url))
    return (here.netloc, unquote(here.path)) == (there.netloc, unquote(there.path))


def plain(etag: str | None) -> str:
    """Return an etag without its quotes."""
    return (etag or "").strip('"')
