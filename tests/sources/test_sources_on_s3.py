"""Sources in real buckets: the same listings as in folders."""

import json
from dataclasses import dataclass

import pytest

from reelmill.contract.errors import StoreError
from reelmill.contract.task import Connection
from reelmill_stages.registry import source
from reelmill_stages.sources import Listed
from reelmill_stages.sources.objects.bucket import SourceBucket
from reelmill_stages.store.s3.store import S3Store
from servers.processes import Server
from servers.s3_servers import make_bucket

pytestmark = pytest.mark.store


@dataclass
class Raw:
    """A bucket with raw data, as an adapter and as its owner see it."""

    name: str
    connection: Connection
    env: dict[str, str]

    def put(self, key: str, data: bytes = b"video") -> None:
        S3Store(self.name, "", connection=self.connection, env=self.env).write(key, data)

    def listed(self, type_: str, **params: object) -> list[Listed]:
        adapter, block = source(type_, params)
        return list(adapter(block, SourceBucket.connected(self.connection, self.env), "raw"))


@pytest.fixture(params=["minio", "seaweedfs"])
def raw(request: pytest.FixtureRequest) -> Raw:
    server: Server = request.getfixturevalue(f"{request.param}_server")
    return Raw(make_bucket(server), Connection(endpoint=server.endpoint), server.env)


def test_001_f02_objects_of_a_bucket_are_listed_by_their_uri(raw: Raw) -> None:
    for key in ("videos/b c.mp4", "videos/日本/a.MP4", "videos2/x.mp4", "videos/note.txt"):
        raw.put(key)
    found = raw.listed("files", uri=f"s3://{raw.name}/videos")
    assert [item.key for item in found] == ["b c.mp4", "日本/a.MP4"]
    assert [item.media.uri for item in found if item.media] == [
        f"s3://{raw.name}/videos/b c.mp4",
        f"s3://{raw.name}/videos/日本/a.MP4",
    ]
    assert all(item.media and item.media.etag and item.media.size == 5 for item in found)


def test_001_f02_metadata_and_videos_are_read_from_a_bucket(raw: Raw) -> None:
    rows = [{"vid": vid, "transcript": "x", "begin": 0, "end": 2} for vid in ("here", "gone")]
    raw.put("meta/train.json", json.dumps(rows).encode())
    raw.put("meta/info.csv", b"url,filename\nv=here,title\n")
    raw.put("videos/title.webm")
    root = f"s3://{raw.name}"
    gone, here = raw.listed(
        "clip4mc", metadata=f"{root}/meta/train.json", info=f"{root}/meta/info.csv", videos=f"{root}/videos/"
    )
    assert here.media
    assert here.media.uri == f"{root}/videos/title.webm"
    assert gone.problem
    assert gone.problem[0] == "missing"


def test_rows_with_absolute_uris_are_found(raw: Raw) -> None:
    raw.put("a/1.mp4")
    raw.put("t/t.csv", f"path\ns3://{raw.name}/a/1.mp4\ns3://{raw.name}/a/2.mp4\n".encode())
    one, two = raw.listed("table", uri=f"s3://{raw.name}/t/t.csv")
    assert (one.problem, two.problem and two.problem[0]) == (None, "missing")


def test_a_bucket_that_does_not_exist_is_refused(raw: Raw) -> None:
    with pytest.raises(StoreError):
        raw.listed("files", uri="s3://there-is-no-such-bucket-here/videos")
