"""The inputs of a shard, read from the rows that its line of the plan names.

In a union of several upstreams the keys carry the upstream's name; groups do not, so that one video stays one video.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from reelmill.contract.record import Item
from reelmill.contract.segment import Pass, Slice
from reelmill_stages.records.retried_row import RetriedRow
from reelmill_stages.records.rows import read_rows
from reelmill_stages.stage import Input
from reelmill_stages.store import Store


@dataclass(frozen=True, slots=True)
class ShardInput:
    """An input, its place in the shard (from 0), which upstream it comes from and how often it was tried before."""

    input: Input
    position: int
    upstream: str
    tried: int

    @property
    def key(self) -> str:
        return self.input.item.key


def union_key(upstream: str, key: str, *, union: bool) -> str:
    """The key of an upstream's item as the stage's ledger has it."""
    return f"{upstream}/{key}" if union else key


def shard_inputs(store: Store, plan: Pass, shard: int, scratch: Path, *, union: bool) -> Iterator[ShardInput]:
    """Inputs of one shard, in order."""
    number = plan.first_ordinal + sum(before.count for before in plan.shards[:shard])
    position = 0
    for piece in plan.shards[shard].slices:
        for row, values in enumerate(read_rows(store, piece.rows, scratch, first=piece.first, count=piece.count)):
            item, tried = _item(values, piece, row)
            item = replace(item, key=union_key(piece.upstream, item.key, union=union))
            yield ShardInput(Input(item, number + position), position, piece.upstream, tried)
            position += 1


def groups(given: Iterable[ShardInput]) -> Iterator[list[ShardInput]]:
    """Runs of inputs that share a group (and an upstream)."""
    run: list[ShardInput] = []
    for one in given:
        if run and (one.upstream, one.input.item.group) != (run[0].upstream, run[0].input.item.group):
            yield run
            run = []
        run.append(one)
    if run:
        yield run


def _item(values: dict[str, Any], piece: Slice, row: int) -> tuple[Item, int]:
    """The item of a row, and how often it was tried before. Only the rows of a retry carry their own ordinals."""
    if piece.ordinal is None:
        retried = RetriedRow.from_json(values)
        return retried.item, retried.attempts
    return replace(Item.from_json(values), ordinal=piece.ordinal + row), 0
