"""The status of the largest pipelines, of 10,000 shards a stage, whatever happens in them: within 64 KiB.

The definition takes 32 stages; twice as many fit too, where each reads one other.
"""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reelmill.contract.counters import LONGEST, REPORTED
from reelmill.contract.ranges import format_ranges
from reelmill.contract.records.segment import Counts
from reelmill.contract.status import (
    LONG_MESSAGE,
    MESSAGE,
    RANGES,
    Condition,
    PassStatus,
    SourceStatus,
    StageStatus,
    Stall,
    Status,
    SurveyStatus,
    cut,
)
from reelmill.plan.status.serialise import size
from reelmill.plan.status.size_limit import fitted
from simulated_cluster import SimulatedCluster, pipeline
from symbolic_stages import SymbolicStore

SHARDS = 10_000
numbers = st.integers(0, 2**53)
words = st.sampled_from(["", "short", "the scheduler says no " * 60, "ü" * 2000, "\\" * 2000])
counts = st.builds(Counts, in_=numbers, done=numbers, filtered=numbers, failed=numbers, skipped=numbers)
shards = st.integers(1, 7).map(lambda step: cut(format_ranges(range(0, SHARDS, step + 1)), RANGES))
works = st.builds(
    PassStatus, segment=numbers, job=st.just("j" * 63), after=st.just("j" * 63), shards=st.just(SHARDS), done=numbers,
    active=numbers, failed=shards, classes=st.just(["decode_timeout"] * 2), eta=st.just("2026-01-01T00:00:00Z"),
    view=st.just("0" * 10), started_at=st.just("2026-01-01T00:00:00Z"),
)  # fmt: skip
stalls = st.builds(Stall, reason=st.just("R" * 40), message=words.map(lambda text: cut(text, MESSAGE)))


class Shown:
    """Without its whole text where an example is told."""

    def __init__(self, status: Status) -> None:
        self.status = status

    def __repr__(self) -> str:
        return f"{len(self.status.stages)} stages such as {self.status.stages[0]}"


@st.composite
def statuses(draw: st.DrawFn) -> Status:
    stages, upstreams = draw(st.sampled_from([(32, 6), (64, 1)]))
    work = draw(st.none() | works)
    one = StageStatus(
        name="n" * 40, key="f" * 64, type="tokenize", state="running", message=cut(draw(words), MESSAGE),
        path="p" * 51, logs="l" * 80, segments=draw(numbers), totals=draw(counts), items=draw(numbers),
        coverage={f"{'u' * 38}{number:02d}": draw(numbers) for number in range(draw(st.integers(0, upstreams)))},
        reasons={f"failed:{'c' * 50}{number}": draw(numbers) for number in range(5)}, rate=1e9 / 7,
        counters={f"{'k' * (LONGEST - 2)}{number:02d}": draw(numbers) for number in range(REPORTED)},
        pass_=work, stall=None if work else draw(st.none() | stalls),
        retry=draw(st.none() | st.just(["decode_timeout"] * 2)),
    )  # fmt: skip
    conditions = [
        Condition(
            type=f"Type{number}", status="True", reason="R" * 40, message=cut(draw(words), LONG_MESSAGE),
            last_transition_time="2026-01-01T00:00:00Z",
        )
        for number in range(9)
    ]  # fmt: skip
    return Status(
        spec="f" * 64, definition="f" * 64, place="f" * 64, store="s" * 1024, survey=SurveyStatus(job="j" * 63),
        sources=[SourceStatus(name="s" * 40, key="f" * 64, items=draw(numbers))] * 16, stages=[one] * stages,
        stall=draw(st.none() | stalls), active="a" * 256, conditions=conditions,
    )  # fmt: skip


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(statuses().map(Shown))
def test_a_status_of_any_pipeline_fits(shown: Shown) -> None:
    status = shown.status
    small = fitted(status)
    assert size(small) < 64 * 1024
    assert fitted(small) == small
    for before, after in zip(status.stages, small.stages, strict=True):
        assert after.totals == before.totals
        assert after.coverage == before.coverage
        assert (after.pass_ and after.pass_.job) == (before.pass_ and before.pass_.job)


def test_ten_thousand_shards_of_which_every_other_one_failed_are_reported_in_a_line() -> None:
    made = SimulatedCluster(
        pipeline([{"name": "clips", "clip": {"by": "length"}, "shards": SHARDS, "parallelism": SHARDS}]),
        SymbolicStore(bucket={"raw": [f"v{number}" for number in range(SHARDS)]}),
    )
    for _ in range(3):
        made.deliver_all()
        made.reconcile()
        for name in made.live():
            made.advance(name)
    (job,) = [name for name in made.live() if "-s" in name[-4:]]
    made.jobs[job]["status"] = {
        "active": 5, "completedIndexes": format_ranges(range(0, SHARDS, 2)),
        "failedIndexes": format_ranges(range(1, SHARDS, 2)),
    }  # fmt: skip
    made.deliver_all()
    made.reconcile()
    assert size(made.status) < 8 * 1024
    work = made.status.stage("clips").pass_
    assert work
    assert work.done == SHARDS // 2
    assert work.failed.startswith("1,3,5,")
