"""Hundreds of thousands of rows: listing, opening, closing and asking stay in memory that does not grow with them."""

import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import toy_line as toy
from peak_memory import peak_of

from reelmill.contract.records.rows import LedgerRow, Outcome
from reelmill.contract.records.segment import Pass
from reelmill.contract.task import StageDef, Step, Task, Upstream
from reelmill_stages.records.record_files import create, load
from reelmill_stages.runtime.context import context
from reelmill_stages.runtime.inputs import shard_inputs
from reelmill_stages.runtime.shards.outcomes import SettledInput
from reelmill_stages.runtime.shards.shard_commit import write_rows

pytestmark = pytest.mark.store

MIB = 1024 * 1024
FEW, MANY = 5_000, 100_000
ROOM = 40 * MIB
"""The page cache of the database that keeps keys (32 MiB), and what an allocator holds back."""
ASK = """
import os, sys
from pathlib import Path
from reelmill.contract.task import Task
from reelmill_stages.commands.ledger import rows, summary
from reelmill_stages.commands.status import status
task = Task.model_validate_json(Path(sys.argv[1]).read_text())
assert sum(1 for row in rows(task, os.environ, stages=["upper"], outcomes=["failed"])) == int(sys.argv[2])
assert summary(task, os.environ)
assert status(task, os.environ)[-1].failed == int(sys.argv[2])
"""


def step(task: Task) -> int:
    """Peak resident bytes of a step."""
    return peak_of(
        [sys.executable, "-m", "reelmill_stages"],
        REELMILL_TASK=task.model_dump_json(by_alias=True),
        REELMILL_REPORT=os.devnull,
    )


def commit_shards(line: toy.Line, stage: StageDef) -> None:
    """Commits of all shards, as if the items had been worked on: every third one failed."""
    paths = line.data(stage.name).paths(1)
    opened = load(line.store, paths.pass_json, Pass)
    assert opened is not None
    with context(line.task(Step.SHARDS, stage, segment=1), os.environ, threading.Event()) as found:
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


def peaks(root: Path, count: int) -> dict[str, int]:
    """Step or command -> its peak resident bytes over so many rows."""
    root.mkdir()
    line = toy.Line(root)
    line.put("item")
    file = line.rows[0]["file"]
    line.rows = [{"key": f"item-{number}", "file": file, "_source": "raw"} for number in range(count)]
    line.write_rows("raw")
    stage = line.stage("upper")
    found = {"survey": step(line.task(Step.SURVEY))}
    found["open"] = step(line.open_task(stage, shard_count=4))
    commit_shards(line, stage)
    found["commit"] = step(line.task(Step.COMMIT, stage, segment=1))
    assert line.data("upper").totals.in_ == count
    told = root / "task.json"
    told.write_text(line.task(Step.SURVEY).model_dump_json(by_alias=True))
    found["ask"] = peak_of([sys.executable, "-c", ASK, str(told), str(line.data("upper").totals.failed)])
    return found


def test_twenty_times_as_many_rows_need_no_more_memory(tmp_path: Path) -> None:
    few, many = peaks(tmp_path / "few", FEW), peaks(tmp_path / "many", MANY)
    grown = {name: f"{few[name] / MIB:.0f} -> {many[name] / MIB:.0f} MiB" for name in few}
    assert all(many[name] <= few[name] + ROOM for name in few), grown
