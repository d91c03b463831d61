import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import multiview_set as driver
from chunks.chunk_place import Rows, indexed, rows, run, take
from reelmill.contract.records.rows import Item
from reelmill.contract.spec.stages.chunk import ChunkBlock
from reelmill.schema.descriptions import docstrings
from reelmill_stages.stage import Done, Failed, Filtered
from reelmill_stages.stages.chunk.stage import ChunkStage

NTSC = (
    "-vf", "settb=1/30000,setpts=N*1001", "-fps_mode", "passthrough", "-enc_time_base", "1/30000",
    "-video_track_timescale", "30000",
)  # fmt: skip
"""29.97 frames a second."""


def filmed(**lengths: int) -> dict[str, Path]:
    return {view: driver.film(lengths.get(view, 60)) for view in driver.VIEWS}


def frames(index: dict[str, Any]) -> list[list[int]]:
    """Of each chunk the frame numbers, the same in all views."""
    found = [[told["frames"] for told in entry["views"].values()] for entry in index["entries"]]
    assert all(view == views[0] for views in found for view in views)
    return [views[0] for views in found]


def reason(result: object) -> tuple[str, str]:
    assert isinstance(result, Failed), result
    return result.reason, result.message


def test_002_f05_frames_are_counted_by_the_annotation(tmp_path: Path) -> None:
    index = indexed(tmp_path, take(filmed(), range=[10, 55]), maxFrames=20)
    assert frames(index) == [[10, 30], [30, 50], [50, 55]]
    entry = index["entries"][1]
    told = {name: entry[name] for name in entry if "chunk" in name or "offset" in name}
    assert told == {
        "chunk_idx": 1, "total_chunks": 3, "chunk_start_frame": 20, "chunk_end_frame": 40, "start_frame_offset": 10,
    }  # fmt: skip


def test_002_p4_and_d29_the_annotations_start_is_applied_once(tmp_path: Path) -> None:
    points = {"front": {"uri": "/points/front", "source": "raw", "files": 1, "digest": "0"}}
    index = indexed(tmp_path, take(filmed(), range=[4, 18], keypoints=points), maxFrames=10)
    assert frames(index) == [[4, 14], [14, 18]]
    assert [entry["keypoints"]["front"]["frames"] for entry in index["entries"]] == [[4, 14], [14, 18]]


def test_002_p3_without_a_range_a_video_is_whole_or_in_chunks_of_its_real_length(tmp_path: Path) -> None:
    assert frames(indexed(tmp_path / "whole", take(filmed()))) == [[0, 60]]
    assert frames(indexed(tmp_path / "parts", take(filmed()), maxFrames=25)) == [[0, 25], [25, 50], [50, 60]]


def test_002_f06_all_views_of_a_chunk_show_the_same_range(tmp_path: Path) -> None:
    index = indexed(tmp_path, take(filmed(), range=[3, 50]), maxFrames=20)
    for entry in index["entries"]:
        assert list(entry["views"]) == list(driver.VIEWS)
        assert len({tuple(told["frames"]) for told in entry["views"].values()}) == 1
        assert len({tuple(told["pts"]) for told in entry["views"].values()}) == 1


def test_002_f06_a_view_that_is_shorter_than_the_others_is_one_clear_row(tmp_path: Path) -> None:
    results = run(tmp_path, take(filmed(left=40)), take(filmed(left=40), range=[0, 50]), maxFrames=20)
    assert [reason(result) for result in results] == [
        ("short_view", "left has 40 frames of the 60 that the other views have"),
        ("short_view", "left has 40 frames of the 50 that the other views have"),
    ]
    (cut,) = run(tmp_path / "cut", take(filmed(left=40), range=[0, 40]), maxFrames=20)
    assert isinstance(cut, Done)


