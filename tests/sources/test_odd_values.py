"""Values that a table may hold and a row of ours cannot: one failed row each, never a crash of the listing."""

import json
from contextlib import suppress
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reelmill.contract.errors import ItemError, SpecError
from reelmill_stages.sources.listing.drafts import row_digest
from reelmill_stages.sources.tables import cells
from reelmill_stages.sources.tables.column_lookup import as_row
from source_folders import items, listed, put, put_json, reasons

LONG = 10**400
NESTED: list[Any] = []
for _ in range(100_000):
    NESTED = [NESTED]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return put(tmp_path, "a.mp4", "b.mp4")


def parquet(folder: Path, column: pa.Array, **columns: Any) -> list[Any]:
    paths = [f"{name}.mp4" for name in "ab"[: len(column)]]
    pq.write_table(pa.table({"path": paths, "odd": column}), folder / "t.parquet")
    return listed("table", uri=folder / "t.parquet", columns=columns or {"keep": ["odd"]})


KEPT = {
    "nanoseconds": (pa.array([1577836800000000001], pa.timestamp("ns")), "2020-01-01T00:00:00"),
    "nanoseconds of a zone": (
        pa.array([1577836800000001999], pa.timestamp("ns", "UTC")),
        "2020-01-01T00:00:00.000001+00:00",
    ),
    "time of day": (pa.array([1_500], pa.time64("ns")), "00:00:00.000001"),
    "half": (pa.array([1.5], pa.float32()).cast(pa.float16()), 1.5),
    "words": (pa.array(["x"]).dictionary_encode(), "x"),
    "decimal": (pa.array([Decimal("1.25")]), 1.25),
    "map": (pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int64())), [["a", 1]]),
}


@pytest.mark.parametrize("kind", sorted(KEPT))
def test_a_type_of_parquet_that_json_can_say_is_kept(folder: Path, kind: str) -> None:
    column, expected = KEPT[kind]
    (item,) = parquet(folder, column)
    assert item.problem is None
    assert item.fields["odd"] == expected


ODD = {
    "bytes": pa.array([b"\xff"]),
    "duration": pa.array([timedelta(seconds=1)]),
    "nanoseconds in a list": pa.array([[1577836800000000001]], pa.list_(pa.timestamp("ns"))),
    "the year 30000": pa.array([884_541_340_800], pa.timestamp("s")),
    "an unknown zone": pa.array([0], pa.timestamp("s", "Mars/Olympus")),
    "a struct of one name twice": pa.StructArray.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"]),
}


@pytest.mark.parametrize("kind", sorted(ODD))
@pytest.mark.parametrize("columns", [{"keep": ["odd"]}, {"text": "odd"}, {"id": "odd"}, {"path": "odd"}])
def test_a_parquet_value_that_cannot_be_represented_fails_its_row(
    folder: Path, kind: str, columns: dict[str, Any]
) -> None:
    column = pa.concat_arrays([ODD[kind], pa.nulls(1, ODD[kind].type)])
    found = parquet(folder, column, **columns)
    assert len(found) == 2
    if "keep" in columns:
        assert reasons(found) == ["bad_value"]
        assert len(items(found)) == 1
    else:
        assert len(reasons(found)) == 2


def test_a_column_that_comes_twice_in_parquet_is_refused_as_in_csv(folder: Path) -> None:
    two = pa.table([pa.array(["a.mp4"]), pa.array(["first"]), pa.array(["second"])], names=["path", "text", "text"])
    pq.write_table(two, folder / "t.parquet")
    with pytest.raises(SpecError, match="column 'text' appears twice"):
        listed("table", uri=folder / "t.parquet", columns={"text": "text"})


