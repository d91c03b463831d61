"""Chunks that are written: the very frames, no more memory than a few of them, and keypoints that were listed."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import multiview_set as driver
from chunks.chunk_place import indexed, listed, point_folders, run, take
from footage import frame_number
from reelmill.contract.errors import ItemError
from reelmill_stages.media.decoding.decode import decode
from reelmill_stages.media.decoding.picture import render
from reelmill_stages.media.keypoints import KEPT, file_name, read_joints
from reelmill_stages.media.timeline.timeline import read_timeline
from reelmill_stages.stage import Done, Failed

MEMORY = Path(__file__).with_name("memory_of_chunks.py")
STREAMING = 64
"""MiB."""


def item(**fields: Any) -> Any:
    return take({view: driver.film(60) for view in ("front", "left")}, **{"range": [10, 58], **fields})


def array(folder: Path, told: dict[str, Any]) -> "np.ndarray[Any, Any]":
    found: np.ndarray[Any, Any] = np.load(folder / told["file"], allow_pickle=False)
    return found


def test_002_f06_f07_and_p6_and_d18_arrays_hold_exactly_the_chunks_frames_bit_for_bit(tmp_path: Path) -> None:
    index = indexed(tmp_path, item(), maxFrames=20, output="npy")
    film = driver.film(60)
    whole = [render(picture.frame, width=208, height=112) for picture in decode(film, read_timeline(film), range(60))]
    for entry, frames in zip(index["entries"], [(10, 30), (30, 50), (50, 58)], strict=True):
        for told in entry["views"].values():
            assert np.array_equal(array(tmp_path, told), np.stack(whole[slice(*frames)]))


def test_002_f15_frames_that_two_chunks_share_are_in_both(tmp_path: Path) -> None:
    index = indexed(tmp_path, item(range=[0, 60]), maxFrames=25, overlap=15, output="npy")
    shown = [[frame_number(frame) for frame in array(tmp_path, entry["views"]["left"])] for entry in index["entries"]]
    assert shown == [list(range(start, min(start + 25, 60))) for start in (0, 10, 20, 30, 40)]


def test_002_f06_and_p6_and_d18_encoded_chunks_hold_exactly_their_frames(tmp_path: Path) -> None:
    index = indexed(tmp_path, item(), maxFrames=25, views=["front"], output="mp4", width=96, height=64)
    for entry, count in zip(index["entries"], (25, 23), strict=True):
        for told in entry["views"].values():
            timeline = read_timeline(tmp_path / told["file"])
            assert len(timeline) == count
            (first,) = decode(tmp_path / told["file"], timeline, [0])
            assert (first.frame.width, first.frame.height) == (96, 64)


def test_arrays_can_have_a_size_of_their_own(tmp_path: Path) -> None:
    index = indexed(tmp_path, item(), output="npy", width=48, height=32)
    assert array(tmp_path, index["entries"][0]["views"]["front"]).shape == (48, 32, 48, 3)


def test_002_p7_frames_between_labelled_chunks_are_not_written(tmp_path: Path) -> None:
    labels = [[0, 12, "left"], [45, 50, "up"]]
    index = indexed(tmp_path, item(range=[0, 60], labels=labels), maxFrames=20, gaps="drop", output="npy")
    shown = [[frame_number(frame) for frame in array(tmp_path, entry["views"]["left"])] for entry in index["entries"]]
    assert shown == [list(range(20)), list(range(40, 60))]


def test_002_f09_and_p7_copied_keypoints_are_those_of_the_chunks_frames(tmp_path: Path) -> None:
    root = driver.put_points(tmp_path, [frame for frame in range(60) if frame != 31])
    folders = point_folders(root / "01" / "夜多い")
    index = indexed(tmp_path / "out", item(keypoints=folders), maxFrames=20, output="npy")
    told = index["entries"][1]["keypoints"]["left"]
    points = array(tmp_path / "out", told)
    assert (points.shape, points.dtype, told["missing"]) == ((20, 52, 3), np.float32, 1)
    assert points[:, 7, 1].tolist() == [30, 0, *range(32, 50)]


def test_keypoints_that_are_not_those_that_were_listed_are_one_clear_row(tmp_path: Path) -> None:
    root = driver.put_points(tmp_path, range(60))
    folders = point_folders(root / "01" / "夜多い")
    (root / "01" / "夜多い" / "left" / file_name(3)).unlink()
    (result,) = run(tmp_path / "out", item(keypoints=folders), output="npy")
    assert isinstance(result, Failed)
    assert (result.reason, result.message.startswith("the keypoints in ")) == ("changed", True)


def test_002_p7_of_the_70_joints_the_52_of_head_shoulders_and_hands_are_kept(tmp_path: Path) -> None:
    output = {"pred_keypoints_3d": np.arange(210, dtype=np.float32).reshape(70, 3), "focal_length": np.float32(3.0)}
    np.savez(tmp_path / "a.npz", output=np.array(output, dtype=object))
    joints = read_joints((tmp_path / "a.npz").read_bytes(), "a.npz")
    assert joints.shape == (52, 3)
    assert joints[:, 0].tolist() == [3 * joint for joint in KEPT]


class Hostile:
    def __reduce__(self) -> tuple[Any, ...]:
        return print, ("somebody else's code ran",)


@pytest.mark.parametrize(
    "output", [{"pred_keypoints_3d": Hostile()}, {"other": 1}, {"pred_keypoints_3d": np.full((70, 3), np.nan)}, 3]
)
def test_keypoints_are_never_unpickled_blindly(
    tmp_path: Path, output: object, capsys: pytest.CaptureFixture[str]
) -> None:
    np.savez(tmp_path / "a.npz", output=np.array(output, dtype=object))
    with pytest.raises(ItemError, match=r"a\.npz") as caught:
        read_joints((tmp_path / "a.npz").read_bytes(), "a.npz")
    assert caught.value.reason == "bad_keypoints"
    assert "somebody" not in capsys.readouterr().out


def test_a_chunk_that_is_written_is_the_same_however_often(tmp_path: Path) -> None:
    digests = []
    for name in ("one", "two"):
        (result,) = run(tmp_path / name, item(), views=["left"], output="mp4")
        assert isinstance(result, Done)
        digests.append([file.path.read_bytes() for made in result.items for file in made.files])
    assert digests[0] == digests[1]


def peak(*words: str) -> dict[str, float]:
    """What one process needed: `before` work began, at its `peak`, and for its `output`, in MiB."""
    said = subprocess.run([sys.executable, MEMORY, *words], check=True, capture_output=True, text=True).stdout
    found: dict[str, float] = json.loads(said.splitlines()[-1])
    return found


@pytest.mark.store
@pytest.mark.parametrize("output", ["npy", "mp4", "index"])
def test_002_f04_memory_stays_flat_however_long_the_video(tmp_path: Path, output: str) -> None:
    grown = []
    for frames in (500, 3000):
        film = listed(driver.film(frames, size=(160, 96)))
        found = peak("stage", film.uri, output, "500", str(tmp_path / str(frames)))
        grown.append(found["peak"] - found["before"])
    assert max(grown) <= STREAMING
    assert grown[1] - grown[0] <= 8
