"""One pod does all of a small pass, by the same records as three; whoever comes later goes on either way."""

import json
import os
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
import toy_line as toy
from dying_store import DyingStore, Killed

from reelmill.contract.records.segment import Pass, Segment
from reelmill.contract.task import CommitReport, OpenReport
from reelmill.contract.task_parts.follow_up import ENV as NEXT_ENV
from reelmill.contract.task_parts.follow_up import PassBound
from reelmill.contract.task_parts.shard_limits import ShardLimits
from reelmill_stages.records.record_files import load
from reelmill_stages.runtime.context import context
from reelmill_stages.runtime.whole_pass import whole_pass
from reelmill_stages.store import Store

BOUND = PassBound(items=100, seconds=1e6, bytes=10**9)


def small_line(root: Path, *, type_: str = "Upper", videos: int = 3) -> toy.Line:
    root.mkdir(exist_ok=True)
    line = toy.Line(root, bound=BOUND)
    line.stage("made", type_, per_file=2)
    for number in range(videos):
        line.put(f"v{number}")
    line.put("bad", "fail broken")
    line.survey()
    return line


def records(line: toy.Line) -> dict[str, Any]:
    """What a pass left for readers, without what differs from run to run."""
    data = line.data("made")
    paths = data.paths(1)
    opened, closed = load(line.store, paths.pass_json, Pass), load(line.store, paths.segment_json, Segment)
    assert opened is not None
    assert closed is not None
    return {
        "keys": sorted(stat.key for stat in line.store.list(paths.shards)),
        "pass": [(shard.count, shard.weight) for shard in opened.shards],
        "covers": (opened.covers, closed.covers, closed.coverage),
        "counts": (closed.counts, closed.totals, closed.reasons, closed.next_ordinal),
        "outcomes": toy.outcomes(data),
        "contents": toy.contents(data),
        "files": sorted((file.size, file.digest) for file in data.files()),
    }


@pytest.mark.parametrize("type_", ["Upper", "Join"])
def test_one_step_leaves_what_three_steps_leave(tmp_path: Path, type_: str) -> None:
    one, three = small_line(tmp_path / "one", type_=type_), small_line(tmp_path / "three", type_=type_)
    told = one.whole(one.stages[0])
    three.bound = None
    wanted = three.run_pass(three.stages[0])
    assert isinstance(told, CommitReport)
    same = {"segment", "state", "counts", "totals", "coverage", "items", "reasons", "bytes", "view"}
    assert told.model_dump(include=same) == wanted.model_dump(include=same)
    assert records(one) == records(three)
    toy.law(one.data("made"))


@pytest.mark.parametrize(
    ("shard_count", "bound"),
    [(2, BOUND), (1, BOUND.replace(items=3)), (1, BOUND.replace(seconds=3.5)), (1, None)],
    ids=["two-shards", "items", "weight", "never"],
)
def test_a_pass_above_the_bound_is_opened_and_left_to_pods_of_its_own(
    tmp_path: Path, shard_count: int, bound: PassBound | None
) -> None:
    line = small_line(tmp_path)
    line.shard_count, line.bound = shard_count, bound
    told = line.whole(line.stages[0])
    assert isinstance(told, OpenReport)
    assert (told.small, told.in_, told.shards, told.kind) == (False, 4, shard_count, "cover")
    assert not list(line.store.list(line.data("made").paths(1).shards))
    line.bound = None
    line.run_pass(line.stages[0])
    toy.law(line.data("made"))


def test_a_pass_that_was_opened_by_a_step_of_its_own_is_finished_as_a_whole(tmp_path: Path) -> None:
    line = small_line(tmp_path)
    line.open(line.stages[0])
    assert isinstance(line.whole(line.stages[0]), CommitReport)
    assert line.data("made").totals.done == 3


def test_a_pass_that_is_closed_already_is_reported_as_if_this_step_had_closed_it(tmp_path: Path) -> None:
    line = small_line(tmp_path)
    task = line.open_task(line.stages[0])
    for _ in range(2):
        with context(task, os.environ, threading.Event()) as found:
            told = whole_pass(found, line.follow_up(whole=True), lambda step: None)
        assert isinstance(told, CommitReport)
        assert told.totals.done == 3


def test_a_retry_does_not_take_a_pass_for_its_own_that_covers_new_input(tmp_path: Path) -> None:
    line = small_line(tmp_path)
    line.open(line.stages[0])
    told = line.whole(line.stages[0], kind="retry", cover={})
    assert isinstance(told, OpenReport)
    assert (told.kind, told.small) == ("cover", False)


