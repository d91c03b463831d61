import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reelmill.contract.errors import NotFound, SpecError
from reelmill_stages.file_names import safe_stem
from source_folders import items, listed, names, put, put_json, reasons

VID = "dQw4w9WgXcQ"


def official(vid: Any = VID, text: Any = "a cow", begin: Any = 1.5, end: Any = 4.25, **more: Any) -> dict[str, Any]:
    return {"vid": vid, "transcript clip": text, "begin position": begin, "end position": end, **more}


def clips(folder: Path, rows: object, info: str | None = None) -> list[Any]:
    metadata = put_json(folder / "meta" / "dataset_train.json", rows)
    more = {}
    if info is not None:
        put(folder / "meta", "info.csv", content=info.encode())
        more["info"] = folder / "meta" / "info.csv"
    return listed("clip4mc", metadata=metadata, videos=folder / "videos", **more)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return put(tmp_path, f"videos/{VID}.mp4", "videos/-Ab_cd-EF01.webm")


def test_000_f05_the_official_array_with_spaces_in_its_keys_is_accepted(folder: Path) -> None:
    (clip,) = clips(folder, [official(size=[0.5] * 16)])
    assert clip.problem is None
    assert clip.fields == {
        "vid": VID, "text": "a cow", "start": 1.5, "end": 4.25, "size": [0.5] * 16, "name": f"{VID}_1_4",
    }  # fmt: skip
    assert clip.weight == 2.75
    assert clip.media.uri == clip.group == str(folder / "videos" / f"{VID}.mp4")
    assert clip.media.source == "raw"
    assert clip.media.etag
    assert clip.media.span is None


@pytest.mark.parametrize("bom", ["", "\ufeff"])
def test_000_f05_json_lines_are_accepted_too(folder: Path, bom: str) -> None:
    rows = [official(), {"vid": "-Ab_cd-EF01", "transcript": "an ox", "begin": 0, "end": 3}]
    put(folder, "m.json", content=(bom + "\r\n".join(map(json.dumps, rows)) + "\n\n").encode())
    found = listed("clip4mc", metadata=folder / "m.json", videos=folder / "videos")
    assert names(found) == ["-Ab_cd-EF01_0_3", f"{VID}_1_4"]


def test_000_f05_both_files_give_the_same_clips_whether_array_or_lines(folder: Path) -> None:
    rows = [official(begin=n, end=n + 1) for n in range(9)]
    put(folder, "lines.json", content="\n".join(map(json.dumps, rows)).encode())
    assert listed("clip4mc", metadata=folder / "lines.json", videos=folder / "videos") == clips(folder, rows)


@pytest.mark.parametrize(
    "line",
    [
        f"https://www.youtube.com/watch?v={VID},cow",
        f"https://www.youtube.com/watch?list=x&v={VID}&t=1s,cow.mp4",
        f"https://youtu.be/{VID}?t=5,cow.mp4",
        f"youtu.be/{VID},cow",
        f"v={VID},cow.mp4",
        f"https://www.youtube.com/shorts/{VID},cow",
        f"https://m.youtube.com/watch?v={VID},cow.mkv",
        f'"https://www.youtube.com/watch?v={VID}","cow"',
    ],
)
@pytest.mark.parametrize("header", ["url,filename\n", "\ufeffurl,filename\r\n", ""])
def test_000_f04_info_csv_leads_to_the_file(tmp_path: Path, line: str, header: str) -> None:
    put(tmp_path, "videos/cow.mp4")
    (clip,) = clips(tmp_path, [official()], header + line + "\n")
    assert clip.problem is None
    assert clip.media.uri == str(tmp_path / "videos" / "cow.mp4")


def test_000_f04_the_later_log_names_files_by_their_title(tmp_path: Path) -> None:
    put(tmp_path, "videos/Cows： 1⧸2.webm")
    info = f"\ufeffurl,title,status\nhttps://www.youtube.com/watch?v={VID},Cows: 1/2,success\n"
    (clip,) = clips(tmp_path, [official()], info)
    assert clip.problem is None


def test_000_f06_several_clips_of_one_video_stay_together_in_order(folder: Path) -> None:
    rows = [official(begin=9, end=12), official("-Ab_cd-EF01"), official(begin=2.9, end=5)]
    found = clips(folder, rows)
    assert names(found) == ["-Ab_cd-EF01_1_4", f"{VID}_2_5", f"{VID}_9_12"]
    assert found[1].group == found[2].group != found[0].group


