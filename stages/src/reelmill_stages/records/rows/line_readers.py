"""Functions that turn lines into rows."""

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from reelmill.contract.records.rows import LedgerRow
from reelmill_stages.records.rows.json_line import decoded_object

R = TypeVar("R")

LineReader = Callable[[bytes], R]
"""Makes a row from a line. Raises ValueError or RecursionError for an invalid line."""

_decode_ledger = msgspec.json.Decoder(LedgerRow).decode


def of_objects(read: Callable[[dict[str, Any]], R]) -> LineReader[R]:
    """Make a line reader from a function that reads a JSON object."""
    return lambda line: read(decoded_object(line))


def ledger_row(line: bytes) -> LedgerRow:
    """The ledger row in a line; a `LineReader`."""
    try:
        return _decode_ledger(line)
    except ValueError:
        return LedgerRow.from_json(decoded_object(line))
