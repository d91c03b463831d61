"""Numbers in the fields of items are written exactly, or fail one sample with a true sentence."""

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from reelmill.contract.records.rows import Item
from write.desk import Written, block
from write.exact_numbers import KINDS, NUMBERS, problem_of
from write.mds_shards import samples

ANY_NUMBER = st.one_of(st.integers(), st.integers(-(2**70), 2**70), st.floats(), st.sampled_from(NUMBERS))
DECODED: dict[str, Callable[[bytes], Any]] = {
    "integer": lambda data: struct.unpack("<q", data)[0],
    "number": lambda data: struct.unpack("<d", data)[0],
    "json": json.loads,
}


def values_of_parquet(folder: Path, kind: str) -> list[Any]:
    tables = [parquet.read_table(path) for path in sorted(folder.rglob("part-*.parquet"))]
    values = [row["it"] for table in tables for row in table.to_pylist()]
    return [json.loads(value) for value in values] if kind == "json" else values


def values_of_mds(folder: Path, kind: str) -> list[Any]:
    return [DECODED[kind](row["it"]) for row in samples(folder)] if (folder / "index.json").exists() else []


VALUES_IN = {"parquet": values_of_parquet, "mds": values_of_mds}


@pytest.mark.parametrize("format_", VALUES_IN)
@given(value=ANY_NUMBER, kind=st.sampled_from(KINDS))
def test_a_number_is_written_exactly_or_fails_alone_with_what_it_is_not(
    format_: str, value: float, kind: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("number") / "set"
    made = Written(block(format_, media="none", columns=[{"field": "it", "type": kind}]), folder)
    neighbour = Item("b", 1, "b", 1.0, fields={"it": 1})
    made.add([Item("a", 0, "a", 1.0, fields={"it": value}), neighbour])
    found = VALUES_IN[format_](folder, kind)
    if wrong := problem_of(value, kind):
        assert [(key, one.reason) for key, one in made.failed.items()] == [("a", "bad_field")]
        assert made.failed["a"].message.startswith("the column it: ")
        assert made.failed["a"].message.endswith(f" is not {wrong}")
        assert found == [1]
        return
    assert not made.failed
    wanted = float(value) if kind == "number" else value
    assert repr(found) == repr([wanted, 1.0 if kind == "number" else 1])
