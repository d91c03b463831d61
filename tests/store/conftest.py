"""The kinds of stores, each with its own way to open more clients of it."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from reelmill.contract.task import Connection, StoreRef
from reelmill_stages.store import Store
from reelmill_stages.store.open import open_store
from reelmill_stages.store.retry import Patience
from reelmill_stages.store.s3.http import Timeouts
from reelmill_stages.store.s3.store import S3Store
from servers.faults import FaultProxy, fault_proxy
from servers.processes import Server
from servers.s3_servers import make_bucket
from servers.web_server import WebServer
from store.web_site import Site, web_site

QUICK = Patience(attempts=4, first=0.01, longest=0.05, seconds=600)
MIB = 1 << 20


@dataclass
class Place:
    """Where a store is. `open` gives a new client, as another process would."""

    kind: str
    ref: StoreRef
    env: dict[str, str] = field(default_factory=dict)

    def open(self) -> Store:
        return open_store(self.ref, env=self.env)


@pytest.fixture(
    params=[
        "local",
        *(pytest.param(name, marks=pytest.mark.store) for name in ("minio", "seaweedfs", "azurite", "gcs")),
    ]
)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "local":
        return Place("local", StoreRef(uri=str(tmp_path / "store")))
    server: Server = request.getfixturevalue(f"{request.param}_server")
    if request.param == "azurite":
        uri = f"az://{server.container}/{uuid.uuid4().hex}/some prefix"
        return Place("azurite", StoreRef(uri=uri, connection=Connection(endpoint=server.endpoint)), server.env)
    if request.param == "gcs":
        uri = f"gs://{server.bucket}/{uuid.uuid4().hex}/some prefix"
        return Place("gcs", StoreRef(uri=uri, connection=Connection(endpoint=server.endpoint)), server.env)
    bucket = shared_bucket(server, request)
    uri = f"s3://{bucket}/{uuid.uuid4().hex}/some prefix"
    return Place(request.param, StoreRef(uri=uri, connection=Connection(endpoint=server.endpoint)), server.env)


def shared_bucket(server: Server, request: pytest.FixtureRequest) -> str:
    buckets: dict[str, str] = request.getfixturevalue("shared_buckets")
    if server.name not in buckets:
        buckets[server.name] = make_bucket(server)
    return buckets[server.name]


@pytest.fixture
def store(place: Place) -> Store:
    return place.open()


@pytest.fixture
def small_parts(place: Place) -> Store:
    """The store, but for S3 with the smallest parts there are."""
    if not place.ref.uri.startswith("s3://"):
        return place.open()
    bucket, _, prefix = place.ref.uri.removeprefix("s3://").partition("/")
    return S3Store(bucket, prefix, connection=place.ref.connection, env=place.env, part_size=5 * MIB)


@dataclass
class Faulty:
    """A store behind a proxy that misbehaves, and the same store without one."""

    store: S3Store
    direct: S3Store
    proxy: FaultProxy
    open: Callable[..., S3Store]


@pytest.fixture
def faulty(s3_server: Server, request: pytest.FixtureRequest) -> Iterator[Faulty]:
    bucket, prefix = shared_bucket(s3_server, request), uuid.uuid4().hex
    with fault_proxy(s3_server.port) as proxy:

        def client(port: int = proxy.port, **more: object) -> S3Store:
            settings: dict[str, object] = {
                "env": s3_server.env,
                "timeouts": Timeouts(connect=60, read=60),
                "patience": QUICK,
                "part_size": 5 * MIB,
                **more,
            }
            return S3Store(
                bucket,
                prefix,
                connection=Connection(endpoint=f"http://127.0.0.1:{port}"),
                **settings,  # type: ignore[arg-type]
            )

        yield Faulty(client(), client(s3_server.port), proxy, client)


@pytest.fixture
def site(web_server: WebServer, tmp_path: Path) -> Iterator[Site]:
    with web_site(web_server, tmp_path) as found:
        yield found
