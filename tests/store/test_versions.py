"""Versions that an S3 server keeps are read by their ids."""

from pathlib import Path

import pytest
from minio import Minio
from minio.commonconfig import ENABLED
from minio.versioningconfig import VersioningConfig

from reelmill.contract.errors import (
    NotFound,
    PreconditionFailed,
)
from reelmill.contract.task import Connection
from reelmill_stages.store.s3.store import S3Store
from servers.processes import Server

pytestmark = pytest.mark.store


def test_an_old_version_is_read_by_its_id(s3_server: Server, bucket: str, tmp_path: Path) -> None:
    client = Minio(
        endpoint=f"127.0.0.1:{s3_server.port}", access_key=s3_server.key, secret_key=s3_server.secret, secure=False
    )
    client.set_bucket_versioning(bucket_name=bucket, config=VersioningConfig(ENABLED))
    store = S3Store(bucket, "", connection=Connection(endpoint=s3_server.endpoint), env=s3_server.env)
    first = store.write("k", b"one")
    second = store.write("k", b"two")
    assert first.version
    assert store.stat("k").version == second.version
    assert store.read("k", version=first.version, if_match=first.etag) == b"one"
    assert store.fetch("k", tmp_path, version=first.version).read_bytes() == b"one"
    with store.open("k", version=first.version) as file:
        assert file.read() == b"one"
    with pytest.raises(PreconditionFailed):
        store.read("k", version=second.version, if_match=first.etag)
    store.delete("k")
    with pytest.raises(NotFound):
        store.read("k")
    assert store.read("k", version=second.version) == b"two"
    assert store.read("k", version=second.version, if_match=second.etag) == b"two"


def test_an_object_whose_content_was_written_again_is_read_without_its_listed_version(
    s3_server: Server, bucket: str, tmp_path: Path
) -> None:
    client = Minio(
        endpoint=f"127.0.0.1:{s3_server.port}", access_key=s3_server.key, secret_key=s3_server.secret, secure=False
    )
    client.set_bucket_versioning(bucket_name=bucket, config=VersioningConfig(ENABLED))
    store = S3Store(bucket, "", connection=Connection(endpoint=s3_server.endpoint), env=s3_server.env)
    first = store.write("k", b"one")
    again = store.write("k", b"one")
    assert first.version != again.version
    client.remove_object(bucket_name=bucket, object_name="k", version_id=first.version)
    assert store.read("k", version=first.version, if_match=first.etag) == b"one"
    assert store.fetch("k", tmp_path, version=first.version, if_match=first.etag).read_bytes() == b"one"
    store.write("k", b"two")
    client.remove_object(bucket_name=bucket, object_name="k", version_id=again.version)
    with pytest.raises(PreconditionFailed):
        store.read("k", version=first.version, if_match=first.etag)
