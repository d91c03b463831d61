"""Any fields become a table that says the same: typed where all values have one type, and whole in the column `row`."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from reelmill.contract.records.rows import Item
from reelmill_stages.dataset_card.columns import FieldTypes, columns
from reelmill_stages.dataset_card.front_matter import size_category
from reelmill_stages.dataset_card.tables import FILES, ItemFile, LicenceCounts, write_files, write_items

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner))
names = st.sampled_from(["a", "b", "a b", "row", "key", "duration", "media.path", "measures", "名", "", "\ud800"])
rows = st.lists(st.dictionaries(names, values, max_size=4), min_size=1, max_size=5)


def written(fields: list[dict[str, Any]]) -> tuple[list[Item], list[dict[str, Any]]]:
    items = [Item(str(place), place, "g", 1.0, fields=each) for place, each in enumerate(fields)]
    types = FieldTypes()
    for item in items:
        types.add(item)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "items.parquet"
        assert write_items(path, items, columns(types, lambda _: "")) == len(items)
        return items, parquet.read_table(path).to_pylist()


@settings(max_examples=30, deadline=None)
@given(rows)
def test_a_table_says_what_the_items_say(fields: list[dict[str, Any]]) -> None:
    items, table = written(fields)
    for item, row in zip(items, table, strict=True):
        assert json.loads(row["row"]) == json.loads(json.dumps(item.to_json()))
        for name in ("a", "b", "名"):
            value = item.fields.get(name)
            if value is None:
                assert row.get(name) is None
            else:
                assert row[name] == value or json.loads(row[name]) == value or not _is_utf8(value)


def _is_utf8(value: object) -> bool:
    try:
        return not isinstance(value, str) or bool(value.encode())
    except UnicodeEncodeError:
        return False


def test_values_of_one_type_have_a_column_of_that_type() -> None:
    _, table = written([{"a": 1, "b": True, "c": 1}, {"a": 2**70, "b": False, "c": 2.5}, {"a": None, "c": "x"}])
    assert [row["b"] for row in table] == [True, False, None]
    assert [row["a"] for row in table] == ["1", str(2**70), None]
    assert [row["c"] for row in table] == ["1", "2.5", '"x"']


def test_measures_have_columns_of_their_own() -> None:
    _, table = written([{"measures": {"luma": 16}}, {"measures": {"luma": 16.5}}, {}])
    assert [row.get("measures.luma") for row in table] == [16.0, 16.5, None]


def test_keys_and_paths_that_utf_8_cannot_hold_are_no_obstacle(tmp_path: Path) -> None:
    items = [Item("a\ud800", 0, "g\ud800", 1.0, fields={"x": 1})]
    types = FieldTypes()
    types.add(items[0])
    write_items(tmp_path / "items.parquet", items, columns(types, lambda _: "f\ud800.mp4"))
    write_files(tmp_path / FILES, items, lambda _: [ItemFile("f\ud800.mp4", 1, "")])
    assert parquet.read_table(tmp_path / "items.parquet")["key"].to_pylist() == ["a?"]
    assert parquet.read_table(tmp_path / FILES)["path"].to_pylist() == ["f?.mp4"]


def test_a_licence_that_was_seen_is_counted_however_many_others_there_are() -> None:
    counts = LicenceCounts("licence")
    for place in range(3000):
        value = "mit" if place % 2 else f"own-{place}\ud800"
        counts.add(Item(str(place), place, "g", 1.0, fields={"licence": value}))
    assert counts.counts["mit"] == 1500
    assert counts.values is not None
    assert counts.values.distinct is None
    assert "".join(counts.counts).isascii()


def test_size_categories_are_those_of_hugging_face() -> None:
    found = [size_category(10**power) for power in range(2, 13)]
    assert found == [
        *("n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M", "1M<n<10M", "10M<n<100M", "100M<n<1B"),
        *("1B<n<10B", "10B<n<100B", "100B<n<1T", "n>1T"),
    ]
