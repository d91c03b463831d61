from pathlib import Path
from typing import Any

import pytest

import multiview_set as driver
from reelmill.contract.errors import SpecError
from source_folders import items, listed, names, reasons


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """One person at night, ranged and labelled."""
    driver.put_views(tmp_path)
    driver.put_labels(tmp_path, driver.annotation((0, 18, "left")))
    driver.put_ranges(tmp_path, driver.range_row(10, 58))
    return tmp_path


def takes(root: Path, **more: Any) -> list[Any]:
    return listed("multiview", **driver.block(root, **more))


def test_002_p1_a_range_comes_from_the_list_of_videos_with_start_mid_and_end(root: Path) -> None:
    (take,) = takes(root)
    assert take.problem is None
    assert (take.fields["range"], take.fields["mid"]) == ([10, 58], 34)


def test_002_p1_only_the_first_range_of_a_mark_counts(root: Path) -> None:
    row = driver.range_row(10, 58)
    row["videoLabels"][0]["ranges"].append({"start": 3, "end": 3})
    driver.put_ranges(root, row)
    assert takes(root)[0].fields["range"] == [10, 58]


@pytest.mark.parametrize(
    "video", ["person_01_night_high.mp4", "person_01_night_high_h265.mp4", "C:\\up\\person_01_night_high_h265.mp4"]
)
def test_002_p1_a_video_is_found_by_who_and_where_with_and_without_a_fifth_part(root: Path, video: str) -> None:
    driver.put_ranges(root, {**driver.range_row(10, 58), "video": video})
    assert takes(root)[0].fields["range"] == [10, 58]


@pytest.mark.parametrize(("start", "end"), [(None, 58), (10, None), (None, None), (58, 10), (20, 20), (-1, 5)])
def test_002_p1_a_missing_start_or_end_is_one_failed_row(root: Path, start: int | None, end: int | None) -> None:
    driver.put_views(root, "day_low")
    driver.put_labels(root, env="day_low")
    driver.put_ranges(root, driver.range_row(start, end), driver.range_row(0, 5, env="day_low"))
    found = takes(root)
    assert reasons(found) == ["bad_range"]
    assert names(found) == ["01_昼少ない"]


def test_002_p1_environments_keep_their_japanese_names(tmp_path: Path) -> None:
    for env in driver.FOLDERS:
        driver.put_views(tmp_path, env)
        driver.put_labels(tmp_path, driver.annotation((0, 5, "up")), env=env)
    driver.put_ranges(tmp_path, *(driver.range_row(1, 9, env=env) for env in driver.FOLDERS))
    found = {take.fields["env_key"]: take for take in takes(tmp_path)}
    assert {env: take.fields["env_folder"] for env, take in found.items()} == driver.FOLDERS
    assert all(take.fields["range"] == [1, 9] and take.fields["labels"] for take in found.values())
    assert found["night_high"].key == "01/夜多い"


def test_002_p2_the_originals_folders_become_one_item_with_its_views_bundled(root: Path) -> None:
    (take,) = takes(root, keypoints=str(driver.put_points(root, range(3))))
    folder = root / "videos" / "01" / "夜多い"
    assert {view: told["uri"] for view, told in take.fields["views"].items()} == {
        view: str(folder / f"{view}.mp4") for view in ("front", "left", "right")
    }
    assert take.media.uri == str(folder / "front.mp4")
    assert take.fields["labelled"]["file"] == "person_01_night_high_h265.json"
    points = take.fields["keypoints"]["left"]
    assert points["uri"] == str(root / "sam3d_body_results_right" / "01" / "夜多い" / "left")
    assert points["files"] == 3


def test_002_p2_the_original_index_gives_items_and_their_splits(root: Path) -> None:
    driver.put_views(root, "day_low")
    driver.put_labels(root, env="day_low")
    driver.put_views(root, "day_high")
    index = driver.put_index(root, [("01", "night_high")], [("01", "day_low"), ("02", "day_low")])
    found = takes(root, index=str(index))
    assert {take.key: take.fields["split"] for take in items(found)} == {"01/夜多い": "train", "01/昼少ない": "val"}
    assert reasons(found) == ["missing"]
    with pytest.raises(SpecError, match="no fold '3'"):
        takes(root, index=str(index), fold="3")


