"""A pipeline's store at or below its own source is refused, or left out and counted."""

from pathlib import Path

import pytest

from reelmill.contract.errors import SpecError
from reelmill.contract.task import Connection, SourceDef, StoreRef
from reelmill_stages.registry import source
from reelmill_stages.sources.objects.bucket import SourceBucket
from reelmill_stages.sources.objects.own_store import OwnStore, refuse_own_store
from reelmill_stages.store import Stat
from source_folders import put


def definition(uri: str | Path) -> SourceDef:
    return SourceDef(name="raw", key="0" * 64, type="files", params={"uri": str(uri)})


def listing(uri: Path, store: Path) -> tuple[list[str], int]:
    adapter, block = source("files", {"uri": str(uri)})
    bucket = SourceBucket.of(definition(uri), StoreRef(uri=str(store)), {})
    return [row.key for row in adapter(block, bucket, "raw")], sum(bucket.hidden.values())


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    return put(tmp_path / "videos", "a.mp4", "data/clips/0123456789/0001/clips/a_0_1.mp4", "data2/b.mp4")


def test_a_store_below_its_source_is_left_out_and_counted(videos: Path) -> None:
    assert listing(videos, videos / "data") == (["a.mp4", "data2/b.mp4"], 1)


def test_links_to_the_store_or_the_source_are_resolved(videos: Path, tmp_path: Path) -> None:
    (tmp_path / "store").symlink_to(videos / "data")
    (tmp_path / "source").symlink_to(videos)
    assert listing(tmp_path / "source", tmp_path / "store") == (["a.mp4", "data2/b.mp4"], 1)


def test_a_link_in_the_source_that_leads_into_the_store_is_left_out(videos: Path, tmp_path: Path) -> None:
    put(tmp_path / "out", "clips/c.mp4")
    (videos / "done").symlink_to(tmp_path / "out" / "clips")
    assert listing(videos, tmp_path / "out")[0] == [
        "a.mp4",
        "data/clips/0123456789/0001/clips/a_0_1.mp4",
        "data2/b.mp4",
    ]


def test_a_source_inside_the_store_is_read(videos: Path) -> None:
    assert listing(videos / "data2", videos) == (["b.mp4"], 0)


@pytest.mark.parametrize("spelled", ["videos", "videos/", "linked", "videos/../videos"])
def test_a_store_that_is_its_own_source_is_refused_with_both_paths(videos: Path, tmp_path: Path, spelled: str) -> None:
    (tmp_path / "linked").symlink_to(videos)
    with pytest.raises(SpecError, match="own store") as error:
        refuse_own_store(StoreRef(uri=str(videos)), (definition(f"{tmp_path}/{spelled}"),))
    assert str(videos) in str(error.value)
    with pytest.raises(SpecError, match="own store"):
        listing(Path(f"{tmp_path}/{spelled}"), videos)


class Bucket:
    """What a bucket lists."""

    def list(self, prefix: str = "", *, problems: bool = False) -> list[Stat]:
        return [Stat(key, 5, "e", 0.0) for key in ("set/a.mp4", "set/data/x.mp4", "set/data2/b.mp4")]

    def stat(self, key: str) -> Stat:
        raise AssertionError


def test_prefixes_of_a_bucket_are_left_out_likewise_and_those_of_another_server_are_not() -> None:
    store = StoreRef(uri="s3://b/set/data", connection=Connection(endpoint="http://one"))
    adapter, block = source("files", {"uri": "s3://b/set/"})
    for connection, expected in ((None, ["a.mp4", "data2/b.mp4"]), (Connection(endpoint="http://two"), None)):
        endpoint = (connection or store.connection).endpoint
        one = SourceBucket(lambda root: Bucket(), endpoint=endpoint, own_store=OwnStore(store))  # type: ignore[arg-type,return-value]
        keys = [row.key for row in adapter(block, one, "raw")]
        assert keys == (expected or ["a.mp4", "data/x.mp4", "data2/b.mp4"])
    with pytest.raises(SpecError, match="own store"):
        refuse_own_store(store, (definition("s3://b/set/data/"),))
    refuse_own_store(store, (definition("s3://b/set/data/").replace(connection=Connection(endpoint="http://two")),))
