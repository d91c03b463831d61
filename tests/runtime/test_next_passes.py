"""A step that closed a segment opens the passes that it makes possible, or tells that they are small."""

import os
import threading
from pathlib import Path

import pytest
import toy_line as toy

from reelmill.contract.records.segment import Pass
from reelmill.contract.task import StageDef, Step
from reelmill.contract.task_parts.follow_up import FollowUp, NextStage, PassBound
from reelmill.contract.task_parts.next_pass import NextPass
from reelmill_stages.records.record_files import load
from reelmill_stages.runtime.context import context
from reelmill_stages.runtime.next_passes import next_passes

BOUND = PassBound(items=100, seconds=1e6, bytes=10**9)
CLIP = StageDef(
    name="clips", key="c" * 64, type="clip", data_version=1, params={"by": "length"}, definition={"stage": "clip"},
    upstreams=(),
)  # fmt: skip


@pytest.fixture
def line(tmp_path: Path) -> toy.Line:
    """A source of four items, and a stage of reelmill's own that reads it, which needs no code of a user's."""
    line = toy.Line(tmp_path)
    for number in range(4):
        line.put(f"v{number}")
    line.stages.append(CLIP.replace(upstreams=tuple(line.stage("unused").upstreams)))
    del line.stages[0]
    line.survey()
    return line


def told(line: toy.Line, *, bound: PassBound | None = None, waves: int = 1, **wanted: object) -> tuple[NextPass, ...]:
    entry = NextStage.model_validate({"name": "clips", "opens": True, **wanted})
    with context(line.task(Step.SURVEY), os.environ, threading.Event()) as found:
        return next_passes(found, FollowUp(bound=bound, next=(entry,), waves=waves))


def opened(line: toy.Line) -> Pass | None:
    return load(line.store, line.data("clips").paths(1).pass_json, Pass)


def test_a_pass_that_is_not_small_is_opened_as_by_its_own_step(line: toy.Line) -> None:
    (found,) = told(line, shard_count=2)
    assert (found.stage, found.key, found.segment, found.in_, found.shards) == ("clips", CLIP.key[:10], 1, 4, 2)
    record = opened(line)
    assert record is not None
    assert (record.kind, record.covers, [shard.count for shard in record.shards]) == ("cover", {"raw": (1, 1)}, [2, 2])
    assert line.open(line.stages[0]).shards == 2  # which its own open step adopts


def test_a_small_pass_is_only_measured(line: toy.Line) -> None:
    assert told(line, bound=BOUND) == (
        NextPass(stage="clips", key=CLIP.key[:10], segment=1, in_=4, small=True),
    )  # fmt: skip
    assert opened(line) is None


@pytest.mark.parametrize(
    ("bound", "shard_count"),
    [(BOUND.replace(items=3), 0), (BOUND.replace(seconds=3.9), 0), (BOUND, 2), (None, 1)],
    ids=["items", "weight", "shards", "never"],
)
def test_a_pass_above_the_bound_is_opened(line: toy.Line, bound: PassBound | None, shard_count: int) -> None:
    (found,) = told(line, bound=bound, shard_count=shard_count)
    assert not found.small
    assert found.shards == max(shard_count, 1)


def test_what_may_not_be_opened_here_is_left_to_its_own_step(line: toy.Line) -> None:
    assert told(line, opens=False) == ()
    assert opened(line) is None


def test_what_is_open_already_or_covered_is_passed_over(line: toy.Line) -> None:
    assert told(line)
    assert told(line) == ()


def test_user_code_is_not_imported_by_steps_of_other_stages(line: toy.Line) -> None:
    line.stages[0] = CLIP.replace(type="toy_stages:Upper", upstreams=line.stages[0].upstreams)
    assert told(line) == ()
    (found,) = told(line, bound=BOUND)
    assert found.small


def test_a_stage_that_cannot_run_says_so_in_its_own_open_step(line: toy.Line) -> None:
    line.stages[0] = line.stages[0].replace(params={"by": "nonsense"})
    assert told(line) == ()
    assert told(line, bound=BOUND) == ()


def test_over_the_tolerance_of_an_upstream_nothing_is_opened(tmp_path: Path) -> None:
    line = toy.Line(tmp_path)
    line.put("good")
    line.put("bad", "fail broken")
    line.stage("upper")
    line.survey()
    line.run_pass(line.stages[0])
    line.stages.append(CLIP.replace(upstreams=tuple(line.stage("unused").upstreams)))
    line.stages.pop(1)
    assert told(line, gates={"upper": "0"}) == ()
    assert told(line, gates={"upper": "1"})


def test_a_source_of_waves_is_covered_in_parts(tmp_path: Path) -> None:
    line = toy.Line(tmp_path, waves=4)
    for number in range(400):
        line.list_row({"key": f"v{number}", "file": str(tmp_path / "none")})
        if number == 0:
            line.put("v0")
    line.rows = [{**row, "file": line.rows[0]["file"]} for row in line.rows]
    line.stages.append(CLIP.replace(upstreams=tuple(line.stage("unused").upstreams)))
    del line.stages[0]
    assert line.survey().sources["raw"].segments == 4
    assert told(line, waves=4)
    record = opened(line)
    assert record is not None
    assert record.covers == {"raw": (1, 1)}