def dying(line: toy.Line, at: int) -> int:
    """Do the whole pass in a process that is gone before a write; how many writes it came to."""
    with context(line.open_task(line.stages[0]), os.environ, threading.Event()) as found:
        store = DyingStore(found.store, at)
        try:
            whole_pass(replace(found, store=cast(Store, store)), line.follow_up(whole=True), lambda step: None)
        except Killed:
            pass
    return store.writes


@pytest.mark.store  # needs no server, but the seconds that this tier may take
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # files of the process that is gone
@pytest.mark.parametrize("finish", ["whole", "three steps"])
def test_a_pod_lost_before_any_write_is_done_again_as_a_whole_or_in_three_steps(tmp_path: Path, finish: str) -> None:
    quiet = small_line(tmp_path / "quiet", videos=1)
    writes = dying(quiet, 0)
    assert writes > 8
    for at in range(1, writes + 1):
        line = small_line(tmp_path / f"lost-{at}", videos=1)
        dying(line, at)
        line.bound = BOUND if finish == "whole" else None
        closed = load(line.store, line.data("made").paths(1).segment_json, Segment)
        if closed is None:
            line.run_pass(line.stages[0])
        else:
            line.commit(line.stages[0], 1)
        assert records(line) == records(quiet), at
        toy.law(line.data("made"))


def do(line: toy.Line, stage: int = 0, **more: Any) -> tuple[int, dict[str, Any], str]:
    """Exit code, report and log of a whole pass as a process."""
    task = line.open_task(line.stages[stage], **more)
    environment = {NEXT_ENV: line.follow_up(whole=True).model_dump_json(exclude_defaults=True)}
    process = line.popen(task, 0, **environment)
    _, log = process.communicate()
    return process.returncode, json.loads((line.root / f"report-{task.run}.json").read_text()), log.decode()


@pytest.mark.store
def test_as_a_process_it_reports_as_a_commit_step(tmp_path: Path) -> None:
    line = small_line(tmp_path)
    code, report, _ = do(line)
    assert (code, report["step"], report["totals"]) == (0, "commit", {"in": 4, "done": 3, "failed": 1})


@pytest.mark.store
def test_a_failure_names_the_step_that_failed(tmp_path: Path) -> None:
    line = small_line(tmp_path)
    code, failure, _ = do(line, cover={"raw": 9})
    assert (code, failure["step"], failure["error"]) == (76, "open", "StalePlan")
    (tmp_path / "other").mkdir()
    other = toy.Line(tmp_path / "other", bound=BOUND, limits=ShardLimits(workers=1, early_abort=1))
    other.stage("made")
    other.put("bad", "fail broken")
    other.survey()
    code, failure, _ = do(other)
    assert (code, failure["step"], failure["error"]) == (65, "shards", "EarlyAbort")


@pytest.mark.store
def test_a_follow_up_of_a_newer_operator_is_left_out_and_the_task_is_done(tmp_path: Path) -> None:
    line = small_line(tmp_path)
    process = line.popen(line.open_task(line.stages[0]), 0, **{NEXT_ENV: '{"whole": true, "novelty": 1}'})
    _, log = process.communicate()
    assert process.returncode == 0
    assert json.loads((line.root / f"report-{line.run}.json").read_text()) == {
        "step": "open", "segment": 1, "shards": 1, "in": 4, "weight": 4.0,
    }  # fmt: skip
    assert b"another version" in log


@pytest.mark.store  # needs no server, but the seconds that this tier may take
def test_sigterm_ends_its_shard_with_a_checkpoint_and_the_next_run_goes_on(tmp_path: Path) -> None:
    line = toy.Line(tmp_path, bound=BOUND, limits=ShardLimits(workers=1, checkpoint_seconds=3600))
    upper = line.stage("made", trace=str(tmp_path / "trace"))
    for number in range(4):
        line.put(f"v{number}")
    line.put("v5", "hang")
    line.survey()
    task = line.open_task(upper)
    pod = line.popen(task, 0, **{NEXT_ENV: line.follow_up(whole=True).model_dump_json()})
    trace = tmp_path / "trace"
    while not trace.exists() or len(trace.read_text().split()) < 5:
        time.sleep(0.05)
    pod.send_signal(signal.SIGTERM)
    pod.communicate(timeout=300)
    told = json.loads((tmp_path / f"report-{task.run}.json").read_text())
    assert (pod.returncode, told["error"], told["step"]) == (75, "Interrupted", "shards")
    paths = line.data("made").paths(1)
    (checkpoint,) = (stat.key for stat in line.store.list(paths.checkpoints(0)))
    assert line.store.read(checkpoint).count(b"\n") == 4
    line.put("v5")
    assert isinstance(line.whole(upper), CommitReport)
    done = {f"v{number}": ("done", "") for number in range(4)}
    assert toy.outcomes(line.data("made")) == {**done, "v5": ("failed", "changed")}
