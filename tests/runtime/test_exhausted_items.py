"""Items that use up memory, files or threads of a process fail alone; the machine is at fault only without items."""

import json
import logging
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
import toy_line as toy

from reelmill.contract.records.rows import LedgerRow
from reelmill.contract.task import ENV, INDEX_ENV, REPORT_ENV, Step
from reelmill.contract.task_parts.shard_limits import ShardLimits
from reelmill_stages.records.data_set import DataSet

pytestmark = pytest.mark.store


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> toy.Line:
    """One shard with all kinds of greedy items, and workers that may open 256 files more than this process has."""
    files = 256 + max(int(path.name) for path in Path("/dev/fd").iterdir())
    line = toy.Line(tmp_path_factory.mktemp("greedy"), limits=ShardLimits(workers=1, item_timeout=60.0))
    line.stage("upper")
    line.put("a")
    line.put("memory", "memory")
    for number in range(3):
        line.put(f"m{number}", "memory" if number == 1 else "content", group="one video")
    line.put("leak", f"hold-files {files - 60}")
    for number in range(4):
        line.put(f"b{number}", "hold-files 60")
    line.put("files", "files")
    line.put("killed", "kill")
    line.put("z")
    loggers = logging.getLogger("reelmill_stages")
    loggers.setLevel(logging.INFO)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    try:
        line.go()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        loggers.setLevel(logging.NOTSET)
    return line


@pytest.fixture
def data(line: toy.Line) -> DataSet:
    return line.data("upper")


def row(data: DataSet, key: str) -> LedgerRow:
    (found,) = (row for row in data.ledger() if row.key == key)
    return found


def test_every_item_is_accounted_for_and_only_the_greedy_ones_fail(data: DataSet) -> None:
    toy.law(data)
    found = toy.outcomes(data)
    failed = {key: reason for key, (outcome, reason) in found.items() if outcome == "failed"}
    assert failed == {
        "memory": "out_of_memory",
        "m1": "out_of_memory",
        "files": "too_many_files",
        "killed": "out_of_memory",
    }
    assert len(found) == 13


def test_the_message_says_that_it_was_tried_alone(data: DataSet) -> None:
    assert row(data, "memory").message.startswith("a new worker that processed only this item ran out of memory: ")
    assert "Too many open files" in row(data, "files").message
    assert "SIGKILL" in row(data, "killed").message


def test_items_that_find_a_worker_used_up_by_others_are_done(data: DataSet) -> None:
    found = toy.outcomes(data)
    assert found["leak"] == ("done", "")
    assert {found[f"b{number}"] for number in range(4)} == {("done", "")}


def test_a_machine_on_which_a_worker_without_an_item_runs_out_too_ends_the_step_with_a_clear_message(
    tmp_path: Path,
) -> None:
    line = toy.Line(tmp_path)
    stage = line.stage("upper")
    line.put("a")
    line.survey()
    line.open(stage)
    task = line.task(Step.SHARDS, stage, segment=1)
    report = tmp_path / "report.json"
    few = (
        "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (18, 18));"
        "from reelmill_stages.runtime.step import main; main()"
    )
    ended = subprocess.run(
        [sys.executable, "-c", few],
        env={**os.environ, ENV: task.model_dump_json(by_alias=True), INDEX_ENV: "0", REPORT_ENV: str(report)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 75, ended.stderr
    failure = json.loads(report.read_text())
    assert "a worker process without an item fails, too" in failure["message"]
    assert "ulimit -n" in failure["hint"] or "machine" in failure["hint"]
