"""HTTP connections for the S3 client, with timeouts and CA bundles, but without retries.

Retries are in `retry`, where each attempt is signed again and visible to the store.
"""

import ssl
from pathlib import Path
from typing import Any, NamedTuple

import certifi
from minio import Minio
from minio.credentials.providers import Provider
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from reelmill.contract.errors import StoreError

_POOL = 16
_BLOCK = 1 << 18


class Timeouts(NamedTuple):
    """Timeouts in seconds: to connect, and between two bytes of a response or for sending one part."""

    connect: float = 5.0
    read: float = 60.0


TIMEOUTS = Timeouts()


def pool(timeouts: Timeouts, ca: str = "") -> PoolManager:
    """Return a connection pool with these timeouts, which trusts a CA bundle (a PEM file) or the default authorities.

    Raises StoreError if the bundle cannot be used.
    """
    if ca:
        _check_bundle(ca)
    manager = PoolManager(
        num_pools=4,
        maxsize=_POOL,
        timeout=Timeout(connect=timeouts.connect, read=timeouts.read),
        retries=False,
        cert_reqs="CERT_REQUIRED",
        ca_certs=ca or certifi.where(),
        blocksize=_BLOCK,
    )
    manager.pool_classes_by_scheme = _pools(timeouts.read)
    return manager


def client(endpoint: str, region: str, provider: Provider | None, http: PoolManager) -> Minio:
    """Return the S3 client for an endpoint (a URL; empty for AWS). Raises StoreError for an invalid URL."""
    try:
        url = parse_url(endpoint or "https://s3.amazonaws.com")
    except LocationParseError:
        url = parse_url("")
    if url.auth:
        raise StoreError(
            "an endpoint must not contain credentials",
            where=endpoint,
            hint="set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; in a cluster, name a Secret in secretRef",
        )
    if url.scheme not in ("http", "https") or not url.host or url.path not in (None, "", "/") or url.query:
        raise StoreError("not the URL of an S3 server", where=endpoint, hint="use the form http://host:9000")
    host = url.host if url.port is None else f"{url.host}:{url.port}"
    try:
        return Minio(
            endpoint=host,
            secure=url.scheme == "https",
            # AWS returns the region of a bucket; other servers accept any region.
            region=region
            or (None if not endpoint or host.endswith((".amazonaws.com", ".amazonaws.com.cn")) else "us-east-1"),
            credentials=provider,
            http_client=http,
        )
    except ValueError as error:
        raise StoreError(str(error), where=endpoint, hint="check endpoint and region") from error


def _check_bundle(path: str) -> None:
    hint = "mount it, or set AWS_CA_BUNDLE to the path of a PEM file"
    if not Path(path).is_file():
        raise StoreError("the CA bundle does not exist", where=path, hint=hint)
    try:
        ssl.create_default_context(cafile=path)
    except OSError as error:
        raise StoreError(f"the CA bundle cannot be read: {error}", where=path, hint=hint) from error


def _pools(send: float) -> dict[str, Any]:
    # A new socket would keep the short connect timeout while the whole body is sent.
    class Plain(HTTPConnection):
        def connect(self) -> None:
            super().connect()
            self.sock.settimeout(send)

    class Secure(HTTPSConnection):
        def connect(self) -> None:
            super().connect()
            self.sock.settimeout(send)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}
