"""Frames in tars: what un and kf pack is the frame that they say."""

import io
import itertools
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import footage
from pack.desk import packed, processed, video_item
from pack.readers import document, names, patched, stock
from reelmill.contract.errors import SpecError
from reelmill.contract.spec.stages.pack import PackBlock
from reelmill_stages.stage import Failed
from reelmill_stages.stages.pack.samplers import load
from reelmill_stages.stages.pack.samplers.kf import chosen, position
from reelmill_stages.stages.pack.samplers.un import segment_middles
from reelmill_stages.stages.pack.stage import PackStage

PLACE = re.compile(r"<([IP])image>#(\d+)")


@pytest.fixture(scope="module")
def video() -> Path:
    """100 frames, a key frame every 10, B-frames between them."""
    options = ("-g", "10", "-keyint_min", "10", "-sc_threshold", "0", "-bf", "2")
    return footage.video(seconds=4, fps=25, options=options, audio=False)


def numbers(sample: dict) -> list[int]:
    """Which frames a packed sample shows, in the order of its json."""
    shown = []
    for name in document(sample)["image_name_list"]:
        key, _, place = name.rpartition("-")
        assert key == sample["__key__"]
        with Image.open(io.BytesIO(sample[f"{place}.jpg"])) as image:
            shown.append(footage.frame_number(np.asarray(image)))
    return shown


def test_001_f07_un_packs_16_frames_from_the_middles_of_equal_parts(tmp_path: Path, video: Path) -> None:
    (made,) = packed(PackBlock(sampler="un"), [video_item(video, text="a gradient")], tmp_path / "set")
    (sample,) = stock(made.file.path)
    assert numbers(sample) == segment_middles(100, 16)
    read = document(sample)
    assert list(read) == ["prompt", "txt", "info", "image_name_list"]
    assert read["prompt"] == "<image>" * 16
    assert read["txt"] == "a gradient"
    assert read["info"] == {"video_path": str(video), "value": "a gradient"}
    assert read["image_name_list"] == [f"000000000-{place}" for place in range(16)]


def test_001_f08_kf_packs_key_frames_and_others_with_their_kind_and_place_in_time(tmp_path: Path, video: Path) -> None:
    (made,) = packed(PackBlock(sampler="kf"), [video_item(video)], tmp_path / "set")
    (sample,) = stock(made.file.path)
    taken = chosen(100, range(0, 100, 10), 24, 8)
    assert numbers(sample) == [place for place, _ in taken]
    assert PLACE.findall(document(sample)["prompt"]) == [(kind, str(position(place, 100))) for place, kind in taken]
    assert document(sample)["prompt"].startswith("<Iimage>#0<")
    assert document(sample)["prompt"].endswith("<Iimage>#1000")


def test_001_p4_the_first_version_of_un_packs_one_frame_a_second_of_a_short_video(tmp_path: Path, video: Path) -> None:
    (made,) = packed(PackBlock(sampler="un_first"), [video_item(video)], tmp_path / "set")
    (sample,) = stock(made.file.path)
    assert numbers(sample) == [0, 25, 50, 75]


@pytest.mark.parametrize("sampler", ["un", "kf"])
def test_a_conversation_goes_along_with_the_frames(tmp_path: Path, video: Path, sampler: str) -> None:
    said = [{"from": "human", "value": "what is it?"}, {"from": "gpt", "value": "a test"}]
    (made,) = packed(PackBlock(sampler=sampler), [video_item(video, conversations=said)], tmp_path / "set")
    assert document(stock(made.file.path)[0])["conversations"] == said


@pytest.mark.parametrize("gop", [7, 250])
def test_001_p3_and_d28_every_image_of_kf_is_the_frame_at_its_stated_position(tmp_path: Path, gop: int) -> None:
    video = footage.video(seconds=3, fps=25, options=("-g", str(gop), "-sc_threshold", "0"), audio=False)
    (made,) = packed(PackBlock(sampler="kf"), [video_item(video)], tmp_path / "set")
    (sample,) = stock(made.file.path)
    shown = numbers(sample)
    stated = [int(place) for _, place in PLACE.findall(document(sample)["prompt"])]
    assert len(shown) == len(stated) == 24
    assert [position(number, 75) for number in shown] == stated
    assert shown[-1] == 74
    assert stated == sorted(stated)


def test_d15_packed_frames_are_spread_over_the_whole_video(tmp_path: Path, video: Path) -> None:
    for sampler, widest in (("un", 7), ("kf", 8)):
        (made,) = packed(PackBlock(sampler=sampler), [video_item(video)], tmp_path / sampler)
        shown = numbers(stock(made.file.path)[0])
        assert max(after - before for before, after in itertools.pairwise(shown)) <= widest
        assert shown[0] <= 6
        assert shown[-1] >= 93


def test_001_p1_both_readers_see_the_same_samples_of_frames(tmp_path: Path, video: Path) -> None:
    items = [video_item(video, number) for number in range(3)]
    (made,) = packed(PackBlock(sampler="kf", frames=6, key_frames=2), items, tmp_path / "set")
    theirs, ours = patched(made.file.path), stock(made.file.path)
    assert [sample["__key__"] for sample in theirs] == [sample["__key__"] for sample in ours]
    for one, other in zip(theirs, ours, strict=True):
        assert {name: data for name, data in other.items() if not name.startswith("__")} == {
            name: data for name, data in one.items() if name != "__key__"
        }
        # How the pipeline's next step finds an image: by what follows the last dash.
        assert all(f"{name.split('-')[-1]}.jpg" in one for name in document(one)["image_name_list"])


