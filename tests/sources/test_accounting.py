"""Every row in is one row out, whatever the rows are."""

import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reelmill.contract.digest import canonical
from reelmill_stages.file_names import safe_stem
from reelmill_stages.sources import Listed
from reelmill_stages.sources.tables.json_stream import values
from source_folders import bucket, listed, put, put_json

VIDS = ["a", "b", "a.b", "日本", "A"]
CELL = st.one_of(
    st.none(), st.booleans(), st.integers(-2, 3), st.floats(), st.text(max_size=3), st.lists(st.floats(), max_size=2)
)
SECONDS = st.one_of(st.sampled_from([0, 1, 1.5, 2, 2.5, "3"]), CELL)


def rows_of(vid: str, *columns: str) -> st.SearchStrategy[list[Any]]:
    video = st.one_of(st.sampled_from(VIDS), CELL)
    spans = st.fixed_dictionaries({vid: video}, optional=dict.fromkeys(columns, SECONDS) | {"text": CELL})
    whole = st.fixed_dictionaries({vid: video, "text": st.just("x"), **dict.fromkeys(columns, SECONDS)})
    return st.lists(st.one_of(whole, spans, CELL, st.just({vid: "a", "text": "x"} | dict.fromkeys(columns, 1))))


def accounted(rows: list[Any], found: list[Listed]) -> None:
    assert len(found) == len(rows)
    assert len({row.key for row in found}) == len(rows)
    good = [row for row in found if row.problem is None]
    names = [row.fields["name"] for row in good]
    assert len({name.casefold() for name in names}) == len(good)
    assert all(safe_stem(name) == name for name in names)
    assert all(row.media and row.weight > 0 for row in good)
    groups = [row.group for row in found]
    assert groups == sorted(groups)
    for row in found:
        canonical([row.key, row.group, row.weight, row.fields, row.problem])


# A row that has every column keeps the file from being refused as a whole.
ANCHOR = {"vid": "a", "transcript": "x", "begin": 0, "end": 9.5}


@settings(max_examples=60, deadline=None)
@given(rows_of("vid", "begin", "end"), st.randoms())
def test_every_row_of_clip4mc_metadata_is_accounted_for(rows: list[Any], random: Any) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = put(Path(name), *(f"videos/{vid}.mp4" for vid in VIDS[:-1]))
        rows = [*rows, ANCHOR]
        for row in rows:
            if isinstance(row, dict) and "text" in row:
                row["transcript"] = row.pop("text")
        found = listed("clip4mc", metadata=put_json(folder / "m.json", rows), videos=folder / "videos")
        accounted(rows, found)
        random.shuffle(rows)
        again = listed("clip4mc", metadata=put_json(folder / "m.json", rows), videos=folder / "videos")
        assert [replace(row, position=None) for row in again] == [replace(row, position=None) for row in found]
        assert sorted(row.position for row in again if row.position is not None) == list(range(len(rows)))


@settings(max_examples=60, deadline=None)
@given(rows_of("path", "s", "e"))
def test_every_row_of_a_table_is_accounted_for(rows: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = put(Path(name), *VIDS[:-1])
        rows = [*rows, {"path": "a", "text": "x", "s": 0, "e": 9}]
        columns = {"text": "text", "start": "s", "end": "e"}
        found = listed("table", uri=put_json(folder / "t.json", rows), columns=columns)
        accounted(rows, found)


@settings(max_examples=40, deadline=None)
@given(rows_of("video"))
def test_every_row_of_captions_is_accounted_for(rows: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = put(Path(name), *VIDS[:-1])
        rows = [{**row, "caption": row.get("text")} if isinstance(row, dict) else row for row in rows]
        rows.append({"video": "a", "caption": "x"})
        uri = put_json(folder / "c.json", rows)
        accounted(rows, listed("captions", dataset="hdvila", uri=uri, videos=folder))


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=4)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=4), inner, max_size=4)),
    max_leaves=8,
)


@settings(max_examples=40)
@given(st.lists(JSON, max_size=5), st.sampled_from([None, 1]), st.booleans())
def test_a_stream_gives_the_values_of_an_array(rows: list[Any], indent: int | None, ascii_: bool) -> None:
    text = json.dumps(rows, indent=indent, ensure_ascii=ascii_)
    data = text.encode(errors="replace")
    assert list(values(data, "x")) == json.loads(data)


@settings(max_examples=40)
@given(st.lists(st.dictionaries(st.text(max_size=4), JSON, max_size=4), max_size=5))
def test_a_stream_gives_the_values_of_json_lines(rows: list[Any]) -> None:
    assert list(values("\r\n".join(map(json.dumps, rows)).encode(), "x")) == rows


@pytest.mark.parametrize("lines", [True, False])
def test_values_that_lie_across_windows_are_whole(lines: bool) -> None:
    rows = [{"n": n, "text": "日本語 é " * 400} for n in range(700)]
    text = "\n".join(json.dumps(r, ensure_ascii=False) for r in rows) if lines else json.dumps(rows, ensure_ascii=False)
    assert len(text.encode()) > 3 << 20
    assert list(values(text.encode(), "x")) == rows
    numbers = list(range(10**6, 10**6 + 300_000))
    assert list(values(json.dumps(numbers).encode(), "x")) == numbers


def test_an_adapter_reads_no_media(tmp_path: Path) -> None:
    put(tmp_path, "videos/a.mp4", "m.json", content=json.dumps([ANCHOR]).encode())
    (tmp_path / "videos" / "a.mp4").chmod(0)
    found = listed("clip4mc", metadata=tmp_path / "m.json", videos=tmp_path / "videos")
    assert [row.problem for row in found] == [None]
    assert bucket().stat(str(tmp_path / "videos" / "a.mp4"))
