"""From a uri to a store: `s3://bucket/prefix`, `file:///folder`, `/folder` or `folder`."""

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote

from reelmill.contract.errors import SpecError
from reelmill.contract.task import Connection, StoreRef
from reelmill_stages.store import Store
from reelmill_stages.store.local.store import LocalStore
from reelmill_stages.store.read_only import ReadOnly


def split_uri(uri: str) -> tuple[str, str]:
    """(root, key): `s3://b/x/y` gives (`s3://b`, `x/y`), a path gives (`/`, the absolute path without its first slash).

    Nothing is looked up. A relative path counts from the working folder; a trailing slash stays, and `.` and `..` are
    resolved in paths. Raises SpecError for another scheme or an s3 uri without a bucket.
    """
    scheme, separator, rest = uri.partition("://")
    if separator and scheme == "s3":
        bucket, _, key = rest.partition("/")
        if not bucket:
            raise SpecError("no bucket in the uri", where=uri, hint="write s3://bucket/prefix")
        return f"s3://{bucket}", key
    if separator and scheme == "file":
        uri = unquote(rest.removeprefix("localhost"))
        if not uri.startswith("/"):
            raise SpecError("a file uri names an absolute path", where=f"file://{rest}", hint="write file:///folder")
    elif separator:
        raise SpecError(
            f"unknown scheme {scheme!r}", where=uri, hint="write s3://bucket/prefix, file:///folder or a path"
        )
    if not uri or "\0" in uri:
        raise SpecError("empty uri" if not uri else "NUL in the uri", where=repr(uri), hint="write s3://… or a path")
    path = os.path.abspath(uri)  # noqa: PTH100 - Path.absolute keeps `..`, resolve follows links
    tail = "/" if uri.endswith("/") and path != "/" else ""
    return "/", path.lstrip("/") + tail


def open_store(ref: StoreRef, *, env: Mapping[str, str]) -> Store:
    """The pipeline's store. Credentials come from `env` (see `credentials`).

    Nothing is contacted yet: `probe` tells whether it works. Raises SpecError for a uri that cannot be one.
    """
    return _open(ref.uri, *split_uri(ref.uri), ref.connection, env)


def open_location(uri: str, connection: Connection, env: Mapping[str, str]) -> Store:
    """A read-only store on the whole bucket or file system that `uri` lies in.

    Its keys are the second half of `split_uri(uri)`, so one store serves every uri with the same first half.
    """
    root, _ = split_uri(uri)
    return ReadOnly(_open(root, root, "", connection, env))


def _open(uri: str, root: str, key: str, connection: Connection, env: Mapping[str, str]) -> Store:
    if root.startswith("s3://"):
        from reelmill_stages.store.s3.store import S3Store  # a folder needs no S3 client

        return S3Store(root.removeprefix("s3://"), key.strip("/"), connection=connection, env=env, uri=uri)
    return LocalStore(Path(root, key), uri=uri)
