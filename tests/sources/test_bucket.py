from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reelmill.contract.errors import SpecError
from reelmill.contract.task import Connection
from reelmill_stages.registry import source
from reelmill_stages.sources.objects.bucket import PROBES, SourceBucket
from reelmill_stages.store import Stat
from reelmill_stages.store.open import open_location
from source_folders import bucket, put, put_json


class Counting:
    """A store that counts what it is asked."""

    def __init__(self, root: str, asked: Counter[str]) -> None:
        self._store = open_location(root, Connection(), {})
        self._asked = asked

    def __getattr__(self, name: str) -> Any:
        self._asked[name] += 1
        return getattr(self._store, name)


def counted() -> tuple[SourceBucket, Counter[str]]:
    asked: Counter[str] = Counter()
    return SourceBucket(lambda root: Counting(root, asked)), asked  # type: ignore[arg-type,return-value]


def test_looking_up_many_names_is_one_listing(tmp_path: Path) -> None:
    put(tmp_path, *(f"videos/{number}.mp4" for number in range(300)))
    rows = [{"vid": f"{n}", "transcript": "x", "begin": 0, "end": 1} for n in range(400)]
    adapter, block = source(
        "clip4mc", {"metadata": str(put_json(tmp_path / "m.json", rows)), "videos": str(tmp_path / "videos")}
    )
    one, asked = counted()
    assert sum(1 for clip in adapter(block, one, "raw") if clip.problem) == 100
    assert asked["list"] == 1
    assert asked["stat"] == 0


def test_rows_with_absolute_paths_are_not_looked_up_one_by_one(tmp_path: Path) -> None:
    put(tmp_path, *(f"videos/{number}.mp4" for number in range(100)))
    rows = [{"path": str(tmp_path / "videos" / f"{number}.mp4")} for number in range(100)]
    adapter, block = source("table", {"uri": str(put_json(tmp_path / "t" / "t.json", rows))})
    one, asked = counted()
    assert all(row.problem is None for row in adapter(block, one, "raw"))
    assert asked["stat"] <= PROBES
    assert asked["list"] <= 1


def test_uris_are_absolute_and_sorted(tmp_path: Path) -> None:
    put(tmp_path, "b", "a/c", "a.d", content=b"12")
    found = list(bucket().list(f"{tmp_path}//"))
    assert [uri for uri, _ in found] == [f"{tmp_path}/{name}" for name in ("a.d", "a/c", "b")]
    assert all(stat.key == uri and stat.size == 2 and stat.etag for uri, stat in found)


def test_a_folder_is_not_a_prefix_of_names(tmp_path: Path) -> None:
    put(tmp_path, "videos/a", "videos2/b")
    assert [uri for uri, _ in bucket().list(str(tmp_path / "videos"))] == [f"{tmp_path}/videos/a"]


@pytest.mark.parametrize("listed_before", [True, False])
def test_the_attributes_of_one_object_or_none(tmp_path: Path, listed_before: bool) -> None:
    put(tmp_path, "x/a.mp4", "y/b.mp4")
    one = bucket()
    if listed_before:
        list(one.list(str(tmp_path / "x")))
    known = one.stat(f"file://{tmp_path}/x/a.mp4")
    assert isinstance(known, Stat)
    assert known.key == f"{tmp_path}/x/a.mp4"
    assert one.stat(str(tmp_path / "x" / "none")) is None
    assert one.stat(str(tmp_path / "x")) is None
    assert one.stat(f"{tmp_path}/x/") is None
    assert one.stat(str(tmp_path / "y" / "b.mp4"))


@pytest.mark.parametrize("name", ["none.json", "", "sub"])
def test_an_invalid_metadata_file_is_refused_by_its_name(tmp_path: Path, name: str) -> None:
    put(tmp_path, "sub/x")
    with pytest.raises(SpecError) as caught:
        bucket().read(f"{tmp_path}/{name}")
    assert str(tmp_path) in caught.value.where


def test_prefixes_in_a_bucket_are_folders_of_keys() -> None:
    class Twin:
        def list(self, prefix: str = "", *, problems: bool = False) -> Iterator[Stat]:
            assert prefix == "raw/"
            assert problems
            yield from (Stat(key, 1, "e", 0.0) for key in ("raw/", "raw/a.mp4", "raw/sub/"))

    one = SourceBucket(lambda root: Twin())  # type: ignore[arg-type,return-value]
    assert [uri for uri, _ in one.list("s3://data/raw")] == ["s3://data/raw/a.mp4"]
    assert one.stat("s3://data/raw/a.mp4")
