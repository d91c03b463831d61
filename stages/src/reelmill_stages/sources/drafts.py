"""From rows to a listing: keys that stay, names that differ, duplicates told, one sensible order.

An adapter makes one `Draft` per row, in any order; `settled` sees all of them and yields one `Listed` each. The result
depends on the set of rows alone, not on their order.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from reelmill.contract.errors import ItemError
from reelmill.contract.record import Media
from reelmill_stages.naming import told_apart
from reelmill_stages.sources import Listed

_DIGITS = 8


@dataclass(slots=True)
class Draft:
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


def refused(row: str, error: ItemError, about: str = "") -> Draft:
    """The draft of a row that cannot be an item. `about` is the id or path that it speaks of, where that is known."""
    identity = f"{about}:row-{row[:16]}" if about else f"row-{row[:16]}"
    return Draft(identity, row, about or identity, problem=(error.reason, error.what))


def row_digest(row: object) -> str:
    """32 hex digits over everything that a row says; rows that JSON cannot say have one too."""
    text = json.dumps(row, sort_keys=True, separators=(",", ":"), default=repr)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def settled(drafts: Iterable[Draft]) -> Iterator[Listed]:
    """One `Listed` per draft.

    Of rows that say the same the first one counts and the others are `duplicate`. Different rows about the same
    thing are items of their own; their keys then carry the digest of the row.
    """
    keyed = _keyed(drafts)
    names = told_apart((key, draft.stem) for key, draft in keyed.items() if draft.stem is not None)
    for key in sorted(keyed, key=lambda key: (keyed[key].group, keyed[key].order, key)):
        draft = keyed[key]
        name = {"name": names[key]} if key in names else {}
        yield Listed(key, draft.group, draft.weight, draft.media, draft.fields | name, draft.problem)


def _keyed(drafts: Iterable[Draft]) -> dict[str, Draft]:
    together: defaultdict[str, dict[str, list[Draft]]] = defaultdict(dict)
    for draft in drafts:
        together[draft.identity].setdefault(draft.row, []).append(draft)
    keyed: dict[str, Draft] = {}
    used = {identity for identity, rows in together.items() if len(rows) == 1}
    for identity in sorted(together):
        rows = together[identity]
        for row in sorted(rows):
            key = identity if len(rows) == 1 else _variant(identity, row, used)
            keyed[key] = rows[row][0]
            for number, draft in enumerate(rows[row][1:], 2):
                _as_duplicate(draft)
                keyed[_copy(key, number, used)] = draft
    return keyed


def _variant(identity: str, row: str, used: set[str]) -> str:
    return _unused((f"{identity}~{row[:digits]}" for digits in count(_DIGITS)), used)


def _copy(key: str, number: int, used: set[str]) -> str:
    return _unused((f"{key}{'#' * marks}{number}" for marks in count(1)), used)


def _unused(keys: Iterator[str], used: set[str]) -> str:
    key = next(key for key in keys if key not in used)
    used.add(key)
    return key


def _as_duplicate(draft: Draft) -> None:
    draft.stem = draft.media = None
    if draft.problem is None:
        draft.problem = ("duplicate", "another row says exactly the same")
        draft.weight = 0.0
