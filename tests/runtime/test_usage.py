"""What a run uses is counted once, by whoever used it, also where a run fails or is killed."""

import os
import signal
import threading
import time
from pathlib import Path
from typing import TypeVar

import pytest
import toy_line as toy

from reelmill.contract.records.segment import ShardCommit
from reelmill.contract.records.usage import Bound, Usage, UsageRecord
from reelmill.contract.task import RUN_PID_ENV, Step
from reelmill.contract.task_parts.shard_limits import ShardLimits
from reelmill.processes.forked import OwnedTemplate
from reelmill.processes.step_template import STEP
from reelmill_stages.host.resident import PROC
from reelmill_stages.records.record_files import dump, load
from reelmill_stages.runtime.context import Interrupted, context
from reelmill_stages.runtime.shards.step import run_shard

T = TypeVar("T")
BURNT = 6.0
"""Seconds of CPU that the items of `busy_line` use, on any machine."""


def known(value: T | None) -> T:
    assert value is not None
    return value


def segment_usage(line: toy.Line, name: str) -> Usage:
    return known(known(line.data(name).last).usage)


def shard_usage(line: toy.Line, name: str) -> Usage:
    return known(known(load(line.store, line.data(name).paths(1).shard(0), ShardCommit)).usage)


def records(line: toy.Line, name: str) -> list[UsageRecord]:
    """What runs left that did not commit."""
    paths = line.data(name).paths(1)
    return [known(load(line.store, stat.key, UsageRecord)) for stat in line.store.list(paths.usages)]


def test_a_segment_says_what_its_pass_used(tmp_path: Path) -> None:
    line = toy.Line(tmp_path)
    stage = line.stage("upper")
    for number in range(4):
        line.put(f"v{number}", "burn 0.05")
    line.survey()
    line.run_pass(stage)
    usage = segment_usage(line, "upper")
    assert known(usage.pod_seconds) >= known(usage.work).compute >= 0.2
    assert usage.bound is Bound.COMPUTE
    assert usage.gpu_seconds is None
    assert usage.lost_runs == 0
    assert known(usage.bytes_written) > sum(path.stat().st_size for path in (tmp_path / "store/upper").rglob("*.txt"))
    assert known(usage.bytes_read) > sum(path.stat().st_size for path in (tmp_path / "media").rglob("*.txt"))
    assert records(line, "upper") == []
    assert known(line.data("upper").last).total_usage == usage


def test_a_second_pass_adds_to_the_total(tmp_path: Path) -> None:
    line = toy.Line(tmp_path)
    stage = line.stage("upper")
    line.put("v0")
    line.survey()
    line.run_pass(stage)
    first = segment_usage(line, "upper")
    line.put("v1")
    line.survey()
    report = line.run_pass(stage)
    assert known(line.data("upper").last).total_usage == first + segment_usage(line, "upper") == report.usage


def busy_line(root: Path) -> toy.Line:
    line = toy.Line(root, limits=ShardLimits(workers=2, item_timeout=600))
    stage = line.stage("busy")
    for number in range(4):
        line.put(f"v{number}", f"burn {BURNT / 4}")
    line.survey()
    line.open(stage)
    return line


def is_counted(line: toy.Line, kernel: float) -> bool:
    """Whether the CPU time of the shard is the kernel's within 2 percent of the work.

    The end of the processes, after the count, costs a part of what they use beside the work, however fast the machine.
    """
    counted = known(shard_usage(line, "busy").cpu_seconds)
    return counted == pytest.approx(kernel, abs=0.02 * BURNT + 0.15 * (kernel - BURNT))


@pytest.mark.store  # it takes seconds of CPU
def test_the_cpu_time_of_a_step_and_its_workers_is_the_kernels(tmp_path: Path) -> None:
    line = busy_line(tmp_path)
    task = line.task(Step.SHARDS, line.stages[0], segment=1)
    process = line.popen(task, 0, **{RUN_PID_ENV: str(os.getpid())})  # a container would count all tests
    assert process.stderr
    process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    process.communicate()
    assert process.returncode == 0
    assert is_counted(line, used.ru_utime + used.ru_stime)


