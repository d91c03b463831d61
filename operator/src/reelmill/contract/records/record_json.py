"""Parsing of the JSON of a record, which has one meaning only.

Parsers disagree about which value of a repeated name counts, and about NaN. reelmill writes neither, so such a record
is damaged.
"""

import json
import math
from collections import Counter
from typing import Any, TypeVar

from reelmill.contract.model import Model

M = TypeVar("M", bound=Model)


def parse_record(model: type[M], data: bytes) -> M:
    """Parse a record. Raises ValueError for anything else, and as `unambiguous_json`."""
    record = model.model_validate_json(data)
    if record.model_dump_json(by_alias=True).encode() != data:  # written by another version, or damaged
        unambiguous_json(data)
    return record


def unambiguous_json(data: bytes) -> Any:
    """Parse JSON. Raises ValueError also for a repeated name in an object and for a number that is not finite.

    Raises RecursionError for values that are nested too deeply.
    """
    return json.loads(data, object_pairs_hook=_object, parse_constant=_finite, parse_float=_finite)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    repeated = next(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
    raise ValueError(f"the name {repeated!r} occurs more than once")


def _finite(text: str) -> float:
    number = float(text)
    if math.isfinite(number):
        return number
    raise ValueError(f"the number {text[:40]} is not finite")
