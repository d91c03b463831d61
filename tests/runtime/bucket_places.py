"""Empty places in buckets of the servers that the tests run, for lines whose steps are other processes."""

import uuid

import pytest

from reelmill.contract.task import Connection, StoreRef
from servers.azurite import Azurite
from servers.gcs import GcsServer
from servers.processes import Server
from servers.s3_servers import make_bucket

SERVERS = ("minio", "seaweedfs", "azurite", "gcs")


def place_at(server: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> StoreRef:
    """A place in a bucket of the server of this name, whose credentials are put into the environment."""
    found: Server | Azurite | GcsServer = request.getfixturevalue(f"{server}_server")
    for name, value in found.env.items():
        monkeypatch.setenv(name, value)
    return StoreRef(uri=f"{_bucket(found)}/{uuid.uuid4().hex}/data", connection=Connection(endpoint=found.endpoint))


def _bucket(server: Server | Azurite | GcsServer) -> str:
    if isinstance(server, Azurite):
        return f"az://{server.container}"
    if isinstance(server, GcsServer):
        return f"gs://{server.bucket}"
    return f"s3://{make_bucket(server)}"
