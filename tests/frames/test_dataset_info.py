"""The lists of train, val and test: who is where, and that growth, order and videos behave."""

import json
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from reelmill.contract.records.rows import Item, Output
from reelmill.contract.records.segment import Counts
from reelmill.contract.spec.stages.frames import FramesBlock, Split
from reelmill_stages.stages.frames.merge import merge
from reelmill_stages.stages.frames.split import Named, divide
from reelmill_stages.stages.frames.stage import FramesStage


def named(count: int, clips: int = 1) -> list[Named]:
    return [Named(f"k{n}", f"v{n // clips}", f"0001/sample_{n:06d}_v{n // clips}") for n in range(count)]


def sizes(info: dict[str, list[str]]) -> tuple[int, int, int]:
    return len(info["train"]), len(info["val"]), len(info["test"])


def test_000_f13_random_splits_about_80_10_10_and_the_same_every_time() -> None:
    info = divide(named(5000), Split())
    train, val, test = sizes(info)
    assert train + val + test == 5000
    assert abs(train - 4000) < 120
    assert abs(val - 500) < 100
    assert info == divide(named(5000), Split())
    assert info != divide(named(5000), Split(seed=43))


@given(st.integers(3, 60), st.integers(0, 5))
def test_000_f13_test_and_val_hold_at_least_one_each(count: int, seed: int) -> None:
    for split in (Split(seed=seed), Split(seed=seed, exact=True), Split(seed=seed, mode="by_video")):
        assert min(sizes(divide(named(count), split))) >= 1


@given(st.integers(0, 2), st.integers(0, 200))
def test_a_set_too_small_for_three_fills_train_then_test(count: int, seed: int) -> None:
    train, val, test = sizes(divide(named(count), Split(seed=seed)))
    assert (train, val, test) == (min(count, 1), 0, max(count - 1, 0))


def test_000_f13_the_exact_split_is_the_originals_permutation() -> None:
    paths = [sample.path for sample in named(25)]
    order = list(paths)
    random.seed(42)
    random.shuffle(order)
    assert divide(named(25), Split(exact=True)) == {"train": order[:21], "val": order[21:23], "test": order[23:]}


def test_000_f13_all_train_and_all_test() -> None:
    assert sizes(divide(named(7), Split(mode="all_train"))) == (7, 0, 0)
    assert sizes(divide(named(7), Split(mode="all_test"))) == (0, 0, 7)


def test_d3_the_order_in_which_samples_are_listed_does_not_move_them() -> None:
    shuffled = named(200)
    random.Random(1).shuffle(shuffled)
    first, second = divide(named(200), Split()), divide(shuffled, Split())
    assert {place: set(paths) for place, paths in first.items()} == {
        place: set(paths) for place, paths in second.items()
    }


@given(st.integers(40, 200), st.integers(1, 100))
def test_growth_moves_no_sample(count: int, more: int) -> None:
    before, after = divide(named(count), Split()), divide(named(count + more), Split())
    natural = {path for paths in before.values() for path in paths}
    moved = [path for place, paths in before.items() for path in paths if path not in after[place]]
    assert len(natural) == count
    assert len(moved) <= 2 * (min(sizes(before)) == 1)


def test_d10_by_video_keeps_the_clips_of_a_video_together() -> None:
    info = divide(named(400, clips=8), Split(mode="by_video"))
    places = Counter((path.rsplit("_", 1)[1], place) for place, paths in info.items() for path in paths)
    assert len(places) == 50
    assert set(places.values()) == {8}
    exact = divide(named(400, clips=8), Split(mode="by_video", exact=True))
    assert sizes(exact) == (320, 40, 40)


def test_a_split_with_ratio_0_is_empty() -> None:
    assert sizes(divide(named(50), Split(ratios=[1, 0, 0]))) == (50, 0, 0)
    assert sizes(divide(named(50), Split(ratios=[0.8, 0, 0.2])))[1] == 0
    assert sizes(divide([], Split())) == (0, 0, 0)
    with pytest.raises(ValidationError, match="ratios"):
        Split(ratios=[0, 0, 0])


@dataclass
class Committed:
    """A data set that was committed."""

    scratch: Path
    count: int
    name: str = "samples"
    root: str = "samples/0123456789"
    totals: Counts = field(default_factory=Counts)

    def items(self) -> Iterator[Item]:
        for sample in named(self.count):
            outputs = tuple(
                Output(f"{self.root}/{sample.path}/{file}", 1, "") for file in ("video_input.pkl", "size.json")
            )
            yield Item(sample.key, 0, sample.vid, 1.0, outputs=outputs, fields={"vid": sample.vid})

    def fetch(self, key: str) -> Path:
        raise AssertionError("the view needs no file")


def test_000_p5_paths_of_the_view_are_relative_and_an_export_makes_them_absolute(tmp_path: Path) -> None:
    stage = FramesStage(FramesBlock())
    (view,) = stage.present(Committed(tmp_path, 3), {"split": {"mode": "all_train"}})
    assert view.name == "dataset_info.json"
    assert json.loads(view.path.read_text()) == {"train": [sample.path for sample in named(3)], "val": [], "test": []}
    stage.localise(view.path, tmp_path / "export")
    assert json.loads(view.path.read_text())["train"][0] == str(tmp_path / "export" / named(1)[0].path)


def written(folder: Path, **lists: list[str]) -> Path:
    folder.mkdir()
    (folder / "dataset_info.json").write_text(json.dumps(lists))
    return folder / "dataset_info.json"


def test_000_f14_two_sets_merge_with_the_first_1000_of_train_as_val(tmp_path: Path) -> None:
    trains = [f"/t/{sample.path}" for sample in named(1500, clips=3)]
    train = written(tmp_path / "train", train=trains, val=[], test=[])
    test = written(tmp_path / "test", train=[], val=[], test=["0001/sample_000000_x"])
    merged = merge(train, test)
    assert merged["train"] == trains
    assert merged["val"] == trains[:1000]
    assert merged["test"] == [str(tmp_path / "test" / "0001/sample_000000_x")]


def test_000_f14_the_leak_free_merge_shares_no_video_between_train_and_val(tmp_path: Path) -> None:
    trains = [f"/t/{sample.path}" for sample in named(1500, clips=3)]
    train = written(tmp_path / "train", train=trains)
    test = written(tmp_path / "test", test=["/x"])
    merged = merge(train, test, validation=100, leak_free=True)
    videos = {place: {path.rsplit("_", 1)[1] for path in merged[place]} for place in ("train", "val")}
    assert not videos["train"] & videos["val"]
    assert 98 <= len(merged["val"]) <= 100
    assert len(merged["train"]) + len(merged["val"]) == 1500


def test_an_invalid_dataset_info_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("[1]")
    with pytest.raises(ValueError, match="dataset_info"):
        merge(tmp_path / "x.json", tmp_path / "x.json")