def test_002_f06_views_of_another_speed_are_one_clear_row(tmp_path: Path) -> None:
    views = {**filmed(), "right": driver.film(60, fps=30)}
    ((why, message),) = map(reason, run(tmp_path, take(views)))
    assert (why, message) == (
        "out_of_step",
        "60 frames have different durations: front 2.40 s, left 2.40 s, right 2.00 s",
    )


@pytest.mark.parametrize("told", [[10, 61], [60, 70], [100, 200]])
def test_002_p1_an_annotation_that_points_outside_the_video_is_one_clear_row(tmp_path: Path, told: list[int]) -> None:
    ((why, message),) = map(reason, run(tmp_path, take(filmed(), range=told), maxFrames=20))
    assert why == "outside"
    assert message == f"the annotation refers to frames {told[0]} to {told[1]}, but the video has 60"


def test_002_f15_chunks_may_overlap(tmp_path: Path) -> None:
    index = indexed(tmp_path, take(filmed(), labels=[[18, 24, "up"]]), maxFrames=25, overlap=10)
    assert frames(index) == [[0, 25], [15, 40], [30, 55], [45, 60]]
    assert [3, 9, "up"] in index["entries"][1]["labels"]


def test_002_f07_and_p6_and_d18_chunks_are_cut_at_exact_times_and_share_no_frame(tmp_path: Path) -> None:
    film = driver.film(60, fps=30, extra=NTSC)
    index = indexed(tmp_path, take({"front": film}), maxFrames=25)
    assert frames(index) == [[0, 25], [25, 50], [50, 60]]
    front = [entry["views"]["front"] for entry in index["entries"]]
    assert [told["pts"] for told in front] == [[0, 25025], [25025, 50050], [50050, 60060]]
    assert {told["time_base"] for told in front} == {"1/30000"}
    assert {told["fps"] for told in front} == {29.97003}