def test_000_f18_a_missing_file_is_named_and_the_listing_continues(folder: Path) -> None:
    there, gone = clips(folder, [official("nothere_xyz"), official()])
    assert there.problem is None
    assert gone.problem[0] == "missing"
    assert str(folder / "videos" / "nothere_xyz.mp4") in gone.problem[1]
    assert gone.fields["name"] == "nothere_xyz_1_4"


def test_a_missing_video_keeps_its_key_when_it_comes(folder: Path) -> None:
    rows = [official("nothere_xyz"), official()]
    before = {clip.key for clip in clips(folder, rows)}
    put(folder, "videos/nothere_xyz.MKV")
    after = clips(folder, rows)
    assert {clip.key for clip in after} == before
    assert reasons(after) == []


def test_the_name_in_info_is_shown_when_its_file_is_missing(folder: Path) -> None:
    (clip,) = clips(folder, [official("nothere_xyz")], "v=nothere_xyz,cow.mp4\n")
    assert str(folder / "videos" / "cow.mp4") in clip.problem[1]


def test_d5_a_title_in_chinese_never_leads_to_another_video(tmp_path: Path) -> None:
    put(tmp_path, "videos/我的世界.mp4", "videos/红石教程.mp4")
    info = f"url,title,status\nv={VID},红石教程,ok\nv=-Ab_cd-EF01,生存指南,ok\n"
    found = {clip.fields["vid"]: clip for clip in clips(tmp_path, [official(), official("-Ab_cd-EF01")], info)}
    assert found[VID].media.uri.endswith("/红石教程.mp4")
    assert found["-Ab_cd-EF01"].problem[0] == "missing"


def test_d5_two_videos_with_one_title_are_ambiguous_not_one_of_them(tmp_path: Path) -> None:
    put(tmp_path, "videos/教程.mp4")
    info = f"url,title\nv={VID},教程\nv=-Ab_cd-EF01,教程\n"
    assert reasons(clips(tmp_path, [official(), official("-Ab_cd-EF01")], info)) == ["ambiguous", "ambiguous"]


def test_d5_ids_that_differ_in_letter_case_are_different_videos(folder: Path) -> None:
    assert reasons(clips(folder, [official(VID.lower())])) == ["missing"]


def test_d5_accents_spelt_in_two_ways_are_the_same_name(tmp_path: Path) -> None:
    put(tmp_path, "videos/cafe\u0301.mp4")
    assert reasons(clips(tmp_path, [official()], f"v={VID},caf\u00e9.mp4\n")) == []


@pytest.mark.parametrize("there", ["cow.mkv", "cow.WEBM", "deep/er/cow.mp4", f"{VID}.mp4", f"Any title [{VID}].mp4"])
def test_the_extension_and_the_folder_are_matched_against_what_is_there(tmp_path: Path, there: str) -> None:
    put(tmp_path, f"videos/{there}", "videos/cow.jpg", "videos/cow.mp4.part")
    (clip,) = clips(tmp_path, [official()], f"v={VID},cow.mp4\n")
    assert clip.media.uri == str(tmp_path / "videos" / there)


def test_two_files_that_match_are_ambiguous(tmp_path: Path) -> None:
    put(tmp_path, f"videos/{VID}.mkv", f"videos/{VID}.mp4")
    (clip,) = clips(tmp_path, [official()])
    assert clip.problem[0] == "ambiguous"
    assert f"{VID}.mkv" in clip.problem[1]


def test_d4_clips_that_share_whole_seconds_are_told_apart(folder: Path) -> None:
    found = clips(folder, [official(begin=1.2), official(begin=1.7), official(begin=9, end=10)])
    assert len({clip.fields["name"] for clip in found}) == len({clip.key for clip in found}) == 3
    assert f"{VID}_1_4" in names(found)
    assert f"{VID}_9_10" in names(found)


@pytest.mark.parametrize("begin", [None, "soon", "", math.nan, math.inf, -0.5, 4.25, 7, True, [1], 10**400])
def test_an_invalid_begin_is_a_failed_row(folder: Path, begin: object) -> None:
    found = clips(folder, [official(begin=begin), official()])
    assert reasons(found) == ["bad_span"]
    assert len(items(found)) == 1


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (official(vid=None), "bad_id"),
        (official(vid=" "), "bad_id"),
        (official(vid=["x"]), "bad_id"),
        (official(vid="a\nb"), "bad_id"),
        (official(vid="\ud800"), "bad_id"),
        (official(end=None), "bad_span"),
        (official(text=None), "bad_text"),
        (official(text=7), "bad_text"),
        (official(text="\udfff"), "bad_text"),
        (official(size=[0.1, None]), "bad_size"),
        (official(size="big"), "bad_size"),
        ({}, "bad_id"),
        (None, "bad_row"),
        ([1], "bad_row"),
        ("text", "bad_row"),
    ],
)
def test_a_wrong_row_is_one_failed_row(folder: Path, row: object, reason: str) -> None:
    found = clips(folder, [official(), row])
    assert reasons(found) == [reason]
    assert len(found) == 2


