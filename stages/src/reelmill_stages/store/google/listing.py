"""Lists a bucket page by page, and reads attributes of its objects."""

from collections.abc import Iterator
from functools import partial

from google.cloud.storage import Blob

from reelmill_stages.store import Stat
from reelmill_stages.store.google.client import BucketClient
from reelmill_stages.store.keys import decode_metadata

_FIELDS = "items(name,size,generation,updated),prefixes,nextPageToken"


def pages(client: BucketClient, prefix: str, delimiter: str = "") -> Iterator[tuple[list[Blob], list[str]]]:
    """Yield the pages of a listing, as (objects, names of folders); each is retried separately."""
    token: str | None = None
    while True:
        objects, folders, token = client.call("", partial(_page, client, prefix, token, delimiter))
        yield objects, folders
        if not token:
            return


def _page(
    client: BucketClient, prefix: str, token: str | None, delimiter: str
) -> tuple[list[Blob], list[str], str | None]:
    answer = client.bucket().list_blobs(
        prefix=prefix, page_token=token, delimiter=delimiter or None, fields=_FIELDS, **client.options
    )
    objects = list(next(answer.pages, ()))
    return objects, sorted(answer.prefixes), answer.next_page_token


def listed(key: str, found: Blob) -> Stat:
    """Return the attributes of an object from a listing. Its etag is its generation, which every write changes."""
    modified = found.updated.timestamp() if found.updated else 0.0
    return Stat(key, found.size or 0, str(found.generation), modified)


def described(key: str, found: Blob) -> Stat:
    """Return the attributes of an object from a response about it, including its metadata."""
    stat = listed(key, found)
    stored = {name: value for name, value in (found.metadata or {}).items() if isinstance(value, str)}
    return Stat(key, stat.size, stat.etag, stat.modified, metadata=decode_metadata(stored))
