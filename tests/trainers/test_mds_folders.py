"""A folder of `write: {format: mds}` opens in MosaicML streaming: whole, shuffled by two workers, resumed, grown."""

from pathlib import Path
from typing import Any

import pytest

from trainers.environments import seen_by
from trainers.folders import digest, films, unchanged_by
from trainers.snippets import said_by
from write.desk import Written, block, written

COLUMNS = [
    {"field": "text", "type": "string"},
    {"field": "luma", "type": "number"},
    {"field": "lists.places", "name": "places", "type": "vector"},
    {"field": "lists", "type": "json"},
    {"field": "place", "type": "integer"},
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seven videos in shards of two."""
    made = written(block("mds", columns=COLUMNS, samplesPerFile=2), films(), tmp_path_factory.mktemp("mds") / "set")
    return made.folder


def expected() -> list[dict[str, Any]]:
    found = []
    for one in films():
        assert one.media
        lists: Any = one.fields["lists"]
        values = {**one.fields, "places": lists["places"], "key": one.key}
        found.append({**values, "video": digest(Path(one.media.uri).read_bytes())})
    return found


def by_key(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: str(row["key"]))


def test_015_f08_every_sample_comes_with_the_bytes_of_its_source(folder: Path) -> None:
    with unchanged_by(folder):
        assert seen_by("mds", folder, "whole") == expected()


def test_015_f08_two_workers_that_shuffle_read_every_sample_once(folder: Path) -> None:
    seen = seen_by("mds", folder, "shuffled")
    assert by_key(seen) == expected()
    assert seen != expected()


def test_015_f08_a_reader_that_was_killed_in_mid_epoch_goes_on_behind_its_last_sample(folder: Path) -> None:
    before, after = seen_by("mds", folder, "resumed")
    assert len(before) == 3
    assert by_key(before + after) == expected()


def test_the_library_writes_the_same_shards_of_the_same_samples(folder: Path) -> None:
    assert seen_by("mds", folder, "rewritten") == [True] * 4


def test_015_f05_a_grown_folder_gives_the_new_samples_too(tmp_path: Path) -> None:
    made = Written(block("mds", columns=COLUMNS, samplesPerFile=2), tmp_path / "set")
    made.add(films()[:3])
    assert seen_by("mds", made.folder, "whole") == expected()[:3]
    made.add(films()[3:])
    assert seen_by("mds", made.folder, "whole") == expected()


def test_the_code_on_the_page_reads_the_folder(folder: Path) -> None:
    sizes = [Path(one.media.uri).stat().st_size for one in films() if one.media]
    assert sorted(said_by("mds", "mds", folder)) == [f"clip {number} {size}" for number, size in enumerate(sizes)]
