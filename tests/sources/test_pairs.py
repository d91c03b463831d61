from pathlib import Path
from typing import Any

import pytest

from reelmill.contract.errors import SpecError
from source_folders import items, listed, put, put_json, reasons


def pair(path: Any = "/data/clips/vid_1_4.mp4", **more: Any) -> dict[str, Any]:
    times = {"begin_time": 1.5, "end_time": 4.25, "duration": 2.75}
    return {"vid": "vid", "clip_path": path, "transcript": "a cow", **times, "size": [0.5] * 16} | more


def pairs(folder: Path, rows: object) -> list[Any]:
    return listed("pairs", uri=put_json(folder / "text_video_pairs.json", rows), clips=folder / "clips")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return put(tmp_path, "clips/vid_1_4.mp4", "clips/vid_5_9.mp4")


def test_000_f03_clips_and_pairs_are_enough_no_raw_video_is_needed(folder: Path) -> None:
    (clip,) = pairs(folder, [pair()])
    assert clip.problem is None
    assert clip.media.uri == clip.group == str(folder / "clips" / "vid_1_4.mp4")
    assert (clip.key, clip.weight) == ("vid_1_4.mp4", 2.75)
    assert clip.fields == {
        "vid": "vid", "text": "a cow", "begin_time": 1.5, "end_time": 4.25, "duration": 2.75,
        "size": [0.5] * 16, "name": "vid_1_4",
    }  # fmt: skip


@pytest.mark.parametrize(
    "path",
    [
        "vid_1_4.mp4",
        "clips/vid_1_4.mp4",
        "../clips/vid_1_4.mp4",
        "D:\\data\\clips\\vid_1_4.mp4",
        "s3://b/c/vid_1_4.mp4",
    ],
)
def test_000_p5_only_the_file_name_of_clip_path_counts(folder: Path, path: str) -> None:
    (clip,) = pairs(folder, [pair(path)])
    assert clip.media.uri == str(folder / "clips" / "vid_1_4.mp4")


def test_a_clip_is_not_to_be_cut_again(folder: Path) -> None:
    assert not {"start", "end"} & pairs(folder, [pair()])[0].fields.keys()


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (pair(None), "bad_path"),
        (pair("clips/"), "bad_path"),
        (pair("clips/.."), "bad_path"),
        (pair("gone.mp4"), "missing"),
        (pair(vid=None), "bad_id"),
        (pair(transcript=3), "bad_text"),
        (pair(begin_time=5), "bad_span"),
        (pair(duration=0), "bad_span"),
        (pair(duration="long"), "bad_span"),
        (3, "bad_row"),
    ],
)
def test_a_wrong_pair_is_one_failed_row(folder: Path, row: object, reason: str) -> None:
    found = pairs(folder, [pair("vid_5_9.mp4"), row])
    assert reasons(found) == [reason]
    assert len(items(found)) == 1


def test_pairs_without_times_weigh_their_bytes(folder: Path) -> None:
    (clip,) = pairs(folder, [pair(begin_time=None, end_time=None, duration=None)])
    assert (clip.problem, clip.weight) == (None, 5.0)


def test_000_f18_a_missing_clip_is_named(folder: Path) -> None:
    (clip,) = pairs(folder, [pair("x/gone.mp4")])
    assert str(folder / "clips" / "gone.mp4") in clip.problem[1]


def test_clips_of_one_name_in_two_folders_are_told_apart_by_their_path(tmp_path: Path) -> None:
    put(tmp_path, "clips/0001/clips/v_1_4.mp4", "clips/0002/clips/v_1_4.mp4")
    found = pairs(tmp_path, [pair("0002/clips/v_1_4.mp4"), pair("v_1_4.mp4")])
    assert reasons(found) == ["ambiguous"]
    assert items(found)[0].media.uri.endswith("0002/clips/v_1_4.mp4")


def test_a_file_that_is_not_a_pairs_json_is_refused(folder: Path) -> None:
    with pytest.raises(SpecError, match="no column 'clip_path', but there is 'clippath'"):
        pairs(folder, [{"vid": "v", "clippath": "x", "transcript": "y"}])
