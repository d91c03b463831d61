"""Fixtures: real S3 servers, started once per session on loopback, and buckets in them.

Tests that use them carry the mark `store`. Where a server cannot be installed they are skipped with the reason;
`REELMILL_REQUIRE=store` makes that a failure (see `tiers`).
"""

import io
import json
import os
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.unavailable import Unavailable
from servers import install
from servers.processes import Server, running

KEY, SECRET = "reelmill-tests", "not-a-secret-at-all"
READER, READER_SECRET = "reelmill-reader", "not-a-secret-either"
READ_ONLY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": ["s3:Get*", "s3:List*"], "Resource": ["arn:aws:s3:::*"]}],
}


@pytest.fixture(scope="session")
def minio_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A MinIO."""
    binary = _installed(install.minio)
    folder = tmp_path_factory.mktemp("minio")
    env = {**_clean_env(folder), "MINIO_ROOT_USER": KEY, "MINIO_ROOT_PASSWORD": SECRET, "MINIO_BROWSER": "off"}

    def command(ports: list[int]) -> list[str]:
        return [str(binary), "server", "--quiet", "--address", f"127.0.0.1:{ports[0]}", str(folder / "data")]

    with running(command, 1, folder, "/minio/health/ready", env) as (port,):
        yield Server("minio", port, KEY, SECRET, _minio_reader(port))


@pytest.fixture(scope="session")
def seaweedfs_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A SeaweedFS."""
    binary = _installed(install.seaweedfs)
    folder = tmp_path_factory.mktemp("seaweedfs")
    (folder / "data").mkdir()
    (folder / "s3.json").write_text(json.dumps({"identities": _identities()}))

    def command(ports: list[int]) -> list[str]:
        s3, s3_grpc, master, master_grpc, filer, filer_grpc, volume, volume_grpc = ports
        return [
            str(binary), "-logtostderr=true", "server", f"-dir={folder / 'data'}",
            "-ip=127.0.0.1", "-ip.bind=127.0.0.1",
            f"-master.port={master}", f"-master.port.grpc={master_grpc}", "-master.volumeSizeLimitMB=256",
            "-volume.max=500", f"-volume.port={volume}", f"-volume.port.grpc={volume_grpc}",
            "-filer", f"-filer.port={filer}", f"-filer.port.grpc={filer_grpc}",
            f"-filer.localSocket={folder / 'filer.sock'}",
            "-s3", f"-s3.port={s3}", f"-s3.port.grpc={s3_grpc}", f"-s3.config={folder / 's3.json'}",
            "-s3.autoCreateBucket=false", "-s3.port.iceberg=0", "-s3.port.lance=0",
        ]  # fmt: skip

    with running(command, 8, folder, "/healthz", _clean_env(folder)) as ports:
        reader = {"AWS_ACCESS_KEY_ID": READER, "AWS_SECRET_ACCESS_KEY": READER_SECRET}
        yield Server("seaweedfs", ports[0], KEY, SECRET, reader)
    for port in ports:
        # It puts these there whatever one says.
        Path(f"/tmp/seaweedfs-filer-grpc-{port}.sock").unlink(missing_ok=True)


@pytest.fixture(scope="session", params=["minio", "seaweedfs"])
def s3_server(request: pytest.FixtureRequest) -> Server:
    """Each of the servers in turn."""
    server: Server = request.getfixturevalue(f"{request.param}_server")
    return server


@pytest.fixture
def bucket(s3_server: Server) -> str:
    """A fresh bucket on `s3_server`."""
    return make_bucket(s3_server)


@pytest.fixture(scope="session")
def shared_buckets() -> dict[str, str]:
    """Server -> a bucket that tests share, each under a prefix of its own (buckets are dear on SeaweedFS)."""
    return {}


def make_bucket(server: Server) -> str:
    """A fresh bucket on a server."""
    from minio import Minio

    name = f"b-{uuid.uuid4().hex[:12]}"
    client = Minio(
        endpoint=f"127.0.0.1:{server.port}",
        access_key=server.key,
        secret_key=server.secret,
        secure=False,
        region="us-east-1",
    )
    client.make_bucket(bucket_name=name)
    # SeaweedFS allots room at a bucket's first write, which may take seconds: not the time of a test about patience.
    client.put_object(bucket_name=name, object_name="first", data=io.BytesIO(b"-"), length=1)
    client.remove_object(bucket_name=name, object_name="first")
    return name


def _minio_reader(port: int) -> dict[str, str]:
    """Session keys that may only read. A busy MinIO says that it is ready a little before it hands them out."""
    from minio.credentials.providers import AssumeRoleProvider
    from urllib3.exceptions import HTTPError

    endpoint, policy, deadline = f"http://127.0.0.1:{port}", json.dumps(READ_ONLY), time.monotonic() + 60
    while True:
        try:
            role = AssumeRoleProvider(
                sts_endpoint=endpoint, access_key=KEY, secret_key=SECRET, policy=policy
            ).retrieve()
        except (ValueError, HTTPError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return {
                "AWS_ACCESS_KEY_ID": role.access_key,
                "AWS_SECRET_ACCESS_KEY": role.secret_key,
                "AWS_SESSION_TOKEN": role.session_token or "",
            }


def _installed(installer: object) -> Path:
    try:
        path: Path = installer()  # type: ignore[operator]
    except Unavailable as error:
        pytest.skip(str(error))
    return path


def _clean_env(folder: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(folder), "TMPDIR": str(folder)}


def _identities() -> list[dict[str, object]]:
    def identity(name: str, secret: str, *actions: str) -> dict[str, object]:
        return {"name": name, "credentials": [{"accessKey": name, "secretKey": secret}], "actions": list(actions)}

    return [
        identity(KEY, SECRET, "Admin", "Read", "Write", "List", "Tagging"),
        identity(READER, READER_SECRET, "Read", "List"),
    ]
