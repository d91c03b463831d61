"""Memory does not grow with the size of a shard: items stream through, whatever their number."""

import os
import sys
from pathlib import Path

import pytest
from peak_memory import peak_of
from toy_line import Line

from reelmill.contract.task import Step

pytestmark = pytest.mark.store

MIB = 1024 * 1024
ROOM = 24 * MIB
"""What an allocator may keep without anything having been kept on purpose."""


def peak(root: Path, items: int, type_: str) -> int:
    """Peak resident bytes of the process that ran one shard of so many items, or of its largest worker."""
    line = Line(root)
    root.mkdir()
    line.put("item-0")
    file = line.rows[0]["file"]
    line.rows = [{"key": f"item-{number}", "file": file, "_source": "raw"} for number in range(items)]
    stage = line.stage("toys", type_, per_file=50)
    line.survey()
    assert line.open(stage, shard_count=1).shards == 1
    task = line.task(Step.SHARDS, stage, segment=1)
    bytes_ = peak_of(
        [sys.executable, "-m", "reelmill_stages"],
        REELMILL_TASK=task.model_dump_json(by_alias=True),
        REELMILL_REPORT=os.devnull,
        JOB_COMPLETION_INDEX="0",
    )
    line.commit(stage, 1)
    assert line.data("toys").totals.done == items
    return bytes_


@pytest.mark.parametrize("type_", ["Upper", "Join"])
def test_000_f21_a_shard_of_ten_times_as_many_items_needs_no_more_memory(tmp_path: Path, type_: str) -> None:
    few = peak(tmp_path / "few", 150, type_)
    many = peak(tmp_path / "many", 1500, type_)
    assert many <= few + ROOM, f"{few / MIB:.0f} MiB for 150 items, {many / MIB:.0f} MiB for 1500"
