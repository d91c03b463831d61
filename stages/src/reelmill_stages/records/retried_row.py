"""A row of the inputs of a retry: an item and the number of earlier attempts.

Version 0.1.0 wrote the number into the item's own row, as `_tried`; such rows can be read.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reelmill.contract.records.rows import Item

_FORMER = "_tried"


@dataclass(frozen=True, slots=True)
class RetriedRow:
    """An item to retry, with its history.

    `attempts` counts the passes and runs that tried `item` before. `former` is its outcome in the last of them, as
    `outcome:reason`; None in rows of earlier versions.
    """

    item: Item
    attempts: int
    former: str | None = None

    def to_json(self) -> dict[str, Any]:
        told = {} if self.former is None else {"former": self.former}
        return {"item": self.item.to_json(), "attempts": self.attempts, **told}

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> "RetriedRow":
        """The inverse of `to_json`. Raises ValueError for an invalid row."""
        if "item" in row and "key" not in row:
            item, attempts, former = row["item"], row.get("attempts"), row.get("former")
        else:
            former = None
            item, attempts = {name: value for name, value in row.items() if name != _FORMER}, row.get(_FORMER, 0)
        if type(item) is not dict or type(attempts) is not int or not isinstance(former, str | None):
            raise ValueError("not a row of a retry")
        return cls(Item.from_json(item), attempts, former)
