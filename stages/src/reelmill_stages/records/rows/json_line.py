"""Decoding of JSON in a line, with the results of the standard library."""

import json
from typing import Any

import msgspec

from reelmill.contract.records.record_json import unambiguous_json
from reelmill_stages.records.rows.canonical_row import canonical_value

_decode = msgspec.json.Decoder().decode
_decode_object = msgspec.json.Decoder(dict[str, Any]).decode


def decoded(line: bytes) -> Any:
    """The JSON value in a line. Raises ValueError, also for an unpaired surrogate, and RecursionError."""
    try:
        return _decode(line)
    except ValueError:  # read by the standard library only: numbers beyond JSON, unpaired surrogates
        value = json.loads(line.decode())
    json.dumps(value, ensure_ascii=False).encode()
    return value


def decoded_unambiguous(line: bytes) -> Any:
    """The JSON value in a line that no digest covers. Raises as `decoded`, and as `unambiguous_json`."""
    value = decoded(line)
    if canonical_value(value) != line.rstrip(b"\n"):
        unambiguous_json(line)
    return value


def decoded_object(line: bytes) -> dict[str, Any]:
    """The JSON object in a line. Raises as `decoded`, and ValueError for any other value."""
    try:
        return _decode_object(line)
    except ValueError as error:
        row = decoded(line)
        if type(row) is dict:
            return row
        raise ValueError("no JSON object") from error
