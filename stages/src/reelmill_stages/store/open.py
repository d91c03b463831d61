"""Opens stores by URI: `s3://bucket/prefix`, `az://container/prefix`, `file:///folder`, `/folder` or `folder`."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from reelmill.contract.errors import SpecError
from reelmill.contract.task import Connection, StoreRef
from reelmill_stages.store import Store
from reelmill_stages.store.local.store import LocalStore
from reelmill_stages.store.read_only import ReadOnly

BUCKETS = {"s3": "s3://bucket/prefix", "az": "az://container/prefix"}
"""Scheme -> form of the URIs of stores on servers."""


def is_bucket(uri: str) -> bool:
    """Whether a URI is that of a store on a server, not of a folder."""
    scheme, separator, _ = uri.partition("://")
    return bool(separator) and scheme in BUCKETS


def connection_to(uri: str, own: Connection | None, store: StoreRef) -> Connection:
    """The connection that reads `uri`: its own, or the store's if both are on servers of one kind."""
    if own is not None:
        return own
    here, there = uri.partition("://")[0], store.uri.partition("://")[0]
    return store.connection if here == there or not (is_bucket(uri) and is_bucket(store.uri)) else Connection()


def split_uri(uri: str) -> tuple[str, str]:
    """Split a URI into (root, key): (`s3://b`, `x/y`) for `s3://b/x/y`; (`/`, absolute path without its first slash).

    Does not access anything. Relative paths are relative to the working directory; a trailing slash is kept, and `.`
    and `..` in paths are resolved. Raises SpecError for another scheme or an S3 URI without a bucket.
    """
    scheme, separator, rest = uri.partition("://")
    if separator and scheme in BUCKETS:
        bucket, _, key = rest.partition("/")
        if not bucket:
            raise SpecError("the URI has no bucket", where=uri, hint=f"use {BUCKETS[scheme]}")
        return f"{scheme}://{bucket}", key
    if separator and scheme == "file":
        uri = unquote(rest.removeprefix("localhost"))
        if not uri.startswith("/"):
            raise SpecError("a file URI requires an absolute path", where=f"file://{rest}", hint="use file:///folder")
    elif separator:
        raise SpecError(
            f"unknown scheme {scheme!r}", where=uri, hint=f"use {', '.join(BUCKETS.values())}, file:///folder or a path"
        )
    if not uri or "\0" in uri:
        raise SpecError("empty URI" if not uri else "NUL in the URI", where=repr(uri), hint="use s3://… or a path")
    path = os.path.abspath(uri)  # noqa: PTH100 - Path.absolute keeps `..`, resolve follows links
    tail = "/" if uri.endswith("/") and path != "/" else ""
    return "/", path.lstrip("/") + tail


def open_store(
    ref: StoreRef | str, *, env: Mapping[str, str] | None = None, endpoint: str = "", region: str = ""
) -> Store:
    """Open the store of a pipeline: `s3://bucket/prefix`, `file:///folder` or a folder.

    `endpoint` (`https://host:port`) and `region` are those of the S3 server; the defaults are AWS's. Credentials are
    read from the standard AWS variables in `env`, by default the environment of the process. Sends no request, so a
    wrong address is noticed by the first read. Raises SpecError for an invalid URI.
    """
    if isinstance(ref, str):
        ref = StoreRef(uri=ref, connection=Connection(endpoint=endpoint, region=region))
    return _open(ref.uri, *split_uri(ref.uri), ref.connection, os.environ if env is None else env)


def open_location(uri: str, connection: Connection, env: Mapping[str, str]) -> Store:
    """Open a read-only store for the whole bucket or file system that contains `uri`.

    Its keys are the second element of `split_uri(uri)`, so one store serves all URIs with the same root.
    """
    root, _ = split_uri(uri)
    return ReadOnly(_open(root, root, "", connection, env))


def _open(uri: str, root: str, key: str, connection: Connection, env: Mapping[str, str]) -> Store:
    if root.startswith("s3://"):
        from reelmill_stages.store.s3.store import S3Store  # imported only if needed

        return S3Store(root.removeprefix("s3://"), key.strip("/"), connection=connection, env=env, uri=uri)
    if root.startswith("az://"):
        return azure_store(uri, root, key, connection, env)
    return LocalStore(Path(root, key), uri=uri)


def azure_store(
    uri: str,
    root: str,
    key: str,
    connection: Connection,
    env: Mapping[str, str],
    **more: Any,
) -> Store:
    """A store in Azure; `more` are arguments of `AzureStore`. Raises SpecError if its client is not installed."""
    try:
        from reelmill_stages.store.azure.store import AzureStore
    except ImportError as error:
        raise SpecError(
            "the package 'azure-storage-blob' is not installed",
            where=uri,
            hint="pip install 'reelmill-stages[azure]'",
        ) from error
    return AzureStore(root.removeprefix("az://"), key.strip("/"), connection=connection, env=env, uri=uri, **more)
