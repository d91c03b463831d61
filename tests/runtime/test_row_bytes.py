"""The bytes of rows: what is faster than the standard library writes and reads the same."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelmill.contract.digest import canonical
from reelmill.contract.records.rows import LedgerRow, Outcome
from reelmill_stages.records.row_files import decoded
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
