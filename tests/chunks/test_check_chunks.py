"""A good set passes; of a set that is broken in one place, exactly that rule fails."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import multiview_set as driver
from chunks.chunk_place import indexed, point_folders, take
from reelmill.contract.commands.result_rows import FindingRow
from reelmill_stages.commands.check import check

Index = dict[str, Any]
Break = Callable[[Index, Path], None]


@pytest.fixture(scope="module")
def points(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keypoints of all frames, for all tests of this file."""
    return driver.put_points(tmp_path_factory.mktemp("points"), range(10, 58)) / "01" / "夜多い"


def good(folder: Path, points: Path, output: str = "index", **params: Any) -> Index:
    """Two views of a video in chunks, with labels and keypoints."""
    folders = point_folders(points)
    root = folder / "set"
    paths = {}
    for view in ("front", "left"):
        paths[view] = shutil.copyfile(driver.film(60), folder / f"{view}.mp4")
    labels = [[0, 18, "left"], [25, 40, "right_up"]]
    item = take(paths, range=[10, 58], labels=labels, keypoints={view: folders[view] for view in paths})
    return indexed(root, item, **{"maxFrames": 20, "output": output, **params})


def broken(folder: Path, index: Index, change: Break) -> set[str]:
    """The rules that the set breaks after a change."""
    change(index, folder / "set")
    (folder / "set" / "chunk_index.json").write_text(json.dumps(index))
    return {row.rule for row in check(folder / "set", ["chunks"]) if not row.ok}


def nothing(index: Index, folder: Path) -> None:
    """A change that is none."""


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"overlap": 5},
        {"gaps": "drop"},
        {"maxFrames": None},
        {"output": "npy"},
        {"output": "npy", "overlap": 5},
        {"output": "mp4", "maxFrames": 40},
    ],
)
def test_a_good_set_passes(tmp_path: Path, points: Path, params: dict[str, Any]) -> None:
    index = good(tmp_path, points, **params)
    assert not broken(tmp_path, index, nothing)
    assert [row.format for row in check(tmp_path / "set")][:1] == ["chunks"]


def setting(*path: Any, to: Any) -> Break:
    """Set one value of the index."""

    def change(index: Index, folder: Path) -> None:
        place: Any = index
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = to

    return change


def dropped(index: Index, folder: Path) -> None:
    del index["entries"][1]
    index["chunks"] = 2


INDEX_RULES: dict[str, Break] = {
    "readable": setting("version", to=99),
    "counts": setting("videos", to=7),
    "chunk_idx": dropped,
    "start_frame_offset": setting("entries", 2, "start_frame_offset", to=11),
    "boundaries": setting("entries", 1, "chunk_end_frame", to=41),
    "total_chunks": setting("entries", 2, "chunk_end_frame", to=40),
    "views_equal": setting("entries", 1, "views", "left", "frames", to=[30, 51]),
    "frame_numbers": setting("entries", 1, "views", "left", "frames", to=[70, 90]),
    "labels_inside": setting("entries", 2, "labels", to=[[0, 18, "front"]]),
    "labels_known": setting("entries", 2, "labels", to=[[0, 8, "sideways"]]),
    "labels_some": setting("entries", 2, "labels", to=[]),
    "labels_cover": setting("entries", 2, "labels", to=[[0, 7, "front"]]),
    "keypoint_frames": setting("entries", 1, "keypoints", "front", "frames", to=[20, 40]),
    "keypoint_files": setting("entries", 1, "keypoints", "front", "uri", to="/nowhere"),
    "file_exists": setting("entries", 0, "views", "front", "media", "uri", to="/nowhere.mp4"),
    "inside_video": setting("entries", 0, "views", "front", "frames", to=[50, 70]),
    "pts": setting("entries", 0, "views", "front", "pts", to=[0, 10240]),
    "fields": lambda index, folder: index["entries"][0].pop("views"),
}


@pytest.mark.parametrize("rule", INDEX_RULES)
def test_a_broken_index_fails_by_the_rules_name(tmp_path: Path, points: Path, rule: str) -> None:
    assert rule in broken(tmp_path, good(tmp_path, points, "index"), INDEX_RULES[rule])


def saved(name: str, array: Any) -> Break:
    return lambda index, folder: np.save(folder / index["entries"][0][name]["front"]["file"], array)


DATA_RULES: dict[str, Break] = {
    "file_exists": lambda index, folder: (folder / index["entries"][0]["views"]["front"]["file"]).unlink(),
    "array": saved("views", np.zeros((20, 4, 4, 3), np.float32)),
    "frame_count": saved("views", np.zeros((19, 4, 4, 3), np.uint8)),
    "keypoint_array": saved("keypoints", np.zeros((20, 70, 3), np.float32)),
}


@pytest.mark.parametrize("rule", DATA_RULES)
def test_broken_data_fails_by_the_rules_name_alone(tmp_path: Path, points: Path, rule: str) -> None:
    assert broken(tmp_path, good(tmp_path, points, "npy"), DATA_RULES[rule]) == {rule}


def test_an_invalid_video_and_one_with_other_frames_are_named(tmp_path: Path, points: Path) -> None:
    index = good(tmp_path, points, "index")
    (tmp_path / "front.mp4").write_bytes(b"no video")
    assert broken(tmp_path, index, nothing) == {"video"}
    shutil.copyfile(driver.film(60, fps=30), tmp_path / "front.mp4")
    assert "pts" in broken(tmp_path, index, nothing)


def test_every_rule_has_a_set_that_breaks_it(tmp_path: Path, points: Path) -> None:
    rules = {row.rule for kind in ("index", "npy") for row in _checked(tmp_path / kind, points, kind)}
    assert rules - {"video"} <= {*INDEX_RULES, *DATA_RULES}


def _checked(folder: Path, points: Path, output: str) -> list[FindingRow]:
    folder.mkdir()
    good(folder, points, output)
    return list(check(folder / "set", ["chunks"]))


@pytest.mark.parametrize(
    ("path", "to"),
    [
        (("entries", 0, "total_chunks"), 10**15),
        (("entries", 0, "chunk_end_frame"), 10**15),
        (("entries", 0, "labels"), [[0, 10**15, "front"]]),
        (("entries", 0, "keypoints", "front", "frames"), [0, 10**15]),
        (("entries", 0, "views", "front", "frames"), []),
        (("entries", 0, "views", "front", "frames"), [0, "x"]),
        (("entries", 0, "views"), []),
        (("entries", 0, "chunk_start_frame"), 1e400),
        (("params", "maxFrames"), 10**-9),
        (("params", "overlap"), None),
    ],
)
def test_a_number_of_any_size_or_kind_is_a_finding(
    tmp_path: Path, points: Path, path: tuple[Any, ...], to: Any
) -> None:
    assert broken(tmp_path, good(tmp_path, points), setting(*path, to=to))
