"""The pod of the last shard closes the pass, by the same records as a commit step; whoever comes later goes on."""

import json
import os
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
import toy_line as toy
from dying_store import DyingStore, Killed

from reelmill.contract.records.segment import Segment
from reelmill.contract.task import CommitReport, Step
from reelmill.contract.task_parts.follow_up import ENV as NEXT_ENV
from reelmill.contract.task_parts.follow_up import FollowUp
from reelmill_stages.records.record_files import load
from reelmill_stages.runtime.commit.last_shard import closed_by_last_shard
from reelmill_stages.runtime.context import StepContext, context
from reelmill_stages.runtime.shards.step import run_shard
from reelmill_stages.store import Stat, Store

CLOSES = FollowUp(closes=True)


def opened_line(root: Path, *, type_: str = "Upper", videos: int = 5) -> toy.Line:
    """A pass of two shards that is open."""
    root.mkdir(exist_ok=True)
    line = toy.Line(root, shard_count=2)
    line.stage("made", type_, per_file=2)
    for number in range(videos):
        line.put(f"v{number}")
    line.put("bad", "fail broken")
    line.survey()
    line.open(line.stages[0])
    return line


def shard(
    line: toy.Line, index: int, wrap: Callable[[Store], Store] = lambda store: store, **more: Any
) -> CommitReport | None:
    """What the pod of a shard does."""
    task = line.task(Step.SHARDS, line.stages[0], segment=1, **more)
    with context(task, os.environ, threading.Event()) as found:
        wrapped: StepContext = replace(found, store=wrap(found.store))
        run_shard(wrapped, index)
        return closed_by_last_shard(wrapped, lambda step: None)


def records(line: toy.Line) -> dict[str, Any]:
    data = line.data("made")
    closed = load(line.store, data.paths(1).segment_json, Segment)
    assert closed is not None
    return {
        "counts": (closed.counts, closed.totals, closed.reasons, closed.next_ordinal, closed.coverage),
        "outcomes": toy.outcomes(data),
        "contents": toy.contents(data),
        "files": sorted((file.size, file.digest) for file in data.files()),
    }


@pytest.mark.store
@pytest.mark.parametrize("type_", ["Upper", "Join"])
@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_last_of_the_shards_leaves_what_a_commit_step_leaves(
    tmp_path: Path, type_: str, order: tuple[int, int]
) -> None:
    line, other = opened_line(tmp_path / "one", type_=type_), opened_line(tmp_path / "other", type_=type_)
    assert shard(line, order[0]) is None
    told = shard(line, order[1])
    for index in (0, 1):
        other.shard(other.stages[0], 1, index)
    wanted = other.commit(other.stages[0], 1)
    assert told is not None
    same = {"segment", "state", "counts", "totals", "coverage", "items", "reasons", "bytes", "view"}
    assert told.model_dump(include=same) == wanted.model_dump(include=same)
    assert records(line) == records(other)
    toy.law(line.data("made"))


def test_a_pod_that_finds_the_pass_closed_reports_it(tmp_path: Path) -> None:
    line = opened_line(tmp_path)
    for index in (0, 1):
        shard(line, index)
    before = line.store.read(line.data("made").paths(1).segment_json)
    again = shard(line, 0)
    assert again is not None
    assert again.totals.done == 5
    assert line.store.read(line.data("made").paths(1).segment_json) == before


def test_two_pods_that_both_find_all_shards_committed_close_the_pass_once(tmp_path: Path) -> None:
    line = opened_line(tmp_path)
    for index in (0, 1):
        line.shard(line.stages[0], 1, index)
    gate, told = threading.Barrier(2), []

    def pod(index: int) -> None:
        task = line.task(Step.SHARDS, line.stages[0], segment=1)
        with context(task, os.environ, threading.Event()) as found:
            gate.wait(60)
            told.append(closed_by_last_shard(found, lambda step: None))

    pods = [threading.Thread(target=pod, args=(index,)) for index in (0, 1)]
    for each in pods:
        each.start()
    for each in pods:
        each.join()
    assert [one.totals.done for one in told if one] == [5, 5]
    assert line.commit(line.stages[0], 1).totals.done == 5
    toy.law(line.data("made"))


