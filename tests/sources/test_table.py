import json
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from reelmill.contract.errors import SpecError
from source_folders import items, listed, names, put, put_json, reasons

ROWS = [
    {"file": "a.mp4", "caption": "one, two", "from": 1.0, "to": 2.5, "lang": "en"},
    {"file": "deep/b.mkv", "caption": "drei", "from": 0.0, "to": 3.0, "lang": "de"},
]
COLUMNS = {"path": "file", "text": "caption", "start": "from", "end": "to", "keep": ["lang"]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return put(tmp_path, "a.mp4", "deep/b.mkv")


def written(folder: Path, format_: str) -> Path:
    path = folder / f"table.{format_}"
    if format_ == "parquet":
        pq.write_table(pa.Table.from_pylist(ROWS), path)
    elif format_ == "json":
        put_json(path, ROWS)
    elif format_ == "jsonl":
        path.write_text("\n".join(map(json.dumps, ROWS)))
    else:
        separator = "," if format_ == "csv" else "\t"
        quoted = [[f'"{value}"' for value in row.values()] for row in ROWS]
        path.write_text("\ufeff" + "\r\n".join(separator.join(line) for line in [list(ROWS[0]), *quoted]) + "\r\n\r\n")
    return path


@pytest.mark.parametrize("format_", ["csv", "tsv", "json", "jsonl", "parquet"])
def test_001_f01_every_format_gives_the_same_items(folder: Path, format_: str) -> None:
    a, b = listed("table", uri=written(folder, format_), columns=COLUMNS)
    assert a.fields == {"vid": "a", "lang": "en", "text": "one, two", "start": 1.0, "end": 2.5, "name": "a_1_2"}
    assert (a.key, a.weight, a.group) == ("a.mp4:1-2.5", 1.5, str(folder / "a.mp4"))
    assert (b.key, b.problem) == ("deep/b.mkv:0-3", None)


def test_a_format_that_the_name_does_not_tell_can_be_given(folder: Path) -> None:
    written(folder, "csv").rename(folder / "table.dat")
    with pytest.raises(SpecError, match="format"):
        listed("table", uri=folder / "table.dat", columns=COLUMNS)
    assert len(listed("table", uri=folder / "table.dat", columns=COLUMNS, format="csv")) == 2


def table(folder: Path, rows: list[Any], **columns: Any) -> list[Any]:
    return listed("table", uri=put_json(folder / "t.json", rows), columns=columns)


def test_without_spans_an_item_weighs_its_bytes_and_is_called_after_its_file(folder: Path) -> None:
    (item,) = table(folder, [{"path": "deep/b.mkv"}])
    assert (item.key, item.weight, item.fields) == ("deep/b.mkv", 5.0, {"vid": "b", "name": "b"})


def test_paths_may_be_absolute_or_below_a_base(folder: Path) -> None:
    rows = [{"path": str(folder / "a.mp4")}, {"path": f"file://{folder}/deep/b.mkv"}, {"path": "b.mkv"}]
    uri = put_json(folder / "elsewhere" / "t.json", rows)
    found = listed("table", uri=uri, base=folder / "deep")
    assert sorted(row.media.uri for row in found) == sorted([str(folder / "a.mp4")] + [str(folder / "deep/b.mkv")] * 2)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("../a.mp4", "bad_path"),
        ("deep/../a.mp4", "bad_path"),
        ("s3://bucket", "bad_path"),
        ("s3://bucket/x/../y", "bad_path"),
        ("gopher://example.org/a.mp4", "bad_path"),
        ("", "bad_path"),
        ("/", "bad_path"),
        ("deep/", "bad_path"),
        ("a\x00.mp4", "bad_path"),
        (None, "bad_path"),
        (5, "bad_path"),
        ("gone.mp4", "missing"),
        ("/gone/for/ever.mp4", "missing"),
        ("deep", "missing"),
    ],
)
def test_a_wrong_path_is_one_failed_row(folder: Path, path: object, reason: str) -> None:
    assert reasons(table(folder, [{"path": "a.mp4"}, {"path": path}])) == [reason]


def test_paths_are_tidied(folder: Path) -> None:
    assert reasons(table(folder, [{"path": "./deep//b.mkv"}, {"path": "deep/b.mkv"}], text=None)) == []


@pytest.mark.parametrize(
    ("start", "end", "seconds"), [("1.5", " 2.5 ", 1.0), ("00:01:00.5", "1:02.5", 2.0), (1, 2, 1.0)]
)
def test_spans_may_be_text_or_clock_times(folder: Path, start: object, end: object, seconds: float) -> None:
    (item,) = table(folder, [{"path": "a.mp4", "s": start, "e": end}], start="s", end="e")
    assert item.weight == pytest.approx(seconds)


def test_several_captions_of_one_video_are_items_of_one_group(folder: Path) -> None:
    rows = [{"path": "a.mp4", "text": text} for text in ("one", "two", "three")]
    found = table(folder, rows, text="text")
    assert reasons(found) == []
    assert len({item.key for item in found}) == len(set(names(found))) == 3
    assert len({item.group for item in found}) == 1
    more = table(folder, [*rows, {"path": "a.mp4", "text": "four"}], text="text")
    assert {item.key for item in found} < {item.key for item in more}


