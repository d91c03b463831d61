import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reelmill.contract.errors import SpecError
from reelmill_stages.sources.caption_sets import KNOWN, Caption
from source_folders import items, listed, names, put, reasons

__reelmill__ = ["of_my_own", "failing"]

TURNS = [{"from": "human", "value": "<video>\nWhat is it?"}, {"from": "gpt", "value": "A cow."}]
LINK = [
    {
        "clips": [
            {"clip_path": "/mnt/set/abc/clip_0", "caption": "a"},
            {"clip_path": "/mnt/set/abc/clip_1", "caption": "b"},
        ]
    }
]
TUBE = {"YoutubeID": "abc", "Start_timestamp": "00:00:01.5", "End_timestamp": "00:00:03.5", "Caption": "a"}
FILES = {
    "webvid": ({"image": {"0": "00/1.mp4", "1": "00/2.mp4"}, "value": {"0": "a", "1": "b"}}, ["00/1.mp4", "00/2.mp4"]),
    "hdvila": ([{"video": "x/1.mp4", "caption": "a"}], ["x/1.mp4"]),
    "ego4d": ([{"video_path": "1.mp4", "caption": "a"}], ["1.mp4"]),
    "internvid": ([TUBE], ["abc_00:00:01.5_00:00:03.5.mp4"]),
    "how2link": (LINK, ["set/abc/clip_0.mp4", "set/abc/clip_1.mp4"]),
    "llava": ([{"id": 1, "video": "1.mp4", "conversations": TURNS}], ["1.mp4"]),
    "sft": ([{"video": "1.mp4", "QA": "a"}], ["1.mp4"]),
}


def captions(folder: Path, dataset: str, value: object, *, lines: bool = False) -> list[Any]:
    text = "\n".join(map(json.dumps, value)) if lines else json.dumps(value)  # type: ignore[arg-type]
    put(folder, "set.json", content=text.encode())
    return listed("captions", dataset=dataset, uri=folder / "set.json", videos=folder / "videos")


@pytest.mark.parametrize("dataset", sorted(FILES))
def test_001_f01_every_known_data_set_becomes_the_same_kind_of_items(tmp_path: Path, dataset: str) -> None:
    value, paths = FILES[dataset]
    put(tmp_path / "videos", *paths)
    found = captions(tmp_path, dataset, value, lines=dataset == "internvid")
    assert reasons(found) == []
    assert [item.key for item in found] == paths
    assert [item.media.uri for item in found] == [str(tmp_path / "videos" / path) for path in paths]
    said = "conversations" if dataset == "llava" else "text"
    assert found[0].fields[said] == (TURNS if dataset == "llava" else "a")
    assert all("." not in name and ":" not in name for name in names(found))


def test_every_known_data_set_is_tested() -> None:
    assert set(FILES) == set(KNOWN)


@pytest.mark.parametrize("value", [{"0": {"image": "1.mp4", "value": "a"}}, [{"image": "1.mp4", "value": "a"}]])
def test_webvid_may_be_rows_too(tmp_path: Path, value: object) -> None:
    put(tmp_path / "videos", "1.mp4")
    (item,) = captions(tmp_path, "webvid", value)
    assert item.fields["text"] == "a"


def test_ids_of_clips_are_those_of_their_video(tmp_path: Path) -> None:
    put(tmp_path / "videos", *FILES["how2link"][1])
    assert [item.fields["vid"] for item in captions(tmp_path, "how2link", LINK)] == ["abc", "abc"]


def test_001_p7_questions_and_answers_of_sft_become_turns(tmp_path: Path) -> None:
    put(tmp_path / "videos", "1.mp4")
    (item,) = captions(tmp_path, "sft", [{"video": "1.mp4", "QA": [{"i": "Look.", "q": "What?", "a": "A cow."}]}])
    assert item.fields["conversations"] == [
        {"from": "human", "value": "Look.\nWhat?"},
        {"from": "gpt", "value": "A cow."},
    ]


def test_the_extension_is_matched_against_what_is_there(tmp_path: Path) -> None:
    put(tmp_path / "videos", "x/1.webm", "y/1.mp4")
    (item,) = captions(tmp_path, "hdvila", [{"video": "x/1.mp4", "caption": "a"}])
    assert item.media.uri.endswith("/x/1.webm")


@pytest.mark.parametrize(
    ("dataset", "row", "reason"),
    [
        ("hdvila", {"video": "gone.mp4", "caption": "a"}, "missing"),
        ("hdvila", {"video": "../1.mp4", "caption": "a"}, "bad_path"),
        ("hdvila", {"caption": "a"}, "bad_path"),
        ("hdvila", {"video": "1.mp4"}, "bad_text"),
        ("hdvila", {"video": "1.mp4", "caption": ["a"]}, "bad_text"),
        ("hdvila", "text", "bad_path"),
        ("internvid", {**TUBE, "End_timestamp": None}, "bad_path"),
        ("internvid", {**TUBE, "YoutubeID": 5}, "bad_path"),
        ("how2link", {"clips": []}, "bad_path"),
        ("how2link", {"clips": ["x"]}, "bad_path"),
        ("llava", {"video": "1.mp4", "conversations": []}, "bad_text"),
        ("llava", {"video": "1.mp4", "conversations": [{"from": "human"}]}, "bad_text"),
        ("llava", {"video": "1.mp4"}, "bad_text"),
        ("sft", {"video": "1.mp4", "QA": [{"q": None, "a": "x"}]}, "bad_text"),
        ("sft", {"video": "1.mp4", "QA": None}, "bad_text"),
    ],
)
def test_a_wrong_row_is_one_failed_row(tmp_path: Path, dataset: str, row: object, reason: str) -> None:
    good, paths = FILES[dataset]
    put(tmp_path / "videos", "1.mp4", *paths)
    found = captions(tmp_path, dataset, [*good, row])
    assert reasons(found) == [reason]
    assert len(items(found)) == len(paths)


def test_a_path_without_its_caption_is_a_failed_row(tmp_path: Path) -> None:
    put(tmp_path / "videos", "1.mp4")
    found = captions(tmp_path, "webvid", {"image": {"0": "1.mp4", "1": "1.mp4"}, "value": {"0": "a", "7": "b"}})
    assert reasons(found) == ["bad_path", "bad_text"]


@pytest.mark.parametrize("dataset", sorted(FILES))
def test_a_file_of_another_data_set_is_refused(tmp_path: Path, dataset: str) -> None:
    put(tmp_path / "videos", "1.mp4")
    with pytest.raises(SpecError, match="no column"):
        captions(tmp_path, dataset, [{"something": "else"}])


def of_my_own(data: bytes, where: str) -> Iterator[Caption]:
    for line in data.decode().splitlines():
        video, _, text = line.partition("|")
        yield Caption(video, text)


def failing(data: bytes, where: str) -> Iterator[Caption]:
    yield Caption(json.loads(data)["nothing"])


def test_001_f01_a_new_adapter_is_one_function(tmp_path: Path) -> None:
    put(tmp_path / "videos", "1.mp4")
    put(tmp_path, "set.txt", content=b"1.mp4|a cow\n2.mp4|an ox")
    found = listed("captions", dataset=f"{__name__}:of_my_own", uri=tmp_path / "set.txt", videos=tmp_path / "videos")
    assert [item.fields["text"] for item in found] == ["a cow", "an ox"]
    assert reasons(found) == ["missing"]


@pytest.mark.parametrize("name", ["no_such_module_of_mine:f", "json:no_such_function", f"{__name__}:failing"])
def test_an_adapter_that_does_not_work_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(SpecError, match="adapter"):
        captions(tmp_path, name, {})
