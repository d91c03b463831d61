"""Row of a lineage file: the inputs of a shard that an assembled file, or an item in it, was made from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reelmill.contract.ranges import format_ranges, parse_ranges


@dataclass(frozen=True, slots=True, kw_only=True)
class AssembledFrom:
    """A file, by its key in the store, or an item by its key; the other one is empty."""

    inputs: tuple[int, ...]
    """Positions of the inputs in the shard, from 0: rows of its ledger.

    Some may not be done, because `assemble` refused them. Empty for an item: it has all inputs of its file, which is
    the last file before it.
    """
    file: str = ""
    item: str = ""

    def to_json(self) -> dict[str, str]:
        """The row."""
        name = {"file": self.file} if self.file else {"item": self.item}
        return {**name, "inputs": format_ranges(self.inputs)} if self.inputs or self.file else name

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> "AssembledFrom":
        """The inverse of `to_json`. Raises ValueError for an invalid row."""
        file, item, inputs = row.get("file", ""), row.get("item", ""), row.get("inputs", "")
        if not (str is type(file) is type(item) is type(inputs) and bool(file) != bool(item)):
            raise ValueError("a row of lineage has a file or an item, and its inputs")
        return cls(inputs=tuple(parse_ranges(inputs)), file=file, item=item)
