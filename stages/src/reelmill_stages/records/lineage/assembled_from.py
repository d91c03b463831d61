"""Which inputs of a shard an assembled file, or an item in it, was made of: a row of a lineage file."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reelmill.contract.ranges import format_ranges, parse_ranges


@dataclass(frozen=True, slots=True, kw_only=True)
class AssembledFrom:
    """A file, by its key in the store, or an item by its key; the other one is empty."""

    inputs: tuple[int, ...]
    """Positions in the shard of the inputs, from 0: rows of its ledger. Some may not be done: those that `assemble`
    refused. Of an item, empty: all inputs of its file, which is the last one before it."""
    file: str = ""
    item: str = ""

    def to_json(self) -> dict[str, str]:
        """The row."""
        name = {"file": self.file} if self.file else {"item": self.item}
        return {**name, "inputs": format_ranges(self.inputs)} if self.inputs or self.file else name

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> "AssembledFrom":
        """The inverse of `to_json`. Raises ValueError for a row that is none."""
        file, item, inputs = row.get("file", ""), row.get("item", ""), row.get("inputs", "")
        if not (str is type(file) is type(item) is type(inputs) and bool(file) != bool(item)):
            raise ValueError("a row of lineage has a file or an item, and its inputs")
        return cls(inputs=tuple(parse_ranges(inputs)), file=file, item=item)
