"""Rows in lines: readers that expect rows of a form read each line as `from_json` reads its object, or refuse it."""

import itertools
import json
from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reelmill.contract.records.rows import Item, LedgerRow, Outcome
from reelmill_stages.records.rows.item_lines import item_reader
from reelmill_stages.records.rows.line_readers import ledger_row

ITEM: Mapping[str, Any] = {
    "key": "a", "ordinal": 3, "group": "v", "weight": 1.5, "outputs": [{"key": "k", "size": 1, "digest": "d"}],
    "media": {"uri": "a.mp4", "size": 3, "span": [0, 1.5]}, "provenance": {"x": 1},
}  # fmt: skip
LEDGER = LedgerRow("a", 3, Outcome.FAILED, "corrupt", "why", 0.5, 2).to_json()
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.sampled_from(["\ud800", 2**70]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
FIELDS = st.sampled_from(["vid", "text", "start", "zebra", "_position", "__class__", "a b", "class", "é", ""])
ROWS = st.builds(
    lambda fields, changed, gone: {
        name: value for name, value in {**fields, **ITEM, **changed}.items() if name != gone
    },
    st.dictionaries(FIELDS, VALUES, max_size=4),
    st.dictionaries(st.sampled_from([*ITEM, "_position"]), VALUES, max_size=1),
    st.sampled_from([None, None, None, *ITEM]),
)


def read_or_refused(read: Callable[[bytes], object], line: bytes) -> str:
    """What is read, with the types of all values, or that nothing is."""
    try:
        return repr(read(line))
    except ValueError:
        return "refused"


def judge(line: bytes) -> Any:
    """The value in a line by the standard library. Raises ValueError, also for half of a surrogate pair."""
    value = json.loads(line.decode())
    json.dumps(value, ensure_ascii=False).encode()
    return value


@given(st.lists(ROWS, max_size=4), st.lists(ROWS, min_size=1, max_size=3), st.booleans())
def test_a_line_of_an_item_is_read_as_its_object_whatever_rows_were_before(
    usual: list[dict[str, Any]], odd: list[dict[str, Any]], numbered: bool
) -> None:
    lines = [json.dumps(row, sort_keys=True).encode() + b"\n" for row in [*usual * 40, *odd, *usual, *odd]]
    read = item_reader(7 if numbered else None)
    places = itertools.count(7) if numbered else itertools.repeat(None)
    for line, place in zip(lines, places, strict=False):
        expected = read_or_refused(lambda line, place=place: Item.from_json(judge(line), place), line)  # type: ignore[misc]
        assert read_or_refused(read, line) == expected


@given(st.dictionaries(st.sampled_from([*ITEM, "text"]), VALUES, max_size=2), st.data())
def test_a_damaged_line_is_refused_among_rows_that_are_expected(changed: dict[str, Any], data: st.DataObject) -> None:
    usual = json.dumps({**ITEM, "text": "two dogs"}, sort_keys=True).encode()
    line = bytearray(json.dumps({**ITEM, **changed}, sort_keys=True).encode())
    line[data.draw(st.integers(0, len(line) - 1))] = data.draw(st.integers(0, 255))
    read = item_reader()
    for _ in range(40):
        read(usual)
    expected = read_or_refused(lambda line: Item.from_json(judge(line)), bytes(line))
    assert read_or_refused(read, bytes(line)) == expected


@given(st.dictionaries(st.sampled_from([*LEDGER, "more"]), VALUES, max_size=2), st.sampled_from([None, *LEDGER]))
def test_a_line_of_a_ledger_is_read_as_its_object(changed: dict[str, Any], gone: str | None) -> None:
    row = {name: value for name, value in {**LEDGER, **changed}.items() if name != gone}
    line = json.dumps(row, sort_keys=True).encode()
    assert read_or_refused(ledger_row, line) == read_or_refused(lambda line: LedgerRow.from_json(judge(line)), line)
