"""Drafts: rows of a source before keys and names are made unique."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from reelmill.contract.errors import ItemError
from reelmill.contract.records.rows import Media
from reelmill_stages.untrusted.nested import check_depth

_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=repr)


@dataclass(slots=True)
class RowDraft:
    """A row of a source, from which `settled` makes a `Listed`.

    `identity` identifies the content (file, span), `row` is the digest of the whole row, `stem` the preferred name of
    its outputs, and `order` sorts within the group. The other fields are those of `Listed`.
    """

    identity: str
    row: str
    group: str
    weight: float = 0.0
    media: Media | None = None
    fields: dict[str, Any] = field(default_factory=dict)
    stem: str | None = None
    order: tuple[float, float] = (0.0, 0.0)
    problem: tuple[str, str] | None = None
    rows: list[dict[str, Any]] = field(default_factory=list)


def refused(row: str, error: ItemError, about: str = "", rows: Sequence[dict[str, Any]] = ()) -> RowDraft:
    """Return the draft of an invalid row. `about` is its id or path, if known; `rows` are as in `Listed`."""
    identity = f"{about}:row-{row[:16]}" if about else f"row-{row[:16]}"
    return RowDraft(identity, row, about or identity, problem=(error.reason, error.what), rows=list(rows))


def row_digest(row: object) -> str:
    """Return the digest of a whole row, 32 hex digits; also for values that JSON cannot represent."""
    try:
        check_depth(row)
        text = _ENCODER.encode(row)
    except ValueError:
        text = _leaves(row)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _leaves(row: object) -> str:
    """Return the text of a row that is nested too deeply, or has a number with more digits than Python converts."""
    parts: list[str] = []
    rest = [row]
    while rest:
        one = rest.pop()
        if isinstance(one, dict):
            rest += [each for pair in one.items() for each in pair]
            parts.append("{")
        elif isinstance(one, list | tuple):
            rest += one
            parts.append("[")
        else:
            parts.append(hex(one) if isinstance(one, int) else ascii(one))
    return "\n".join(parts)
