"""The one file beside the parts: a real copy, links, or none; what it says of itself; and what cannot be merged."""

import json
from pathlib import Path

import h5py
import numpy as np
import pytest

from grid.gallery import Features, feature_file, features
from reelmill.contract.errors import SpecError
from reelmill.contract.records.rows import Item, Media
from reelmill.contract.spec.stages.grid import GridBlock
from reelmill_stages.stages.grid.keys import parsed
from reelmill_stages.stages.grid.stage import GridStage

ROOT = "features/0123456789"


def data_set(folder: Path, *parts: int, splits: tuple[str, ...] = ("train2014",), **attributes) -> Features:
    """Two images in each part, of the splits in turn."""
    items = []
    for number, first in enumerate(parts):
        name = f"0001/features-{number:09d}.hdf5"
        feature_file(folder / name, features(2, first=first), **attributes.get(f"part{number}", {}))
        for image in (first, first + 1):
            split = splits[len(items) % len(splits)]
            fields = {"image_id": image, "split": split}
            items.append(Item(f"{split}/{image}.jpg", len(items), "g", 1.0, Media(f"{ROOT}/{name}", 1), fields=fields))
    return Features(folder, items)


def stage(**fields) -> GridStage:
    return GridStage(GridBlock.model_validate({"weights": {"uri": "w.pt"}, **fields}))


def test_d27_the_merged_file_is_a_real_copy_of_all_parts(tmp_path: Path) -> None:
    (file,) = stage().present(data_set(tmp_path, 1, 7, 100), {})
    assert file.name == "grids.hdf5"
    for part in (tmp_path / "0001").iterdir():
        part.unlink()
    with h5py.File(file.path) as merged:
        assert {parsed(name)[0] for name in merged} == {1, 2, 7, 8, 100, 101}
        assert all(
            np.array_equal(merged[name][()], array) for first in (1, 7, 100) for name, array in features(2, first=first)
        )
        assert merged.attrs["images"] == 6


def test_004_p2_both_splits_are_in_one_file_that_says_how_many_of_each(tmp_path: Path) -> None:
    (file,) = stage().present(data_set(tmp_path, 1, 7, splits=("train2014", "train2014", "val2014")), {})
    assert file.name.endswith(".hdf5")
    with h5py.File(file.path) as merged:
        assert json.loads(merged.attrs["splits"]) == {"train2014": 3, "val2014": 1}
        assert len(merged) == merged.attrs["images"] == 4


def test_004_p1_links_are_made_only_when_asked_for_and_none_when_not_wanted(tmp_path: Path) -> None:
    data = data_set(tmp_path, 1, 7)
    assert list(stage(merged="none").present(data, {})) == []
    (file,) = stage(merged="virtual").present(data, {})
    beside = tmp_path / file.name
    beside.write_bytes(file.path.read_bytes())
    with h5py.File(beside) as linked:
        assert isinstance(linked.get("1_grids", getlink=True), h5py.ExternalLink)
        assert np.array_equal(linked["8_grids"][()], features(2, first=7)[1][1])
    assert file.path.stat().st_size < 20_000


def test_what_differs_from_part_to_part_is_listed(tmp_path: Path) -> None:
    data = data_set(tmp_path, 1, 7, 20, part1={"device": "cuda"})
    (file,) = stage().present(data, {})
    with h5py.File(file.path) as merged:
        assert merged.attrs["device"] == "cpu | cuda"
        assert merged.attrs["model"] == "ViT-B-16"


def test_one_id_from_two_items_is_refused_by_their_names(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"2\.jpg and .*2\.jpg are both image 2") as raised:
        list(stage().present(data_set(tmp_path, 1, 2, splits=("train2014", "val2014")), {}))
    assert "train2014+val2014" in raised.value.hint


def test_without_done_items_no_file_is_written(tmp_path: Path) -> None:
    assert list(stage().present(Features(tmp_path, []), {})) == []


def test_equal_parts_give_an_equal_file(tmp_path: Path) -> None:
    data = data_set(tmp_path, 1, 7)
    first = next(iter(stage().present(data, {}))).path.read_bytes()
    assert next(iter(stage().present(data, {}))).path.read_bytes() == first
