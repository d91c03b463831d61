"""Drafts: rows of a source before keys and names are made unique."""

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from reelmill.contract.errors import ItemError
from reelmill.contract.records.rows import Media

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


def refused(row: str, error: ItemError, about: str = "") -> RowDraft:
    """The draft of an invalid row. `about` is its id or path, if known."""
    identity = f"{about}:row-{row[:16]}" if about else f"row-{row[:16]}"
    return RowDraft(identity, row, about or identity, problem=(error.reason, error.what))


def row_digest(row: object) -> str:
    """Digest of a whole row, 32 hex digits; also for values that JSON cannot represent."""
    return hashlib.blake2b(_ENCODER.encode(row).encode(), digest_size=16).hexdigest()