def test_rows_that_say_the_same_are_duplicates_and_different_ones_are_not(folder: Path) -> None:
    same, other = official(), official(text="another")
    assert reasons(clips(folder, [same, same, official(begin=0)])) == ["duplicate"]
    found = clips(folder, [same, other, other])
    assert reasons(found) == ["duplicate"]
    assert len({clip.key for clip in found}) == 3
    assert {clip.fields["text"] for clip in items(found)} == {"a cow", "another"}


def test_d3_the_listing_depends_on_the_order_of_rows_in_its_positions_only(folder: Path) -> None:
    rows = [
        official(),
        official(),
        official(text="b"),
        official(begin=1.3),
        official(vid=None),
        official("gone_______"),
    ]
    one, other = clips(folder, rows), clips(folder, rows[::-1])
    assert [replace(row, position=None) for row in one] == [replace(row, position=None) for row in other]
    assert sorted(row.position for row in other) == list(range(len(rows)))


def test_a_row_of_the_metadata_keeps_its_position_although_the_clips_of_a_video_are_listed_together(
    folder: Path,
) -> None:
    rows = [official(begin=5.0, end=6.0), official("gone_______"), official(begin=1.0, end=2.0)]
    listed = {(row.fields["start"], row.problem is None): row.position for row in clips(folder, rows)}
    assert (listed[5.0, True], listed[1.0, True]) == (0, 2)


@pytest.mark.parametrize("size", [None, []])
def test_a_size_that_says_nothing_is_left_out(folder: Path, size: object) -> None:
    assert "size" not in clips(folder, [official(size=size)])[0].fields


def test_an_unsafe_name_in_info_is_a_failed_row(folder: Path) -> None:
    assert reasons(clips(folder, [official()], f"v={VID},../../etc/passwd\n")) == ["bad_path"]


def test_a_metadata_file_that_is_missing_is_named(tmp_path: Path) -> None:
    put(tmp_path, "videos/x.mp4")
    with pytest.raises(SpecError, match=r"none\.json: no such file"):
        listed("clip4mc", metadata=tmp_path / "none.json", videos=tmp_path / "videos")


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b'[\n{"vid": "x"},\n{"vid": }]', 3),
        (b'[{"vid": "x"}\n{"vid": "y"}]', 2),
        (b'[{"vid": "x"},\n', 2),
        (b'{"vid": "x"}\n\nnope', 3),
        (b"vid,begin,end\n", 1),
        (b"[1] 2", 1),
        (b"[\xff]", 1),
        (b"[" * 200_000, 1),
    ],
)
def test_a_metadata_file_that_is_not_json_is_named_with_its_line(tmp_path: Path, content: bytes, line: int) -> None:
    put(tmp_path, "m.json", content=content)
    put(tmp_path, "videos/x.mp4")
    with pytest.raises(SpecError) as caught:
        listed("clip4mc", metadata=tmp_path / "m.json", videos=tmp_path / "videos")
    assert caught.value.where == f"{tmp_path}/m.json:{line}"


def test_a_metadata_file_without_a_needed_column_is_refused_with_the_nearest_name(folder: Path) -> None:
    rows = [{"vid": VID, "transcript_clip": "x", "begin": 1, "end": 2}]
    with pytest.raises(SpecError, match="no column 'transcript clip', but there is 'transcript_clip'"):
        clips(folder, rows)


def test_an_info_csv_without_its_columns_is_refused(folder: Path) -> None:
    with pytest.raises(SpecError, match="no column 'filename'") as caught:
        clips(folder, [official()], "url,name_of_file\nv=x,y\n")
    assert caught.value.where.endswith("info.csv:1")


def test_without_rows_there_are_no_clips(folder: Path) -> None:
    assert clips(folder, []) == []


def test_a_folder_of_this_machine_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no such folder"):
        clips(tmp_path, [official()])


def test_a_clip_of_absurd_length_has_a_name_that_fits(folder: Path) -> None:
    (clip,) = clips(folder, [official(begin=0, end=1e116)])
    assert safe_stem(clip.fields["name"]) == clip.fields["name"]