@pytest.mark.store  # it takes seconds of CPU
def test_forked_workers_count_once(tmp_path: Path) -> None:
    """The kernel's counter is that of the template, which waits for all that it forks."""
    line = busy_line(tmp_path)
    task = line.task(Step.SHARDS, line.stages[0], segment=1).model_dump_json(by_alias=True)
    own = {"REELMILL_TASK": task, "JOB_COMPLETION_INDEX": "0", RUN_PID_ENV: str(os.getpid())}
    with OwnedTemplate(os.environ) as template:
        template.start(STEP, environment={**os.environ}, stderr=2, descriptors=[template.fileno()], needs=[]).wait()
        before = _ended_children(template.pid)
        step = template.start(
            STEP, environment={**os.environ, **own}, stderr=2, descriptors=[template.fileno()], number=signal.SIGTERM
        )
        assert step.wait(600) == 0
        used = _ended_children(template.pid) - before
    assert is_counted(line, used)


def _ended_children(pid: int) -> float:
    fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")


def test_a_run_that_fails_counts_as_well_as_the_one_that_commits(tmp_path: Path) -> None:
    line = toy.Line(tmp_path)
    stage = line.stage("upper")
    for number in range(4):
        line.put(f"v{number}")
    line.survey()
    line.open(stage)
    stopped = threading.Event()
    stopped.set()
    task = line.task(Step.SHARDS, stage, segment=1)
    with context(task, os.environ, stopped) as found, pytest.raises(Interrupted):
        run_shard(found, 0)
    (left,) = records(line, stage.name)
    assert left.ended
    line.shard(stage, 1, 0)
    line.commit(stage, 1)
    usage, ours = segment_usage(line, stage.name), shard_usage(line, stage.name)
    assert known(usage.pod_seconds) >= known((ours + left.usage).pod_seconds)
    assert usage.lost_runs == 0


@pytest.mark.store
def test_a_run_that_is_killed_counts_up_to_its_last_record(tmp_path: Path) -> None:
    line = toy.Line(tmp_path)
    stage = line.stage("upper")
    line.put("v0", "slow 60")
    line.survey()
    line.open(stage)
    process = line.popen(line.task(Step.SHARDS, stage, segment=1), 0)
    while not records(line, stage.name):
        assert process.poll() is None
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    (left,) = records(line, stage.name)
    assert not left.ended
    line.commit(stage, 1, close_lost=True)
    usage = segment_usage(line, stage.name)
    assert known(usage.cpu_seconds) > known(left.usage.cpu_seconds) > 0
    assert usage.lost_runs == 1


def test_the_record_of_a_run_that_is_killed_after_its_commit_counts_once_in_a_stage_that_decides(
    tmp_path: Path,
) -> None:
    line = toy.Line(tmp_path)
    stage = line.stage("kept", "Near", within=2)
    line.stages[0] = stage = stage.replace(type="toy_decisions:Near")
    for key, number in {"a": 1, "b": 2, "c": 30}.items():
        line.put(key, f"{number}\n")
    line.survey()
    opened = line.open(stage).segment
    line.shard(stage, opened, 0)
    paths = line.data(stage.name).paths(opened)
    commit = known(load(line.store, paths.shard(0), ShardCommit))
    run = commit.ledger.key.rpartition("/")[2].removeprefix("00000-").removesuffix(".jsonl")
    left = UsageRecord(usage=Usage(pod_seconds=1e6, cpu_seconds=1e6))  # what the run had written before its commit
    line.store.write(paths.usage(0, run), dump(left))
    assert line.commit(stage, opened).counts.filtered == 1  # its ledger is one with verdicts, of another run
    assert 0 < known(segment_usage(line, stage.name).pod_seconds) < 1e6
