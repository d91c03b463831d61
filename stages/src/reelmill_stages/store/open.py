"""Opens stores by URI.

Stores are `s3://bucket/prefix`, `az://container/prefix`, `gs://bucket/prefix`, `file:///folder`, `/folder` or `folder`.
Sources may also be on web servers, `https://host/path`, and on the Hugging Face Hub, `hf://datasets/owner/name/path`.
"""

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from reelmill.contract.errors import SpecError
from reelmill.contract.task import Connection, StoreRef
from reelmill.contract.task_parts.web_limits import WebLimits
from reelmill.contract.text.urls import has_user_info, is_signed, without_user_info
from reelmill_stages.store import Store
from reelmill_stages.store.hub.address import split_hub_uri
from reelmill_stages.store.local.store import LocalStore
from reelmill_stages.store.read_only import ReadOnly
from reelmill_stages.store.retry import Patience
from reelmill_stages.store.web.urls import is_web

BUCKETS = {"s3": "s3://bucket/prefix", "az": "az://container/prefix", "gs": "gs://bucket/prefix"}
"""Scheme -> form of the URIs of stores on servers."""
CLIENTS = {"az": ("azure-storage-blob", "azure"), "gs": ("google-cloud-storage", "google")}
"""Scheme -> package with the client of its servers, and the extra that installs it."""


READ_ONLY = {
    "https": "https://host/path",
    "http": "http://host/path",
    "hf": "hf://datasets/owner/name@revision/path",
}
"""Scheme -> form of the URIs of sources that cannot be stores."""
_FORMS = ", ".join((*BUCKETS.values(), *READ_ONLY.values()))
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_PLAIN_URL = "write https://host/path without a user, fragment, signature or token: records would keep it"


def is_read_only(uri: str) -> bool:
    """Return whether a URI is that of a source that cannot be a store."""
    scheme, separator, _ = uri.partition("://")
    return bool(separator) and scheme in READ_ONLY


def is_bucket(uri: str) -> bool:
    """Return whether a URI is that of a store on a server, not of a folder."""
    scheme, separator, _ = uri.partition("://")
    return bool(separator) and scheme in BUCKETS


def connection_to(uri: str, own: Connection | None, store: StoreRef) -> Connection:
    """Return the connection that reads `uri`: its own, or the store's if both are on servers of one kind."""
    if own is not None or is_read_only(uri):
        return own or Connection()
    of = store.connected or store.uri
    here, there = uri.partition("://")[0], of.partition("://")[0]
    return store.connection if here == there or not (is_bucket(uri) and is_bucket(of)) else Connection()


