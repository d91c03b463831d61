"""Commits of all shards of a pass, as if somebody had worked on their items."""

import os
import threading

import toy_line as toy

from reelmill.contract.records.rows import Item, LedgerRow, Outcome
from reelmill.contract.records.segment import Pass
from reelmill.contract.task import StageDef, Step, Upstream
from reelmill_stages.records.record_files import create, load
from reelmill_stages.records.rows.encoded_item import encoded
from reelmill_stages.runtime.context import context
from reelmill_stages.runtime.inputs import ShardInput, shard_inputs
from reelmill_stages.runtime.shards.outcomes import SettledInput
from reelmill_stages.runtime.shards.shard_commit import ShardRows


def commit_shards(line: toy.Line, stage: StageDef, segment: int = 1) -> None:
    """Commit the shards of an open pass: every third item failed."""
    paths = line.data(stage.name).paths(segment)
    opened = load(line.store, paths.pass_json, Pass)
    assert opened is not None
    with context(line.task(Step.SHARDS, stage, segment=segment), os.environ, threading.Event()) as found:
        for shard in range(len(opened.shards)):
            folder = found.scratch / f"shard-{shard}"
            folder.mkdir()
            rows = ShardRows(folder)
            for given in shard_inputs(
                found.store, opened, shard, found.scratch, upstreams=[Upstream(name="raw", key="0" * 64)]
            ):
                rows.add(given, _settled(given))
            commit = rows.commit(found.store, paths, shard, len(opened.shards), "run-1")
            create(found.store, paths.shard(shard), commit)


def _settled(given: ShardInput) -> SettledInput:
    key, ordinal = given.key, given.input.item.ordinal
    if ordinal % 3 == 0:
        return SettledInput(LedgerRow(key, ordinal, Outcome.FAILED, "broken", "no words " * 5))
    return SettledInput(LedgerRow(key, ordinal, Outcome.DONE), (encoded(Item(key, 0, key, 1.0)),))
