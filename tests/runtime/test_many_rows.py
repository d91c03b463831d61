"""Hundreds of thousands of rows: listing, opening, closing and asking stay in memory that does not grow with them."""

import os
import sys
from pathlib import Path

import pytest
import toy_line as toy
from committed_shards import commit_shards
from peak_memory import peak_of

from reelmill.contract.task import Step, Task

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