def split_uri(uri: str) -> tuple[str, str]:
    """Split a URI into (root, key): (`s3://b`, `x/y`) for `s3://b/x/y`; (`/`, absolute path without its first slash).

    The query of a URL belongs to the key. Does not access anything. Relative paths are relative to the working
    directory; a trailing slash is kept, and `.` and `..` in paths are resolved. Raises SpecError for another scheme, an
    S3 URI without a bucket, or a URL with a secret.
    """
    scheme, separator, rest = uri.partition("://")
    if separator and scheme in BUCKETS:
        bucket, _, key = rest.partition("/")
        if not bucket:
            raise SpecError("the URI has no bucket", where=uri, hint=f"use {BUCKETS[scheme]}")
        return f"{scheme}://{bucket}", key
    if separator and scheme == "hf":
        return split_hub_uri(uri)
    if separator and scheme in READ_ONLY:
        server, _, key = rest.partition("/")
        if not server or has_user_info(uri) or "#" in uri or is_signed(uri):
            raise SpecError("this URL cannot be read", where=without_user_info(uri), hint=_PLAIN_URL)
        return f"{scheme}://{server.lower()}", key
    if separator and scheme == "file":
        uri = unquote(rest.removeprefix("localhost"))
        if not uri.startswith("/"):
            raise SpecError("a file URI requires an absolute path", where=f"file://{rest}", hint="use file:///folder")
    elif separator:
        raise SpecError(f"unknown scheme {scheme!r}", where=uri, hint=f"use {_FORMS}, file:///folder or a path")
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
    wrong address is detected by the first read. Raises SpecError for an invalid URI, and for one that is read-only.
    """
    if isinstance(ref, str):
        ref = StoreRef(uri=ref, connection=Connection(endpoint=endpoint, region=region))
    check_store_uri(ref.uri)
    return _opened(ref, os.environ if env is None else env)


def check_store_uri(uri: str) -> None:
    """Raise SpecError if a URI cannot be that of a store.

    It is that of a source which cannot be a store, has an unknown scheme, contains control characters, `.` or `..` in
    the prefix of a bucket, or begins with `~`, which only a shell replaces.
    """
    where, hint = without_user_info(uri), f"use {', '.join(BUCKETS.values())}, or a folder"
    if is_read_only(uri):
        raise SpecError("this can be a source but not a store", where=where, hint=hint)
    scheme, separator, _ = uri.partition("://")
    if separator and scheme not in (*BUCKETS, "file"):
        raise SpecError(f"unknown scheme {scheme!r}", where=where, hint=hint)
    if _CONTROL.search(uri):
        raise SpecError("a control character in the URI", where=repr(uri), hint="remove it, such as a line end")
    if not separator and uri.split("/")[0].startswith("~"):
        hint = f"write the whole path, or ./{uri} for a folder of this name"
        raise SpecError("~ is not replaced by a home folder", where=uri, hint=hint)
    prefix = uri.split("/", 3)[3:] if is_bucket(uri) else []
    if prefix and {".", ".."} & {*prefix[0].split("/")}:
        raise SpecError("the prefix in the bucket contains . or ..", where=uri, hint="write the prefix without them")


def open_location(uri: str, connection: Connection, env: Mapping[str, str], web: WebLimits | None = None) -> Store:
    """Open a read-only store for the whole bucket, file system or server that contains `uri`.

    Its keys are the second element of `split_uri(uri)`, so one store serves all URIs with the same root.
    """
    root, _ = split_uri(uri)
    if root.startswith("hf://"):
        from reelmill_stages.store.hub.store import HubStore

        return HubStore(root, connection=connection, limits=web or WebLimits(), env=env)
    if is_web(root):
        from reelmill_stages.store.web.store import WebStore  # imported only if needed

        return WebStore(root, limits=web or WebLimits(), env=env)
    return ReadOnly(_opened(StoreRef(uri=root, connection=connection), env))


def _opened(ref: StoreRef, env: Mapping[str, str]) -> Store:
    root, key = split_uri(ref.uri)
    return bucket_store(ref, env) if is_bucket(root) else LocalStore(Path(root, key), uri=ref.uri)


def bucket_store(
    ref: StoreRef,
    env: Mapping[str, str],
    *,
    timeouts: tuple[float, float] | None = None,
    patience: Patience | None = None,
) -> Store:
    """Return the store of a bucket's URI. `timeouts`: seconds to connect, and to wait for the next byte.

    Raises SpecError if the client of its server is not installed.
    """
    root, key = split_uri(ref.uri)
    scheme, _, name = root.partition("://")
    more: dict[str, Any] = {} if patience is None else {"patience": patience}
    more |= {} if timeouts is None else {"timeouts": timeouts}
    opened = _client(scheme, ref.uri)
    return opened(name, key.strip("/"), connection=ref.connection, env=env, uri=ref.uri, **more)


def _client(scheme: str, uri: str) -> Callable[..., Store]:
    """Return the class for a kind of server, imported only if needed."""
    if scheme == "s3":
        from reelmill_stages.store.s3.store import S3Store

        return S3Store
    package, extra = CLIENTS[scheme]
    try:
        if scheme == "az":
            from reelmill_stages.store.azure.store import AzureStore

            return AzureStore
        from reelmill_stages.store.google.store import GoogleStore
    except ImportError as error:
        hint = f"pip install 'reelmill-stages[{extra}]'"
        raise SpecError(f"the package {package!r} is not installed", where=uri, hint=hint) from error
    return GoogleStore
