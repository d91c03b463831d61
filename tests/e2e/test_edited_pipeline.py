"""What an edit runs again, what provenance is worth, and what virtual clips are."""

import hashlib
import shutil
from pathlib import Path
from typing import Any

import pytest
from workshop import CLIPS, SMALL, Workshop

import footage
from reelmill.contract.errors import ItemError
from reelmill_stages.stages.clip.rebuild import rebuild as rebuild_clip
from reelmill_stages.stages.frames.rebuild import rebuild

pytestmark = pytest.mark.store

NPY = {"name": "samples", "frames": {"layout": "npy", "count": 5, "width": 24, "height": 16}}


def stamps(shop: Workshop, name: str) -> dict[str, int]:
    """Every file that counts of a data set, and when it was written."""
    files = [file.key for file in shop.data(name).files()]
    return {key: (shop.folder / "store" / key).stat().st_mtime_ns for key in files}


def copy_of(ran: Workshop, folder: Path) -> Workshop:
    shutil.copytree(ran.folder / "store", folder / "store")
    return Workshop(folder, ran.sources, [dict(stage) for stage in ran.stages], name=ran.name)


def test_an_edited_view_runs_no_item_again(ran: Workshop, tmp_path: Path) -> None:
    shop = copy_of(ran, tmp_path)
    before = stamps(shop, "samples")
    shop.stages[1]["view"] = {"split": {"mode": "all_test"}}
    shop.run()
    assert stamps(shop, "samples") == before
    assert shop.data("samples").last.segment == 1
    info = shop.view("samples", "dataset_info.json")
    assert (len(info["test"]), info["train"]) == (4, [])


def test_an_edited_stage_runs_again_with_what_follows_and_nothing_else(ran: Workshop, tmp_path: Path) -> None:
    shop = copy_of(ran, tmp_path)
    before = {name: (shop.data(name).root, stamps(shop, name)) for name in ("clips", "samples", "shards", "listing")}
    shop.stages[2]["pack"] = {"samplesPerTar": 2}
    shop.run()
    after = {name: (shop.data(name).root, stamps(shop, name)) for name in before}
    assert {name for name in before if before[name] == after[name]} == {"clips", "samples"}
    assert {name for name in before if before[name][0] != after[name][0]} == {"shards", "listing"}
    assert len(shop.items("shards")) == 2


def test_virtual_clips_give_the_same_frames_as_copied_ones_and_are_rebuilt_elsewhere_from_rows_and_sources(
    ran: Workshop, tmp_path: Path
) -> None:
    shops = []
    for mode in ("copy", "virtual"):
        (tmp_path / mode).mkdir()
        stages = [{**CLIPS, "clip": {"mode": mode}, "failures": {"tolerate": "50%"}}, NPY]
        shops.append(Workshop(tmp_path / mode, ran.sources, stages))
        shops[-1].run()
    copied, virtual = shops
    assert not list((tmp_path / "virtual/store").rglob("*.mp4"))
    assert pictures(copied) == pictures(virtual)
    assert len(pictures(virtual)) == 4
    for item in virtual.items("samples").values():
        source = tmp_path / "elsewhere.mp4"
        shutil.copyfile(item.provenance["source"]["uri"], source)
        made = rebuild(item, source, tmp_path / "again")
        assert sorted(map(digest, made)) == sorted(output.digest for output in item.outputs)


@pytest.mark.parametrize("clip", [{"mode": "copy"}, {"mode": "reencode", "crf": 30, "audio": "drop"}], ids=str)
def test_samples_of_clips_are_rebuilt_elsewhere_from_rows_and_raw_videos_alone(
    ran: Workshop, tmp_path: Path, clip: dict[str, Any]
) -> None:
    shop = Workshop(tmp_path, ran.sources, [{**CLIPS, "clip": clip, "failures": {"tolerate": "50%"}}, NPY])
    shop.run()
    clips = {item.outputs[0].key: item for item in shop.items("clips").values()}
    samples = shop.items("samples").values()
    assert len(samples) == 4
    for number, item in enumerate(samples):
        row = clips[item.provenance["source"]["uri"]]
        source = tmp_path / f"elsewhere-{number}" / "video"
        source.parent.mkdir()
        shutil.copyfile(row.provenance["source"]["uri"], source)
        again = rebuild_clip(row, source, source.parent)
        assert digest(again) == row.outputs[0].digest
        made = rebuild(item, again, source.parent)
        assert sorted(map(digest, made)) == sorted(output.digest for output in item.outputs)


def test_a_clip_is_not_rebuilt_from_another_video(ran: Workshop, tmp_path: Path) -> None:
    item = next(iter(ran.items("clips").values()))
    other = footage.video(**{**SMALL, "fps": 13})
    with pytest.raises(ItemError) as error:
        rebuild_clip(item, other, tmp_path)
    assert error.value.reason == "changed"


def digest(path: Path) -> str:
    return f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"


def pictures(shop: Workshop) -> dict[str, Any]:
    return {
        key: sorted(output.digest for output in item.outputs if output.key.endswith(".npy"))
        for key, item in shop.items("samples").items()
    }
