"""Lists a container page by page; each page is retried separately."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from azure.storage.blob import BlobPrefix, BlobProperties, ContainerClient

Call = Callable[[str, Callable[[], Any]], Any]
"""Sends a request about a key (empty: about the container), and retries it."""


def blobs(container: ContainerClient, prefix: str, call: Call) -> Iterator[BlobProperties]:
    """Yield all blobs whose names begin with `prefix`, with their metadata."""
    return _paged(partial(container.list_blobs, name_starts_with=prefix, include=["metadata"]), call)


def folder_names(container: ContainerClient, prefix: str, call: Call) -> list[str]:
    """Return the names up to the next `/` after `prefix`, sorted."""
    found = _paged(partial(container.walk_blobs, name_starts_with=prefix, delimiter="/"), call)
    names = (each.name.removeprefix(prefix).rstrip("/") for each in found if isinstance(each, BlobPrefix))
    return sorted(filter(None, names))


def _paged(ask: Callable[[], Any], call: Call) -> Iterator[Any]:
    token: str | None = None
    while True:
        # The attribute with the token is missing in the type of the iterator.
        pages: Any = ask().by_page(token)
        yield from call("", partial(_page, pages))
        token = pages.continuation_token
        if not token:
            return


def _page(pages: Iterator[Iterator[BlobProperties]]) -> list[BlobProperties]:
    return list(next(pages, ()))
