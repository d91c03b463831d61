"""One row of a source on its way to a `Listed`: what an adapter can say of it without knowing the others."""

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from reelmill.contract.errors import ItemError
from reelmill.contract.record import Media

_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=repr)


@dataclass(slots=True)
class RowDraft:
    """One row on its way to a `Listed`.

    `identity` is what the row is about (file, span); `row` is the digest of everything it says; `stem` the name that
    its outputs should have; `order` sorts within the group.
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
    """The draft of a row that cannot be an item. `about` is the id or path that it speaks of, where that is known."""
    identity = f"{about}:row-{row[:16]}" if about else f"row-{row[:16]}"
    return RowDraft(identity, row, about or identity, problem=(error.reason, error.what))


def row_digest(row: object) -> str:
    """32 hex digits over everything that a row says; rows that JSON cannot say have one too."""
    return hashlib.blake2b(_ENCODER.encode(row).encode(), digest_size=16).hexdigest()
