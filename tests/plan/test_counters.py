"""Counters in the status: taken from reports, kept where a report has none, and told by the event of a pass."""

import pytest

from reelmill.contract.records.segment import Counts
from reelmill.contract.status import PassStatus, StageStatus, Status
from reelmill.contract.task import CommitReport, StageReport
from reelmill.plan.status.events import events
from reelmill.plan.transitions import segment_committed, surveyed

WORK = PassStatus(segment=2, step="commit")
CLIPS = StageStatus(
    name="clips", key="a" * 64, segments=1, surveyed=True, totals=Counts(in_=2, done=2), counters={"reencoded": 1}
)
TOTALS = Counts(in_=5, done=5)


def test_a_commit_replaces_the_counters_by_those_of_all_segments() -> None:
    report = CommitReport(segment=2, totals=TOTALS, counters={"reencoded": 4, "overhang": 1})
    made = segment_committed(CLIPS.replace(pass_=WORK), WORK, report, seconds=1.0)
    assert made.counters == {"reencoded": 4, "overhang": 1}


def test_an_abandoned_pass_changes_no_counter() -> None:
    report = CommitReport(segment=2, state="abandoned", counters={})
    assert segment_committed(CLIPS.replace(pass_=WORK), WORK, report, seconds=1.0).counters == {"reencoded": 1}


@pytest.mark.parametrize(
    ("segments", "told", "expected"),
    [(1, {}, {"reencoded": 1}), (2, {}, {}), (2, {"padded": 3}, {"padded": 3}), (1, {"padded": 3}, {"padded": 3})],
)
def test_a_survey_that_reports_no_counters_keeps_those_of_the_same_segment(
    segments: int, told: dict[str, int], expected: dict[str, int]
) -> None:
    assert surveyed(CLIPS, StageReport(segments=segments, totals=TOTALS, counters=told)).counters == expected


def test_the_event_of_a_closed_pass_tells_what_was_counted() -> None:
    before = Status(stages=[CLIPS.replace(pass_=WORK)])
    report = CommitReport(segment=2, totals=TOTALS, counters={"reencoded": 4})
    after = Status(stages=[segment_committed(before.stages[0], WORK, report, seconds=1.0)])
    (event,) = events(before, after)
    assert event.text.endswith("+ skipped 0; counted: reencoded 4")
