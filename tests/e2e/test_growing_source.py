"""A source that grows, changes or loses items: only what is new is done, and the data set is as if always whole."""

import tarfile
from collections import Counter
from pathlib import Path

import pytest
from clip4mc_run import PIG, prepare, row
from killing import kill_when
from workshop import CLIPS, SAMPLES, Workshop, balanced, film, same_end

pytestmark = pytest.mark.store

STAGES = [
    CLIPS,
    SAMPLES,
    {"name": "shards", "from": ["clips"], "pack": {"samplesPerTar": 10}},
    {"name": "listing", "index": {"check": "full"}},
]
NAMES = ("clips", "samples", "shards", "listing")


def filled(folder: Path, count: int) -> Workshop:
    """So many videos of one clip each."""
    shop = Workshop(folder, stages=STAGES)
    grow(shop, count)
    return shop


def grow(shop: Workshop, count: int) -> None:
    vids = [f"video{number:06d}" for number in range(count)]
    shop.film(*(f"{vid}.mp4" for vid in vids if not (shop.videos / f"{vid}.mp4").exists()))
    shop.clip4mc([row(vid, 0, 1, f"caption {vid}") for vid in vids])


def pipeline_with_own_store(shop: Workshop, folder: Path) -> Workshop:
    """The same pipeline over the same videos, with a store of its own."""
    folder.mkdir()
    return Workshop(folder, shop.sources, shop.stages)


def as_if_always_whole(grown: Workshop, whole: Workshop) -> None:
    """Every file about the whole data set says the same, but for order and the cut of the tars."""
    same_end(grown, whole, "clips", "samples")
    assert members(grown) == members(whole)
    assert pairs(grown) == pairs(whole)
    assert splits(grown) == splits(whole)
    counted = grown.view("listing", "index.json")
    assert sum(tar["nsamples"] for tar in counted) == grown.data("clips").totals.done
    assert {str(grown.root("shards") / Path(tar["url"]).name) for tar in counted}
    balanced(grown, *NAMES)


def pairs(shop: Workshop) -> list[tuple[str, ...]]:
    found = shop.view("clips", "text_video_pairs.json")
    return sorted((pair["vid"], Path(pair["clip_path"]).name, pair["transcript"]) for pair in found)


def splits(shop: Workshop) -> dict[str, set[str]]:
    """Split -> keys of its samples."""
    keys = {item.outputs[0].key.rsplit("/", 1)[0]: key for key, item in shop.items("samples").items()}
    root = shop.data("samples").root
    info = shop.view("samples", "dataset_info.json")
    assert sum(map(len, info.values())) == len(keys)
    return {split: {keys[f"{root}/{folder}"] for folder in folders} for split, folders in info.items()}


def members(shop: Workshop) -> Counter[tuple[str, int]]:
    """What is in the tars, whatever it is called there."""
    found: Counter[tuple[str, int]] = Counter()
    for item in shop.items("shards").values():
        (tar,) = (output for output in item.outputs if output.key.endswith(".tar"))
        with tarfile.open(shop.folder / "store" / tar.key) as file:
            found.update((member.name.split(".", 1)[1], member.size) for member in file if member.name.endswith(".mp4"))
    return found


def test_a_later_clip_that_wants_a_name_leaves_it_to_the_earlier_one(tmp_path: Path) -> None:
    shop = prepare(tmp_path)
    shop.stages = [{**shop.stages[0], "clip": {"by": "metadata", "mode": "virtual"}}]
    rows = [row(PIG, 0.5, 1.5)]
    shop.clip4mc(rows)
    shop.run()
    shop.clip4mc([row(PIG, 0.25, 1.25), row(PIG, 0.5, 1.5, "other words"), *rows])
    ended = shop.run()
    assert ended["clips"]["totals"]["in"] == 3
    assert shop.data("clips").last.counts.in_ == 2
    assert "Drifted" not in shop.conditions
    names = {key: item.fields["name"] for key, item in shop.items("raw").items()}
    assert names[f"{PIG}:0.5-1.5"] == f"{PIG}_0_1"
    assert len(set(names.values())) == 3


def test_three_added_to_100_are_the_only_ones_worked_on(tmp_path: Path) -> None:
    shop = filled(tmp_path / "grown", 100)
    shop.run()
    grow(shop, 103)
    shop.run()
    for name in ("raw", "clips", "samples", "shards"):
        assert [segment.counts.in_ for segment in shop.data(name).segments()] == [100, 3]
    whole = pipeline_with_own_store(shop, tmp_path / "whole")
    whole.run()
    as_if_always_whole(shop, whole)
    again = shop.run()
    assert {stage["state"] for stage in again.values()} == {"cached"}


@pytest.mark.parametrize("moment", ["clips/*/0001/_reelmill/pass.json", "samples/*/0001/_reelmill/outcomes/*"])
def test_interrupted_then_grown_then_run_again(tmp_path: Path, moment: str) -> None:
    shop = filled(tmp_path / "grown", 24)
    kill_when(shop, lambda: bool(list((tmp_path / "grown/store").glob(moment))))
    grow(shop, 27)
    shop.run()
    for name in ("raw", "clips"):
        assert [segment.counts.in_ for segment in shop.data(name).segments()] == [24, 3]
    whole = pipeline_with_own_store(shop, tmp_path / "whole")
    whole.run()
    as_if_always_whole(shop, whole)


def test_changed_and_vanished_videos_are_reported_and_a_new_epoch_takes_them_up(tmp_path: Path) -> None:
    shop = Workshop(tmp_path)
    shop.film("same.mp4", "other.mp4", "gone.mp4")
    shop.files()
    shop.stages = [{"name": "clips", "clip": {"by": "length", "length": "1s", "mode": "virtual"}}]
    shop.run()
    before = shop.contents("clips")
    shop.film("other.mp4", of=film(seconds=3.0))
    (shop.videos / "gone.mp4").unlink()
    shop.run()
    assert shop.contents("clips") == before
    assert "raw: 2" in shop.conditions["Drifted"]
    drift = shop.view("raw", "_reelmill/drift.json")
    assert (drift["changedKeys"], drift["vanishedKeys"]) == (["other.mp4"], ["gone.mp4"])
    shop.sources[0]["epoch"] = "2"
    shop.run()
    assert Counter(key.split("@")[0] for key in shop.items("clips")) == {"same.mp4": 2, "other.mp4": 3}


def test_waves_4_gives_the_data_set_of_waves_1_with_stages_at_work_at_the_same_time(tmp_path: Path) -> None:
    one = filled(tmp_path / "one", 400)
    one.run()
    four = pipeline_with_own_store(one, tmp_path / "four")
    four.spec = {"waves": 4}
    four.run()
    assert [segment.counts.in_ for segment in four.data("raw").segments()] == [100] * 4
    as_if_always_whole(four, one)
    first = next(iter(four.data("samples").segments()))
    assert first.coverage["clips"] < 4, "its pass began before the clips of the last wave were there"
