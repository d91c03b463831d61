"""Large passes have their plan in blocks: a shard reads one, and works on the same inputs with the same numbers."""

import json
from pathlib import Path

import pytest
import toy_line as toy
from hypothesis import given, settings
from hypothesis import strategies as st

from reelmill.contract.records.heartbeat import Runner
from reelmill.contract.records.rows import Item
from reelmill.contract.records.segment import PLAN_BLOCK, Pass, ShardPlan, Slice
from reelmill.contract.task import Upstream
from reelmill_stages.records.inventory import places
from reelmill_stages.records.owned import owned
from reelmill_stages.records.record_files import dump, load, parse
from reelmill_stages.runtime.inputs import shard_inputs
from reelmill_stages.runtime.open import plan_blocks
from reelmill_stages.store.local.store import LocalStore

UPSTREAMS = [Upstream(name=name, key="0" * 64) for name in "ab"]


def made(sizes: list[int], *, ranked: bool) -> Pass:
    """A pass of shards of so many inputs; every third one reads the second upstream."""
    shards, at = [], {"a": 0, "b": 0}
    for number, size in enumerate(sizes):
        name = "b" if number % 3 == 2 else "a"
        piece = Slice(upstream=name, rows=f"{name}.jsonl", first=at[name], count=size, ordinal=at[name])
        shards.append(ShardPlan(slices=(piece,), count=size, weight=1.5 * size))
        at[name] += size
    positions = {"a": f"0-{at['a'] - 1}"} if ranked and at["a"] else {}
    return Pass(
        stage="s", key="0" * 64, segment=1, kind="cover", in_=sum(sizes), first_ordinal=7, shards=tuple(shards),
        positions=positions, definition={}, runner=Runner(uid="u", name="n", run=1),
    )  # fmt: skip


@pytest.mark.store
@settings(max_examples=20, deadline=None)
@given(st.data(), st.integers(2, 3), st.integers(1, 5), st.booleans())
def test_a_shard_has_the_same_inputs_and_numbers_by_its_block_as_by_the_whole_plan(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, blocks: int, rest: int, ranked: bool
) -> None:
    count = (blocks - 1) * PLAN_BLOCK + rest
    sizes = data.draw(st.lists(st.integers(0, 2), min_size=rest, max_size=rest)) + [1] * (count - rest)
    opened = made(sizes, ranked=ranked)
    folder = tmp_path_factory.mktemp("plans")
    store = LocalStore(folder / "store")
    for name in "ab":
        rows = [Item(f"{name}{n}", 0, "g", 1.0, position=count - n).to_json() for n in range(2 * count)]
        store.write(f"{name}.jsonl", "".join(f"{json.dumps(row)}\n" for row in rows).encode())
    number = data.draw(st.integers(1, blocks - 1))
    block = plan_blocks.plan_block(opened, number)
    read = plan_blocks.whole(parse(dump(block), "", type(block)))
    assert len(read.shards) == len(opened.shards)
    assert read.replace(shards=()) == opened.replace(shards=())
    shard = data.draw(st.integers(block.first, block.first + len(block.plan.shards) - 1))
    assert read.shards[shard] == opened.shards[shard]
    if opened.shards[shard].count:
        one, other = (list(shard_inputs(store, each, shard, folder, upstreams=UPSTREAMS)) for each in (read, opened))
        assert one == other


@pytest.mark.store
def test_a_pass_of_many_shards_is_done_by_blocks_continued_without_them_and_removed_with_them(tmp_path: Path) -> None:
    count = PLAN_BLOCK + 3
    line = toy.Line(tmp_path, shard_count=count)
    for number in range(count):
        line.put(f"v{number:04d}")
    stage = line.stage("upper")
    line.survey()
    line.open(stage)
    paths = line.data("upper").paths(1)
    assert line.store.stat(paths.plan_block(1)).size < line.store.stat(paths.pass_json).size / 10
    assert [stat.key for stat in line.store.list(f"{paths.internal}/plans/")] == [paths.plan_block(1)]
    read = plan_blocks.read_plan(line.store, paths, count - 1)
    assert read is not None
    assert (len(read.shards), read.shards[0].count) == (count, PLAN_BLOCK)
    line.store.delete(paths.plan_block(1))  # as in a pass that version 0.1.0 opened
    assert plan_blocks.read_plan(line.store, paths, count - 1) == load(line.store, paths.pass_json, Pass)
    line.open(stage)  # adopts the pass, and writes what is missing
    (found,) = [each for each in places(line.store.list()) if each.names.name == "upper"]
    mine = owned(line.store, found)
    assert mine is not None
    assert not mine.left
    assert f"0001/_reelmill/plans/{1:05d}.json" in mine.names