class Refusing:
    """A store that refuses to write a segment."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def write(self, key: str, data: bytes | Path, **more: Any) -> Stat:
        if key.endswith("segment.json"):
            raise OSError("refused")
        return self._store.write(key, data, **more)


@pytest.mark.store
def test_an_error_leaves_the_pass_to_a_commit_step(tmp_path: Path) -> None:
    line = opened_line(tmp_path)
    shard(line, 0)
    assert shard(line, 1, lambda store: cast(Store, Refusing(store))) is None
    assert load(line.store, line.data("made").paths(1).segment_json, Segment) is None
    assert line.commit(line.stages[0], 1).totals.done == 5


def test_a_stage_that_decides_over_the_whole_data_set_has_a_commit_step(tmp_path: Path) -> None:
    line = toy.Line(tmp_path, shard_count=2)
    near = line.stage("made", "Near", within=2)
    line.stages[0] = near.replace(type="toy_decisions:Near")
    for number in range(4):
        line.put(f"v{number}", f"{10 * number}\n")
    line.survey()
    line.open(line.stages[0])
    assert shard(line, 0) is None
    assert shard(line, 1) is None
    assert line.commit(line.stages[0], 1).totals.done == 4


def test_a_pod_that_was_asked_to_stop_has_committed_its_shard_and_leaves_the_rest(tmp_path: Path) -> None:
    line = opened_line(tmp_path)
    for index in (0, 1):
        line.shard(line.stages[0], 1, index)
    stop = threading.Event()
    stop.set()
    with context(line.task(Step.SHARDS, line.stages[0], segment=1), os.environ, stop) as found:
        assert closed_by_last_shard(found, lambda step: None) is None
    assert line.commit(line.stages[0], 1).totals.done == 5


@pytest.mark.store  # needs no server, but the seconds that this tier may take
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # files of the process that is gone
@pytest.mark.parametrize("finish", ["its shard again", "a commit step"])
def test_a_pod_lost_before_any_write_is_done_again(tmp_path: Path, finish: str) -> None:
    def dying(line: toy.Line, at: int) -> int:
        store: DyingStore | None = None

        def wrap(whole: Store) -> Store:
            nonlocal store
            store = DyingStore(whole, at)
            return cast(Store, store)

        try:
            shard(line, 1, wrap)
        except Killed:
            pass
        assert store is not None
        return store.writes

    def lined(name: str) -> toy.Line:
        line = opened_line(tmp_path / name, videos=2)
        shard(line, 0)
        return line

    quiet = lined("quiet")
    writes = dying(quiet, 0)
    assert writes > 4
    for at in range(1, writes + 1):
        line = lined(f"lost-{at}")
        dying(line, at)
        if finish == "its shard again":
            assert shard(line, 1) is not None
        else:
            line.shard(line.stages[0], 1, 1)
            line.commit(line.stages[0], 1)
        assert records(line) == records(quiet), at
        toy.law(line.data("made"))


@pytest.mark.store
@pytest.mark.parametrize("closes", [True, False])
def test_as_a_process_it_reports_as_a_commit_step_or_not_at_all(tmp_path: Path, *, closes: bool) -> None:
    line = opened_line(tmp_path)
    line.shard(line.stages[0], 1, 0)
    task = line.task(Step.SHARDS, line.stages[0], segment=1)
    environment = {NEXT_ENV: CLOSES.model_dump_json(exclude_defaults=True)} if closes else {}
    process = line.popen(task, 1, **environment)
    process.communicate()
    assert process.returncode == 0
    report = line.root / f"report-{task.run}.json"
    if closes:
        told = json.loads(report.read_text())
        assert (told["step"], told["totals"]) == ("commit", {"in": 6, "done": 5, "failed": 1})
    else:
        assert not report.exists()
        assert load(line.store, line.data("made").paths(1).segment_json, Segment) is None
