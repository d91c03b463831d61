"""Parsing of JSON of unknown origin, with limits on size, nesting and numbers, and one exception for all errors.

Without limits, a few kilobytes of brackets cause a RecursionError in the parser or in code that walks the value.
"""

import json
import re
from typing import Any

MAX_BYTES = 256 << 20
MAX_DEPTH = 100
"""Maximum number of levels of nested arrays and objects."""

_raw_decode = json.JSONDecoder().raw_decode
_MARKS = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)


class JsonError(ValueError):
    """The text is not JSON, or exceeds a limit."""


def load_json(data: bytes | str, *, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH) -> Any:
    """Parse JSON.

    Raises JsonError if it is not UTF-8, not JSON, too large, nested too deeply, or has a number with too many digits.
    """
    if len(data) > max_bytes:
        raise JsonError(f"it has {len(data)} bytes; at most {max_bytes} are read")
    try:
        text = data if isinstance(data, str) else data.decode(_encoding(data))
        if _depth(text, max_depth) > max_depth:
            raise JsonError(f"it is nested deeper than {max_depth} levels")
        if not text.startswith("{"):
            return json.loads(text)
        value, end = _raw_decode(text)
        return value if end == len(text) else json.loads(text)
    except UnicodeDecodeError as error:
        raise JsonError(f"it is not UTF-8: {error.reason} at byte {error.start}") from error
    except JsonError:
        raise
    except ValueError as error:
        raise JsonError(str(error).partition(";")[0]) from error


def check_depth(value: object, max_depth: int = MAX_DEPTH) -> None:
    """Raise JsonError for a value (lists, tuples and mappings) that is nested too deeply.

    Does not recurse, and visits each object once per level: pickles can contain one object many times.
    """
    level: list[Any] = [value]
    for _ in range(max_depth):
        inside = (
            inner
            for one in level
            if isinstance(one, list | tuple | dict)
            for inner in (one.values() if isinstance(one, dict) else one)
            if isinstance(inner, list | tuple | dict)
        )
        level = list({id(inner): inner for inner in inside}.values())
        if not level:
            return
    raise JsonError(f"it is nested deeper than {max_depth} levels")


def _encoding(data: bytes) -> str:
    """Like `json.detect_encoding`, which takes as long as parsing a short object."""
    if data[:1] == b"{" and data[1:2] != b"\0":
        return "utf-8"
    return json.detect_encoding(data)


def _depth(text: str, enough: int) -> int:
    """Return the deepest nesting of brackets outside strings, counted up to one above `enough`."""
    if text.count("[") + text.count("{") <= enough:
        return 0
    depth = deepest = 0
    for mark in _MARKS.finditer(text):
        first = text[mark.start()]
        if first in "[{":
            depth += 1
            deepest = max(deepest, depth)
            if deepest > enough:
                break
        elif first in "]}":
            depth -= 1
    return deepest