def test_001_p2_the_json_comes_first_and_frames_are_named_key_dot_place(tmp_path: Path, video: Path) -> None:
    (made,) = packed(PackBlock(sampler="un", frames=3), [video_item(video)], tmp_path / "set")
    assert names(made.file.path) == ["000000000.json"] + [f"000000000.{place}.jpg" for place in range(3)]


def test_un_gives_a_short_video_the_same_parts_as_a_long_one(tmp_path: Path) -> None:
    short = footage.video(seconds=0.4, fps=10, size=(320, 192), audio=False)
    (made,) = packed(PackBlock(sampler="un"), [video_item(short)], tmp_path / "set")
    (sample,) = stock(made.file.path)
    assert numbers(sample) == segment_middles(4, 16)
    assert len([name for name in sample if name.endswith(".jpg")]) == 16


@pytest.mark.parametrize("sampler", ["un", "kf"])
def test_a_virtual_clip_is_read_from_its_span(tmp_path: Path, video: Path, sampler: str) -> None:
    (made,) = packed(PackBlock(sampler=sampler), [video_item(video, span=(1.0, 3.0))], tmp_path / "set")
    (sample,) = stock(made.file.path)
    read = document(sample)
    shown = numbers(sample)
    assert read["info"]["start"] == 1.0
    assert read["info"]["end"] == 3.0
    if sampler == "un":
        assert shown == [25 + place for place in segment_middles(50, 16)]
    else:
        assert shown == [25 + place for place, _ in chosen(50, [5, 15, 25, 35, 45], 24, 8)]
        assert PLACE.findall(read["prompt"])[-1] == ("I", "1000")


def test_clips_of_one_video_succeed_and_fail_each_for_itself(tmp_path: Path, video: Path) -> None:
    items = [video_item(video, 0, span=(0, 1)), video_item(video, 1, span=(90, 91)), video_item(video, 2, span=(1, 2))]
    results = [result for _, result in processed(PackBlock(sampler="un"), items, tmp_path)]
    assert isinstance(results[1], Failed)
    assert results[1].reason == "no_frames"
    assert [type(result).__name__ for result in results] == ["Done", "Failed", "Done"]


def test_001_f11_images_are_reduced_to_the_longest_side_and_keep_their_shape(tmp_path: Path, video: Path) -> None:
    for side, size in ((None, (320, 192)), (160, (160, 96)), (1280, (320, 192))):
        (made,) = packed(PackBlock(sampler="un", frames=1, max_side=side), [video_item(video)], tmp_path / str(side))
        with Image.open(io.BytesIO(stock(made.file.path)[0]["0.jpg"])) as image:
            assert image.size == size


def test_001_p4_images_have_quality_100_unless_asked_otherwise(tmp_path: Path, video: Path) -> None:
    def quantisation(block: PackBlock, name: str) -> int:
        (made,) = packed(block, [video_item(video)], tmp_path / name)
        with Image.open(io.BytesIO(stock(made.file.path)[0]["0.jpg"])) as image:
            return max(image.quantization[0])

    assert quantisation(PackBlock(sampler="un", frames=1), "best") == 1
    assert quantisation(PackBlock(sampler="un", frames=1, jpeg_quality=50), "small") > 10


def test_001_f09_a_sampler_of_ones_own_returns_names_and_entries(tmp_path: Path, video: Path) -> None:
    block = PackBlock(sampler="pack.plugin:Halves")
    (made,) = packed(block, [video_item(video, text="mine")], tmp_path / "set")
    (sample,) = stock(made.file.path)
    assert sample["0.bin"] + sample["1.bin"] == video.read_bytes()
    assert document(sample) == {"caption": "mine", "image_name_list": ["000000000-0", "000000000-1"]}


@pytest.mark.parametrize(
    "sampler", ["pack.plugin:Missing", "no.such.module:Class", "nobody.announced_this", "pack.plugin:NoSampler"]
)
def test_001_f09_a_sampler_that_cannot_be_loaded_is_refused_before_any_work(sampler: str) -> None:
    with pytest.raises(SpecError) as caught:
        PackStage(PackBlock(sampler=sampler)).check()
    assert caught.value.hint


@pytest.mark.parametrize("what", ["name", "json", "twice", "outside", "missing", "fields"])
def test_001_f09_a_sampler_that_gives_what_cannot_be_packed_fails_its_items(
    tmp_path: Path, video: Path, what: str
) -> None:
    ((_, result),) = processed(PackBlock(sampler="pack.plugin:Wrong"), [video_item(video, text=what)], tmp_path)
    assert isinstance(result, Failed)
    assert result.reason == "bad_sample"


def test_001_f09_an_installed_package_may_announce_samplers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "company-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: company\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[reelmill.samplers]\ncompany.halves = pack.plugin:Halves\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert type(load(PackBlock(sampler="company.halves"))).__name__ == "Halves"