def test_d16_planning_decodes_nothing(tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    data = bytearray(driver.film(60).read_bytes())
    box = data.index(b"mdat")
    size = int.from_bytes(data[box - 4 : box], "big") - 8
    data[box + 4 + size // 2 : box + 4 + size] = b"\xaa" * (size - size // 2)
    broken.write_bytes(data)
    assert frames(indexed(tmp_path, take({"front": broken}), maxFrames=25)) == [[0, 25], [25, 50], [50, 60]]
    (decoded,) = run(tmp_path / "decoded", take({"front": broken}), maxFrames=25, output="npy")
    assert reason(decoded)[0] == "corrupt"


def test_002_f08_labels_of_the_index_are_those_of_the_chunks_own_frames(tmp_path: Path) -> None:
    labels = [[0, 18, "left"], [25, 40, "right_up"]]
    index = indexed(tmp_path, take(filmed(), range=[10, 58], labels=labels), maxFrames=20)
    assert [entry["labels"] for entry in index["entries"]] == [
        [[0, 8, "left"], [8, 15, "front"], [15, 20, "right_up"]],
        [[0, 10, "right_up"], [10, 20, "front"]],
        [[0, 8, "front"]],
    ]


def test_002_p7_chunks_without_a_label_are_left_out_and_counted_where_gaps_are_dropped(tmp_path: Path) -> None:
    item = take(filmed(), labels=[[0, 5, "left"]])
    (result,) = run(tmp_path, item, maxFrames=20, gaps="drop")
    assert isinstance(result, Done)
    assert [made.fields["chunk"]["chunk_idx"] for made in result.items] == [0]
    assert result.counters == {"chunks_without_label": 2}
    (nothing,) = run(tmp_path, take(filmed(), labels=[]), gaps="drop")
    assert nothing == Filtered("no_labels", "no frame of the item has a label")


def test_002_p7_a_label_of_no_class_is_one_clear_row(tmp_path: Path) -> None:
    ((why, message),) = map(reason, run(tmp_path, take(filmed(), labels=[[0, 5, "sideways"]])))
    assert why == "unknown_label"
    assert message.startswith("sideways is none of the classes left, right")


def test_002_f10_labels_and_keypoints_can_be_left_out(tmp_path: Path) -> None:
    points = {"front": {"uri": "/points", "source": "raw", "files": 1, "digest": "0"}}
    item = take(filmed(), labels=[[0, 5, "left"]], keypoints=points)
    (entry,) = indexed(tmp_path, item, labels=False, keypoints=False)["entries"]
    assert entry["labels"] is None
    assert "keypoints" not in entry


def test_002_f09_keypoints_of_chunk_1_are_those_of_its_own_frames(tmp_path: Path) -> None:
    points = {"left": {"uri": "/points/left", "source": "raw", "files": 9, "digest": "0"}}
    index = indexed(tmp_path, take(filmed(), keypoints=points), maxFrames=20)
    assert index["entries"][1]["keypoints"]["left"]["frames"] == [20, 40]


def test_002_f12_a_log_line_says_how_many_videos_became_how_many_chunks(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "reelmill_stages")
    index = indexed(tmp_path, take(filmed()), maxFrames=25)
    assert "Video chunking enabled: 1 videos -> 3 chunks (max 25 frames/chunk)" in caplog.messages
    assert (index["videos"], index["chunks"]) == (1, 3)


def test_002_f14_the_advice_by_resolution_stands_at_the_field() -> None:
    told = " ".join(docstrings(ChunkBlock)["max_frames"].split())
    assert "500 to 1000 at 224x224, 1000 to 2000 at 112x112, 2000 to 4000 at 56x56" in told


def test_an_index_copies_nothing(tmp_path: Path) -> None:
    (result,) = run(tmp_path, take(filmed()), maxFrames=20)
    assert isinstance(result, Done)
    assert not any(made.files for made in result.items)
    assert not list(tmp_path.rglob("*"))


def test_an_item_of_one_file_is_one_view_and_a_virtual_clip_its_span(tmp_path: Path) -> None:
    film = driver.film(60)
    media = {"uri": str(film), "size": 1, "source": "raw", "span": [0.4, 2.0]}
    item = Item.from_json({"key": "a", "ordinal": 0, "group": "a", "weight": 1.0, "media": media})
    index = indexed(tmp_path, item, maxFrames=30)
    assert [entry["views"]["video"]["frames"] for entry in index["entries"]] == [[10, 40], [40, 50]]
    assert [entry["chunk_start_frame"] for entry in index["entries"]] == [0, 30]


def test_an_item_without_a_wanted_view_is_one_clear_row(tmp_path: Path) -> None:
    results = run(tmp_path, take(filmed()), views=["front", "rear"])
    assert reason(results[0]) == ("no_view", "the item has no view rear; it has front, left, right")


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"overlap": 3}, "overlap requires maxFrames"),
        ({"maxFrames": 5, "overlap": 5}, "must be less than maxFrames"),
        ({"output": "npy", "width": 32}, "width and height must be given together"),
        ({"width": 32, "height": 32}, "require output npy or mp4"),
        ({"output": "mp4", "width": 33, "height": 32}, "must be even"),
        ({"classes": ["up", "up", "front"]}, "contains a name twice"),
        ({"classes": ["up"]}, "requires a class named front"),
    ],
)
def test_parameters_that_contradict_each_other_are_refused(params: dict[str, Any], said: str) -> None:
    wrong: Sequence[str] = ChunkBlock.model_validate(params).refusals()
    assert any(said in each for each in wrong), wrong


def test_an_index_is_the_same_however_often_it_is_made(tmp_path: Path) -> None:
    made = rows(run(tmp_path, take(filmed(), labels=[[0, 5, "left"]]), maxFrames=20))
    texts = set()
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (view,) = ChunkStage(ChunkBlock()).present(Rows(made, tmp_path / name), {})
        texts.add(view.path.read_text())
    (text,) = texts
    assert len(json.loads(text)["entries"]) == 3
