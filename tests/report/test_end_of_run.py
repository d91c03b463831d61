"""Which commit steps look whether they ended the run."""

import pytest

from reelmill.contract.records.run import RunRecord
from reelmill.contract.records.segment import Counts
from reelmill.contract.task import CommitReport, Owner, StageDef, Step, StoreRef, Task, Upstream
from reelmill.contract.task_parts.run_report import RunDefinition
from reelmill_stages.runtime.run_report import _has_next_stage


def stage(name: str, *reads: str) -> StageDef:
    upstreams = tuple(Upstream(name=each, key="ab" * 32) for each in reads)
    key = "ab" * 32
    return StageDef(name=name, key=key, type="clip", data_version=1, params={}, definition={}, upstreams=upstreams)


@pytest.mark.parametrize(
    ("readers", "failed", "goes_on"),
    [
        ([], 0, False),
        ([stage("keep", "clips")], 0, True),
        ([stage("keep", "clips")], 9, False),
        # The other input may have failed too much, so that the reader covers nothing and this step is the last.
        ([stage("both", "clips", "others")], 0, False),
        ([stage("both", "clips", "others"), stage("keep", "clips")], 0, True),
    ],
)
def test_a_step_looks_whether_it_ended_the_run_unless_a_stage_is_sure_to_follow(
    readers: list[StageDef], failed: int, goes_on: bool
) -> None:
    clips = stage("clips", "films")
    stages = (clips, stage("others", "films"), *readers)
    owner = Owner(namespace="a", name="b", uid="c")
    task = Task(step=Step.SURVEY, owner=owner, run=0, store=StoreRef(uri="x"), stages=stages)
    record = RunRecord(task=task, definition=RunDefinition(name="b", tolerances={"clips": "0", "others": "0"}))
    counts = Counts.model_validate({"in": 9, "done": 9 - failed, "failed": failed})
    assert _has_next_stage(record, clips, CommitReport(segment=1, totals=counts)) is goes_on
