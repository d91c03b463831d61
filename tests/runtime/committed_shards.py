"""Commits of all shards of a pass, as if somebody had worked on their items."""

import os
import threading
from collections.abc import Iterator

import toy_line as toy

from reelmill.contract.records.rows import LedgerRow, Outcome
from reelmill.contract.records.segment import Pass
from reelmill.contract.task import StageDef, Step, Upstream
from reelmill_stages.records.record_files import create, load
from reelmill_stages.runtime.context import context
from reelmill_stages.runtime.inputs import shard_inputs
from reelmill_stages.runtime.shards.outcomes import SettledInput
from reelmill_stages.runtime.shards.shard_commit import write_rows


def commit_shards(line: toy.Line, stage: StageDef, segment: int = 1) -> None:
    """Commit the shards of an open pass: every third item failed."""
    paths = line.data(stage.name).paths(segment)
    opened = load(line.store, paths.pass_json, Pass)
    assert opened is not None
    with context(line.task(Step.SHARDS, stage, segment=segment), os.environ, threading.Event()) as found:
        for shard in range(len(opened.shards)):

            def settled(shard: int = shard) -> Iterator[SettledInput]:
                for given in shard_inputs(
                    found.store, opened, shard, found.scratch, upstreams=[Upstream(name="raw", key="0" * 64)]
                ):
                    key, ordinal = given.key, given.input.item.ordinal
                    if ordinal % 3 == 0:
                        yield SettledInput(LedgerRow(key, ordinal, Outcome.FAILED, "broken", "no words " * 5))
                    else:
                        item = {"key": key, "ordinal": 0, "group": key, "weight": 1.0, "outputs": []}
                        yield SettledInput(LedgerRow(key, ordinal, Outcome.DONE), (item,))

            folder = found.scratch / f"shard-{shard}"
            folder.mkdir()
            run = "run-1"
            commit = write_rows(found.store, paths, shard, len(opened.shards), run, folder, settled())
            create(found.store, paths.shard(shard), commit)