def test_002_p2_a_take_in_two_splits_is_a_leak(root: Path) -> None:
    index = driver.put_index(root, [("01", "night_high")], [("01", "night_high")])
    found = takes(root, index=str(index))
    assert reasons(found) == ["leak"]
    assert items(found)[0].fields["split"] == "train"


def test_002_p5_the_newest_annotation_wins(root: Path) -> None:
    driver.put_labels(
        root,
        driver.annotation((0, 5, "up"), annotator=2, at="2026-02-03T00:00:00Z"),
        driver.annotation((0, 9, "down"), annotator=1, at="2026-02-03T08:00:00+09:00"),
        driver.annotation((0, 7, "left"), annotator=3, at=None, created_at="2026-01-01T00:00:00Z"),
    )
    (take,) = takes(root)
    assert take.fields["labels"] == [[0, 5, "up"]]
    assert take.fields["labelled"]["by"] == "2"


def test_002_p5_an_annotator_can_be_chosen(root: Path) -> None:
    driver.put_labels(root, driver.annotation((0, 5, "up"), annotator=2), driver.annotation((0, 9, "down")))
    assert takes(root, annotator="1")[0].fields["labels"] == [[0, 9, "down"]]
    (lacking,) = takes(root, annotator="9")
    assert lacking.problem == ("no_annotator", "9 has no labels here; annotators with labels: 1, 2")


def test_002_p5_merging_annotators_is_refused_with_the_reason(root: Path) -> None:
    with pytest.raises(ValueError, match="cannot be merged, because a frame could have two labels"):
        takes(root, annotator="all")


def test_002_p5_annotations_that_are_equally_new_and_differ_are_one_failed_row(root: Path) -> None:
    driver.put_labels(root, driver.annotation((0, 5, "up"), annotator=2), driver.annotation((0, 9, "down")))
    (take,) = takes(root)
    assert take.problem == (
        "bad_labels",
        "2 annotations are equally recent and differ: choose an annotator, one of 1, 2",
    )


def test_a_view_that_is_not_there_is_one_failed_row(root: Path) -> None:
    (root / "videos" / "01" / "夜多い" / "left.mp4").unlink()
    assert takes(root)[0].problem == ("missing", "01/夜多い has no video left.mp4 (or .mkv, …)")
    assert takes(root, views=["front", "right"])[0].problem is None


def test_whatever_speaks_of_a_take_comes_to_a_row(root: Path) -> None:
    driver.put_labels(root, person="02")
    driver.put_ranges(root, driver.range_row(0, 5), driver.range_row(0, 5, person="03"), {"video": "x.mp4"}, 3)
    driver.put_views(root, person="04")
    found = takes(root)
    assert [take.key for take in items(found)] == ["01/夜多い"]
    assert reasons(found) == ["bad_name", "bad_row", "missing", "missing", "missing"]


def test_two_ranges_of_one_video_that_differ_are_one_failed_row(root: Path) -> None:
    driver.put_ranges(root, driver.range_row(0, 5), driver.range_row(0, 6))
    assert reasons(takes(root)) == ["bad_range"]


NO_FRAME = '{"annotations": [{"videoLabels": [{"timelinelabels": ["up"], "ranges": [{"start": "a", "end": 3}]}]}]}'


@pytest.mark.parametrize("content", ["{}", "[", NO_FRAME])
def test_a_broken_label_file_is_one_failed_row(root: Path, content: str) -> None:
    driver.put_labels(root).write_text(content)
    assert reasons(takes(root)) == ["bad_labels"]


def test_a_wrong_keypoint_folder_is_refused(root: Path) -> None:
    with pytest.raises(SpecError, match="has no keypoints"):
        takes(root, keypoints=str(root / "keypoint"))


def test_keypoints_that_change_make_another_item(root: Path) -> None:
    points = driver.put_points(root, range(3))
    before = takes(root, keypoints=str(points))[0].fields["keypoints"]
    driver.put_points(root, range(4))
    after = takes(root, keypoints=str(points))[0].fields["keypoints"]
    assert before["front"]["digest"] != after["front"]["digest"]
