"""The JSON in a line, as the standard library reads it."""

import json
from typing import Any

import msgspec

_decode = msgspec.json.Decoder().decode
_decode_object = msgspec.json.Decoder(dict[str, Any]).decode


def decoded(line: bytes) -> Any:
    """The JSON value in a line. Raises ValueError, also for half of a surrogate pair, and RecursionError."""
    try:
        return _decode(line)
    except ValueError:  # what only the standard library reads: numbers beyond JSON, and half a pair, which is told here
        value = json.loads(line.decode())
    json.dumps(value, ensure_ascii=False).encode()
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
