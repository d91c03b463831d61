"""Rows of items and ledgers: read back as written; whatever else a line holds is refused as no row."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelmill.contract.records.rows import Item, LedgerRow, Media, Outcome, Output, Span

ITEM = Item(
    "a", 3, "v", 1.5, media=Media("a.mp4", 3, etag="e", span=Span(0, 1.5)),
    outputs=(Output("k", 1, "sha256:0"),), provenance={"x": 1}, fields={"vid": "v"},
)  # fmt: skip
ROW = LedgerRow("a", 3, Outcome.FAILED, "corrupt", "why", 0.5, 2)
ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
)


def test_rows_are_read_as_they_are_written() -> None:
    assert Item.from_json(ITEM.to_json()) == ITEM
    assert LedgerRow.from_json(ROW.to_json()) == ROW


@pytest.mark.parametrize(("kind", "row"), [(Item, ITEM.to_json()), (LedgerRow, ROW.to_json())])
@given(data=st.data(), odd=ODD)
def test_a_row_with_one_odd_value_is_a_row_or_refused(
    kind: Any, row: dict[str, Any], data: st.DataObject, odd: Any
) -> None:
    name = data.draw(st.sampled_from([*row, "more"]))
    with suppress(ValueError):
        found = kind.from_json({**row, name: odd})
        assert isinstance(found.key, str)
        assert type(found.ordinal) is int


@pytest.mark.parametrize("name", ["key", "ordinal", "group", "weight"])
def test_an_item_without_one_of_its_fields_is_refused(name: str) -> None:
    row = ITEM.to_json()
    del row[name]
    with pytest.raises(ValueError, match=name):
        Item.from_json(row)


@pytest.mark.parametrize("media", [{"uri": "a"}, {"uri": "a", "size": "3"}, {"uri": "a", "size": 3, "x": 1}, [1], "a"])
def test_media_of_another_form_are_refused(media: Any) -> None:
    with pytest.raises(ValueError, match="item"):
        Item.from_json({**ITEM.to_json(), "media": media})
