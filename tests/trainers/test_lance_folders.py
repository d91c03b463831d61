"""A folder of `write: {format: lance}` opens in pylance: by blobs, by its torch loader, grown, exported elsewhere."""

import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from e2e.workshop import Workshop, film
from reelmill_stages.stages.write.check import WrittenCheck
from reelmill_stages.stages.write.stage import WriteStage
from trainers.environments import seen_by
from trainers.folders import digest, films, unchanged_by
from trainers.lance_home import lance_path, use_lance
from trainers.snippets import said_by
from write.desk import Written, block, digests, item, written

COLUMNS = [{"field": "text", "type": "string"}, {"field": "luma", "type": "number"}, {"field": "lists", "type": "json"}]


@pytest.fixture(scope="module", autouse=True)
def _pylance() -> None:
    use_lance()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """Seven videos in fragments of two."""
    return written(block("lance", columns=COLUMNS, samplesPerFile=2), films(), tmp_path_factory.mktemp("lance") / "set")


def expected() -> list[dict[str, Any]]:
    found = []
    for number, one in enumerate(films()):
        assert one.media
        values = {name: one.fields[name] for name in ("text", "luma")}
        video = digest(Path(one.media.uri).read_bytes())
        found.append({"key": one.key, **values, "lists": f'{{"places":[0.5,{number}]}}', "video": video})
    return found


def test_015_f09_every_sample_comes_with_the_bytes_of_its_source(made: Written) -> None:
    with unchanged_by(made.folder):
        assert seen_by("lance", made.folder, "whole") == expected()
    assert seen_by("lance", made.folder, "facts")["fragments"] == 4


def test_015_f09_rows_come_by_number_in_any_order(made: Written) -> None:
    numbers, rows = seen_by("lance", made.folder, "random")
    assert numbers != sorted(numbers)
    assert rows == [expected()[number] for number in numbers]


def test_015_f09_two_workers_of_the_torch_loader_read_every_sample_once(made: Written) -> None:
    seen = seen_by("lance", made.folder, "torch")
    assert sorted(seen) == [[row["key"], row["video"]] for row in expected()]


def test_015_f05_growth_is_a_new_version_and_keeps_every_file(tmp_path: Path) -> None:
    grown = Written(block("lance", columns=COLUMNS, samplesPerFile=2), tmp_path / "set")
    grown.add(films()[:3])
    before = digests(grown.folder)
    assert seen_by("lance", grown.folder, "whole") == expected()[:3]
    grown.add(films()[3:], shards=2)
    after = digests(grown.folder)
    assert all(after[name] == content for name, content in before.items() if name.startswith("0001/"))
    assert seen_by("lance", grown.folder, "whole") == expected()
    assert seen_by("lance", grown.folder, "facts")["version"] == 2


def test_files_are_the_same_for_any_division_into_shards(made: Written, tmp_path: Path) -> None:
    """But for the order in which Lance writes the metadata of a column, which has none."""
    other = written(made.block, films(), tmp_path / "set", shards=3)
    one, two = (
        {name: Counter(data) for name, data in digests(each.folder).items() if "0001" in name} for each in (made, other)
    )
    assert one == two


def test_an_exported_folder_opens_where_it_is(made: Written, tmp_path: Path) -> None:
    elsewhere = tmp_path / "exported"
    shutil.copytree(made.folder, elsewhere)
    (manifest,) = (elsewhere / "_versions").iterdir()
    WriteStage(made.block).localise(manifest, elsewhere)
    assert all(found.ok for found in WrittenCheck().check(elsewhere))
    kept = made.folder.with_name("hidden")
    made.folder.rename(kept)
    try:
        assert seen_by("lance", elsewhere, "whole") == expected()
    finally:
        kept.rename(made.folder)


def test_a_folder_that_was_copied_by_hand_is_told_from_an_exported_one(made: Written, tmp_path: Path) -> None:
    shutil.copytree(made.folder, tmp_path / "copied")
    assert {found.rule for found in WrittenCheck().check(tmp_path / "copied") if not found.ok} == {"place"}
    assert all(found.ok for found in WrittenCheck().check(made.folder))


def test_vectors_and_rows_without_files(tmp_path: Path) -> None:
    np.savez(tmp_path / "v.npz", embedding=np.arange(6, dtype=np.float32).reshape(2, 3))
    vectors = written(block("lance", media="vector"), [item(tmp_path / "v.npz")], tmp_path / "vectors")
    (row,) = seen_by("lance", vectors.folder, "whole")
    assert (row["vector"], row["vector_shape"]) == ([0.0, 1.0, 2.0, 3.0, 4.0, 5.0], [2, 3])
    bare = written(block("lance", media="none"), films()[:2], tmp_path / "bare")
    assert [row["key"] for row in seen_by("lance", bare.folder, "whole")] == ["clip 0", "clip 1"]


def test_the_code_on_the_page_reads_the_folder(made: Written) -> None:
    sizes = [Path(one.media.uri).stat().st_size for one in films() if one.media]
    assert said_by("lance", "lance", made.folder) == [f"clip {number} {size}" for number, size in enumerate(sizes)]


def test_a_pipeline_writes_grows_and_exports_a_data_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", lance_path(tmp_path / "pylance"))
    train = {"name": "train", "write": {"format": "lance", "samplesPerFile": 2}}
    shop = Workshop(tmp_path / "shop", stages=[train])
    shop.film("0.mp4", "1.mp4", "2.mp4")
    shop.files()
    shop.run()
    shop.film("3.mp4")
    shop.run()
    seen = seen_by("lance", shop.root("train"), "whole")
    assert {row["key"]: row["video"] for row in seen} == {f"{n}.mp4": digest(film().read_bytes()) for n in range(4)}
    assert seen_by("lance", shop.root("train"), "facts")["version"] == 2
    told = shop.tell("export", "train", tmp_path / "out", "--mode", "copy")
    assert told.code == 0, told.err
    (tmp_path / "shop/store").rename(tmp_path / "gone")
    assert seen_by("lance", tmp_path / "out", "whole") == seen