@settings(max_examples=50)
@given(place=st.integers(0, 10_000), value=st.integers(1, 255))
def test_damage_in_a_row_group_of_parquet_costs_rows_of_that_group_only(
    place: int, value: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    names = [f"{row}.mp4" for row in range(30)]
    folder = put(tmp_path_factory.mktemp("t"), *names)
    pq.write_table(pa.table({"path": names}), folder / "t.parquet", row_group_size=10, write_page_checksum=True)
    column = pq.ParquetFile(folder / "t.parquet").metadata.row_group(1).column(0)
    first = column.dictionary_page_offset or column.data_page_offset
    data = bytearray((folder / "t.parquet").read_bytes())
    data[first + place % column.total_compressed_size] ^= value
    (folder / "t.parquet").write_bytes(data)
    found = listed("table", uri=folder / "t.parquet")
    assert len(found) == 30
    assert {*names[:10], *names[20:]} <= {item.key for item in items(found)} <= {*names}
    for row in found:
        if row.problem:
            assert row.problem[0] == "bad_row"
            assert 11 <= int(row.problem[1].removeprefix("row ").partition(":")[0]) <= 20
            assert "row group 2 of the Parquet file is damaged" in row.problem[1]


def test_a_number_too_long_for_a_float_is_a_failed_row(folder: Path) -> None:
    rows = [{"path": "a.mp4", "n": LONG, "s": 0, "e": 1}, {"path": "b.mp4", "n": 1, "s": 0, "e": LONG}]
    uri = put_json(folder / "t.json", rows)
    assert reasons(listed("table", uri=uri, columns={"keep": ["n"]})) == ["bad_value"]
    assert reasons(listed("table", uri=uri, columns={"start": "s", "end": "e"})) == ["bad_span"]
    assert reasons(listed("table", uri=uri, columns={"id": "n"})) == ["bad_id"]


@pytest.mark.parametrize("begin", ["1_0", "1_000.5", "0x1", "one", "1e400", "nan", ""])
def test_a_begin_that_is_no_decimal_number_is_a_failed_row(folder: Path, begin: str) -> None:
    uri = put_json(folder / "t.json", [{"path": "a.mp4", "s": begin, "e": 2000}])
    assert reasons(listed("table", uri=uri, columns={"start": "s", "end": "e"})) == ["bad_span"]


@pytest.mark.parametrize("text", ["9" * 400, "1e999", f"{'9' * 400}:00:00", f"{'9' * 5000}:00:00", "-inf", "٣"])
def test_a_span_of_any_text_is_a_row(folder: Path, text: str) -> None:
    put(folder, "t.csv", content=f"path,s,e\na.mp4,0,{text}\nb.mp4,0,1\n".encode())
    found = listed("table", uri=folder / "t.csv", columns={"start": "s", "end": "e"})
    assert "b" in {item.fields["vid"] for item in items(found)}
    assert len(found) == 2


@pytest.mark.parametrize("value", [10**5000, NESTED, {"a": NESTED}, [10**5000]], ids=["long", "deep", "object", "list"])
def test_what_no_message_can_hold_is_named_by_its_kind(value: Any) -> None:
    assert len(cells.shown(value)) <= 80
    assert len(row_digest(value)) == 32
    for check in (cells.identifier, cells.caption, cells.path, cells.sizes, cells.conversations):
        with pytest.raises(ItemError):
            check(value)


def test_a_row_that_is_nested_without_end_is_a_bad_row() -> None:
    for row in ({"path": NESTED}, NESTED):
        with pytest.raises(ItemError, match="nested deeper than 100 levels"):
            as_row(row)


NUMBERS = st.integers() | st.floats() | st.decimals() | st.sampled_from([400, 5000]).map(lambda digits: 10**digits)
TIMES = st.datetimes() | st.sampled_from([time(1), datetime(1, 1, 1, tzinfo=UTC)])
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TIMES | st.text(max_size=6) | st.binary(max_size=4),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(VALUES)
def test_any_value_is_a_cell_or_an_item_error(value: Any) -> None:
    row_digest(value)
    checks = (
        cells.identifier,
        cells.caption,
        cells.path,
        cells.sizes,
        cells.conversations,
        cells.plain,
        lambda one: cells.span(0, one),
    )
    for check in checks:
        with suppress(ItemError):
            json.dumps(check(value))


def test_half_of_a_surrogate_pair_costs_its_row_and_no_other(tmp_path: Path) -> None:
    put(tmp_path, "videos/01/night_high/front.mp4", "videos/02/night_high/front.mp4")
    people = '{"person_id": "01", "env_folder": "night_high"}, {"person_id": "\\ud800", "env_folder": "night_high"}'
    put(tmp_path, "index.json", content=f'{{"0": {{"train": [{people}]}}}}'.encode())
    rows = listed("multiview", videos=tmp_path / "videos", index=tmp_path / "index.json", views=["front"])
    assert len(items(rows)) == 1
    (problem,) = (row.problem for row in rows if row.problem)
    assert problem[0] in {"bad_text", "missing"}
    assert "\\ud800" in problem[1]