def test_columns_that_nobody_asked_for_change_nothing(folder: Path) -> None:
    plain = table(folder, [{"path": "a.mp4", "text": "x"}], text="text")
    assert table(folder, [{"path": "a.mp4", "text": "x", "likes": 7}], text="text") == plain


def test_the_id_column_names_the_video(folder: Path) -> None:
    (item,) = table(folder, [{"path": "a.mp4", "video": 17}], id="video")
    assert (item.fields["vid"], item.fields["name"]) == ("17", "17")


def test_kept_cells_are_what_json_can_say(folder: Path) -> None:
    row = {"path": "a.mp4", "n": float("nan"), "d": {"x": [1, None]}}
    (item,) = table(folder, [row], keep=["n", "d"])
    assert (item.fields["n"], item.fields["d"]) == (None, {"x": [1, None]})


def test_a_kept_cell_that_json_cannot_say_is_a_failed_row(folder: Path) -> None:
    pq.write_table(pa.table({"path": ["a.mp4"], "raw": [b"\xff"]}), folder / "t.parquet")
    assert reasons(listed("table", uri=folder / "t.parquet", columns={"keep": ["raw"]})) == ["bad_value"]


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"path": "fil"}, "no column 'fil', but there is 'file'"),
        ({"path": "file", "text": "captoin"}, "no column 'captoin', but there is 'caption'"),
        ({"path": "file", "keep": ["size"]}, "no column 'size'"),
        ({"path": "file", "start": "from"}, "start and end must be given together"),
        ({"path": "file", "keep": ["key"]}, "'key' cannot be kept"),
    ],
)
@pytest.mark.parametrize("format_", ["csv", "json", "parquet"])
def test_columns_that_are_not_there_are_refused(
    folder: Path, columns: dict[str, Any], words: str, format_: str
) -> None:
    uri = written(folder, format_)
    with pytest.raises(SpecError, match=words) as caught:
        listed("table", uri=uri, columns=columns)
    assert caught.value.where.startswith(str(uri))


@pytest.mark.parametrize(
    ("name", "content", "where"),
    [
        ("t.csv", b'"path\na.mp4', "t.csv:1"),
        ("t.csv", "path\na".encode("utf-16"), "t.csv:1"),
        ("t.csv", b"path,path\na,b\n", "t.csv:1"),
        ("t.csv", b"", "t.csv:1"),
        ("t.parquet", b"PAR1 not really", "t.parquet"),
        ("t.parquet", b"", "t.parquet"),
        ("t.json", b'[{"path": "a.mp4"},\n{"path"', "t.json:2"),
    ],
)
def test_a_broken_table_is_refused_with_its_name(folder: Path, name: str, content: bytes, where: str) -> None:
    put(folder, name, content=content)
    with pytest.raises(SpecError) as caught:
        listed("table", uri=folder / name)
    assert caught.value.where.startswith(f"{folder}/{where}")


def test_a_row_with_more_cells_than_columns_fails_instead_of_losing_text(folder: Path) -> None:
    put(folder, "t.csv", content=b"path,text\na.mp4,one, two\ndeep/b.mkv,fine\n")
    found = listed("table", uri=folder / "t.csv", columns={"text": "text"})
    assert reasons(found) == ["bad_row"]
    assert len(items(found)) == 1


def test_a_row_with_fewer_cells_fails_by_what_it_lacks(folder: Path) -> None:
    put(folder, "t.csv", content=b"path,text\na.mp4\n")
    assert reasons(listed("table", uri=folder / "t.csv", columns={"text": "text"})) == ["bad_text"]


@pytest.mark.parametrize("key", ["\0surplus", "\0line"])
def test_keys_with_a_null_character_are_columns_like_others(folder: Path, key: str) -> None:
    assert reasons(table(folder, [{"path": "/no/such.mp4", key: 3}])) == ["missing"]


@pytest.mark.parametrize("place", ["/no/such/folder", "/no/such/0123456789/0001/clips"])
def test_many_rows_that_point_to_nowhere_are_missing_each(folder: Path, place: str) -> None:
    rows = [{"path": f"{place}/{number}.mp4"} for number in range(40)]
    assert reasons(table(folder, rows)) == ["missing"] * 40


@pytest.mark.parametrize("format_", ["csv", "json", "parquet"])
def test_a_table_that_is_no_file_is_reported_as_what_it_is(folder: Path, format_: str) -> None:
    pipe, circle = folder / f"pipe.{format_}", folder / f"circle.{format_}"
    os.mkfifo(pipe)
    circle.symlink_to(circle.name)
    with pytest.raises(SpecError, match="a pipe, a socket or a device, not a file"):
        listed("table", uri=pipe, columns=COLUMNS)
    with pytest.raises(SpecError, match="this link leads to itself or in a circle"):
        listed("table", uri=circle, columns=COLUMNS)
