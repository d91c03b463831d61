"""Reading of the inputs of a shard from the slices in the plan of its pass.

With several upstreams, item keys are prefixed by the name of the upstream; groups are not, so that items of one video
remain in one group. Items of all upstreams but the first get names with a digest of that key: files are named after
items, and every camera has a 0001.mp4. The name depends on the item alone, so it does not change when an upstream
grows.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from reelmill.contract.records.rows import Item
from reelmill.contract.records.segment import Pass
from reelmill.contract.task import Upstream
from reelmill_stages.file_names import safe_stem, suffixed_stem
from reelmill_stages.records.retried_row import RetriedRow
from reelmill_stages.records.row_files import parse_row, read_lines
from reelmill_stages.records.rows.item_lines import item_reader
from reelmill_stages.records.rows.line_readers import LineReader, of_objects
from reelmill_stages.runtime.input_numbers import InputNumbers
from reelmill_stages.stage import Input
from reelmill_stages.store import Store
from reelmill_stages.store.damage import address


@dataclass(frozen=True, slots=True)
class ShardInput:
    """An input, its position in the shard (from 0), its upstream, and the number of earlier attempts."""

    input: Input
    position: int
    upstream: str
    tried: int
    former: str | None = ""
    """Its outcome in the pass that is retried, as `outcome:reason`; empty for a new input, None if unknown."""
    row: bytes = b""
    """The canonical row of the item in the upstream; empty if the item differs from it."""

    @property
    def key(self) -> str:
        return self.input.item.key

    @property
    def ordinal(self) -> int:
        """Ordinal of the item in its upstream."""
        return self.input.item.ordinal


def union_key(upstream: str, key: str, *, union: bool) -> str:
    """The key of an upstream's item in the ledger of the stage."""
    return f"{upstream}/{key}" if union else key


def shard_inputs(
    store: Store, plan: Pass, shard: int, scratch: Path, *, upstreams: Sequence[Upstream]
) -> Iterator[ShardInput]:
    """The inputs of one shard, in order. `upstreams` are those of the stage."""
    first, *others = (upstream.name for upstream in upstreams)
    numbers = InputNumbers(plan)
    start = plan.first_ordinal + sum(before.count for before in plan.shards[:shard])
    position = 0
    for piece in plan.shards[shard].slices:
        read = of_objects(RetriedRow.from_json) if piece.ordinal is None else _retried_row_reader(piece.ordinal)
        where = address(store, piece.rows)
        lines = read_lines(store, piece.rows, piece.digest, scratch, first=piece.first, count=piece.count)
        for place, line in enumerate(lines, piece.first + 1):
            row = parse_row(line, where, place, read)
            item = row.item
            if others:
                item = _in_union(item, piece.upstream, is_first=piece.upstream == first)
            number = numbers.of(piece.upstream, item, start + position)
            encoded = b"" if others or piece.ordinal is None else line.rstrip()
            yield ShardInput(Input(item, number), position, piece.upstream, row.attempts, row.former, encoded)
            position += 1


def groups(given: Iterable[ShardInput]) -> Iterator[list[ShardInput]]:
    """Consecutive inputs with the same group and upstream."""
    run: list[ShardInput] = []
    for one in given:
        if run and (one.upstream, one.input.item.group) != (run[0].upstream, run[0].input.item.group):
            yield run
            run = []
        run.append(one)
    if run:
        yield run


def _in_union(item: Item, upstream: str, *, is_first: bool) -> Item:
    key = union_key(upstream, item.key, union=True)
    if is_first:
        return replace(item, key=key)
    name = item.fields.get("name") or item.fields.get("vid") or item.key
    return replace(item, key=key, fields={**item.fields, "name": suffixed_stem(safe_stem(str(name)), key)})


def _retried_row_reader(first: int) -> LineReader[RetriedRow]:
    """A reader of successive rows of items, the first of which has this ordinal."""
    item = item_reader(first)
    return lambda line: RetriedRow(item(line), 0, "")
