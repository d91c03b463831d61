"""The bytes of rows: what is faster than the standard library writes and reads the same."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from enum import IntEnum, StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelmill.contract.digest import canonical
from reelmill.contract.records.rows import Item, LedgerRow, Media, Outcome, Output, Span
from reelmill_stages.records.rows.canonical_row import canonical_row, canonical_value
from reelmill_stages.records.rows.encoded_item import encoded
from reelmill_stages.records.rows.json_line import decoded
from reelmill_stages.records.rows.ledger_line import ledger_line

TEXTS = st.text(st.characters(codec="utf-8") | st.sampled_from('"\\\n\x00\x1f\x7f\u2028'))
LEDGER_ROWS = st.builds(
    LedgerRow,
    TEXTS,
    st.integers(),
    st.sampled_from(Outcome),
    TEXTS,
    TEXTS,
    st.floats(allow_nan=False, allow_infinity=False) | st.integers(0, 100),
    st.integers(),
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


class _Text(StrEnum):
    A = "a\n"


class _Number(IntEnum):
    ONE = 1


FOREIGN = st.sampled_from(
    [b"a", {1, 2}, Decimal("1.5"), datetime(2026, 1, 2, tzinfo=UTC), Output("a", 1, ""), _Text.A, _Number.ONE, 1j,
     "\ud800", 10**30, -(2**63), 1e16, 9999999999999998.0, 1e-4, 9.9999e-5, -0.0, 5e-324, -1.5e300, True, object]
)  # fmt: skip
"""What JSON has no value for, or what encoders write in different ways."""
KEYS = TEXTS | st.sampled_from([_Text.A, "\ud800", 1, None])
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS | FOREIGN,
    lambda inner: st.lists(inner, max_size=3) | st.tuples(inner) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)
ITEMS = st.builds(
    Item,
    TEXTS,
    st.integers(0, 2**70),
    TEXTS,
    st.floats() | st.integers(),
    st.none()
    | st.builds(Media, TEXTS, st.integers(0, 2**70), digest=TEXTS, span=st.builds(Span, st.floats(), st.floats())),
    st.lists(st.builds(Output, TEXTS, st.integers(0, 2**70), TEXTS), max_size=2).map(tuple),
    st.dictionaries(TEXTS, ANYTHING, max_size=3),
    st.dictionaries(TEXTS, ANYTHING, max_size=3),
    st.none() | st.integers(0, 2**70),
)


def encoded_or_refused(encode: Callable[[], bytes]) -> bytes | str:
    """The bytes, or that there are none."""
    try:
        return encode()
    except (TypeError, ValueError):
        return "refused"


@given(st.dictionaries(KEYS, ANYTHING, max_size=4))
def test_a_row_is_encoded_or_refused_as_by_the_standard_library(row: Mapping[str, object]) -> None:
    assert encoded_or_refused(lambda: canonical_row(row)) == encoded_or_refused(lambda: canonical(row))


@given(ITEMS)
def test_an_item_is_encoded_or_refused_as_by_the_standard_library(item: Item) -> None:
    expected = encoded_or_refused(lambda: canonical({**item.to_json(), "ordinal": 7}))
    assert encoded_or_refused(lambda: encoded(item).at(7)) == expected


def test_a_row_that_contains_itself_is_refused() -> None:
    row: dict[str, object] = {}
    row["a"] = [row]
    with pytest.raises(ValueError, match="Circular"):
        canonical_row(row)


@given(LEDGER_ROWS)
def test_the_line_of_a_ledger_is_the_canonical_json_of_its_row(row: LedgerRow) -> None:
    assert ledger_line(row) == canonical(row.to_json())


@pytest.mark.parametrize(
    "row", [LedgerRow("a", 0, Outcome.DONE, seconds=float("nan")), LedgerRow("\ud800", 0, Outcome.DONE)]
)
def test_a_ledger_row_that_json_cannot_hold_is_refused_by_both(row: LedgerRow) -> None:
    for encode in (ledger_line, lambda each: canonical(each.to_json())):
        with pytest.raises(ValueError, match=r"."):
            encode(row)


@given(VALUES, st.booleans())
def test_a_line_is_decoded_to_the_value_that_the_standard_library_reads(value: object, ascii_only: bool) -> None:
    line = json.dumps(value, ensure_ascii=ascii_only)
    assert repr(decoded(line.encode() + b"\n")) == repr(json.loads(line))


@given(VALUES, st.data())
def test_a_damaged_line_is_refused_where_the_standard_library_refuses_it(value: object, data: st.DataObject) -> None:
    line = bytearray(json.dumps(value, ensure_ascii=False).encode())
    line[data.draw(st.integers(0, len(line) - 1))] = data.draw(st.integers(0, 255))
    try:
        expected = repr(json.loads(line.decode()))
        expected.encode()
    except ValueError:
        with pytest.raises(ValueError, match=r"."):
            decoded(bytes(line))
    else:
        assert repr(decoded(bytes(line))) == expected


@given(ANYTHING)
def test_a_value_is_encoded_or_refused_as_by_the_standard_library(value: object) -> None:
    assert encoded_or_refused(lambda: canonical_value(value)) == encoded_or_refused(lambda: canonical(value))
