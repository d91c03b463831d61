"""The status: bounded at any scale, conditions by kstatus' rules, times that stand still."""

from datetime import timedelta
from typing import Any

import pytest

from reelmill.contract.records.segment import Counts
from reelmill.contract.status import (
    LONG_MESSAGE,
    MESSAGE,
    Condition,
    Handled,
    PassStatus,
    SourceStatus,
    StageStatus,
    Stall,
    Status,
    SurveyStatus,
)
from reelmill.plan import Snapshot, reconcile
from reelmill.plan.requests import Request, annotation, pending
from reelmill.plan.status.size_limit import fitted
from simulated_cluster import SimulatedCluster, pipeline
from symbolic_stages import SymbolicStore

CLIPS: dict[str, Any] = {"name": "clips", "clip": {"by": "length"}, "failures": {"tolerate": "1%"}}


def kstatus(status: Status, generation: int) -> str:
    """What Flux, Argo CD and helm --wait make of it."""
    if status.observed_generation != generation:
        return "InProgress"
    if status.holds("Reconciling"):
        return "InProgress"
    if status.holds("Stalled"):
        return "Failed"
    return "Current" if status.holds("Ready") else "InProgress"


def cluster(*stages: dict[str, Any], **spec: Any) -> SimulatedCluster:
    return SimulatedCluster(pipeline(list(stages) or [CLIPS], **spec), SymbolicStore(bucket={"raw": ["v0", "v1"]}))


def test_kstatus_sees_progress_then_current() -> None:
    made = cluster()
    seen = []
    while not made.status.holds("Complete"):
        made.deliver_all()
        made.reconcile()
        seen.append(kstatus(made.status, 1))
        for name in made.live():
            made.advance(name)
    assert set(seen[:-1]) == {"InProgress"}
    assert seen[-1] == "Current"


def test_kstatus_sees_a_stall_as_failed_and_an_edit_as_progress() -> None:
    made = cluster()
    made.store.failing["clips", "raw/v0"] = ["decode"]
    made.settle()
    assert kstatus(made.status, 1) == "Failed"
    assert kstatus(made.status, 2) == "InProgress"


def test_a_paused_pipeline_is_suspended_and_not_reconciling() -> None:
    made = cluster(suspend=True)
    made.settle()
    assert made.created == []
    assert made.status.holds("Suspended")
    assert kstatus(made.status, 1) == "InProgress"


def test_transition_times_change_only_with_the_status() -> None:
    made = cluster()
    made.settle()
    before = made.status
    made.now += timedelta(hours=1)
    made.settle()
    assert made.status == before
    made.annotations = {"reelmill.dev/refresh": "t"}
    made.reconcile()
    complete, accepted = made.status.condition("Complete"), made.status.condition("Accepted")
    assert complete
    assert accepted
    assert complete.last_transition_time.startswith("2026-01-01T01:")
    assert accepted == before.condition("Accepted")


def test_a_spec_that_cannot_be_accepted_says_so_and_leaves_jobs_alone() -> None:
    made = cluster()
    made.reconcile()
    made.edit_stage("clips", **{"from": ["nope"]})
    plan = made.reconcile()
    assert plan.actions == ()
    accepted = made.status.condition("Accepted")
    assert accepted
    assert (accepted.status, accepted.reason) == ("False", "SpecInvalid")
    assert "spec.stages[0].from[0]" in accepted.message
    assert "did you mean 'raw'?" in accepted.message
    assert kstatus(made.status, 1) == "Failed"
    made.edit_stage("clips", **{"from": ["raw"]})
    made.settle()
    assert made.status.holds("Complete")


def test_the_schedulers_words_reach_the_status() -> None:
    made = cluster()
    made.reconcile()
    made.deliver_all()
    words = "0/3 nodes are available: 3 Insufficient nvidia.com/gpu"
    snapshot = Snapshot(
        pipeline=made.pipeline, uid="uid-1", status=made.status, jobs=list(made.visible.values()),
        waiting={made.created[0]: words},
    )  # fmt: skip
    reconciling = reconcile(snapshot, made.now).status.condition("Reconciling")
    assert reconciling
    assert words in reconciling.message


def test_events_tell_what_happened_once() -> None:
    made = cluster({"name": "clips", "clip": {"by": "length"}})
    made.settle()
    events = [(event.type, event.reason) for plan in made.plans for event in plan.events]
    assert events == [("Normal", "PassClosed"), ("Normal", "Complete")]
    made.settle()
    assert [event for plan in made.plans for event in plan.events][2:] == []


def test_the_status_stays_under_64_kib_at_its_worst() -> None:
    number = 2**31
    long = "ü" * MESSAGE
    stall = Stall(reason="ToleranceExceeded" * 2, message=long, hint=long, exit=64, spec="f" * 64)
    upstreams = {f"{'u' * 38}{n:02d}": number for n in range(4)}
    work = PassStatus(
        segment=number, job="j" * 63, after="j" * 63, run=number, classes=["decode_timeout"] * 8,
        shards=10**5, done=10**5, failed="1," * 127, items=number, view="0" * 10, started_at="2026-01-01T00:00:00Z",
    )  # fmt: skip
    counts = Counts(in_=number, done=number, filtered=number, failed=number, skipped=number)
    stage = StageStatus(
        name="s" * 40, key="f" * 64, type="tokenize", state="committing", message="m" * MESSAGE, path="s" * 51,
        segments=number, coverage=upstreams, totals=counts, items=number, pass_=work, rate=1234.567, bytes=2**50,
        reasons={f"failed:decode_timeout_{n}": number for n in range(5)}, retry=["decode_timeout"] * 4,
    )  # fmt: skip
    condition = Condition(
        type="Reconciling", status="True", reason="r" * 20, message="m" * LONG_MESSAGE,
        last_transition_time="2026-01-01T00:00:00Z",
    )  # fmt: skip
    status = Status(
        spec="f" * 64, definition="f" * 64, place="f" * 64, store="s" * 1024,
        handled=Handled(refresh="t" * 128, retry="t" * 128, abandon="t" * 128), survey=SurveyStatus(job="j" * 63),
        sources=[SourceStatus(name="s" * 40, key="f" * 64, items=number)] * 16, stages=[stage] * 32, stall=stall,
        active="a" * 256, conditions=[condition] * 9,
    )  # fmt: skip
    assert len(status.model_dump_json(exclude_defaults=True).encode()) > 64 * 1024
    small = fitted(status)
    assert len(small.model_dump_json(exclude_defaults=True).encode()) < 64 * 1024
    assert small.stages[0].pass_
    assert small.stages[0].pass_.job == work.job
    assert fitted(small) == small


def test_a_status_that_fits_is_left_as_it_is() -> None:
    made = cluster()
    made.settle()
    assert fitted(made.status) == made.status


def test_ranges_and_messages_are_cut() -> None:
    made = SimulatedCluster(
        pipeline([{**CLIPS, "shards": 200, "parallelism": 200, "failures": {"retriesPerShard": 0}}]),
        SymbolicStore(bucket={"raw": [f"v{n}" for n in range(200)]}),
    )
    made.store.exits["clips", "shards"] = [70, 0] * 90
    for _ in range(183):
        made.deliver_all()
        made.reconcile()
        for name in made.live():
            made.advance(name)
    work = made.status.stage("clips").pass_
    assert work
    assert len(work.failed) == 256
    assert work.failed.endswith("…")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("t1", Request("t1")),
        ("t1;stages=a,b;classes=x", Request("t1", ("a", "b"), ("x",))),
        (" t1 ; stages = a ; nonsense ; stages= b, ", Request("t1", ("b",))),
        ("", None),
        (";stages=a", None),
        ("old;stages=a", None),
    ],
)
def test_requests(text: str, expected: Request | None) -> None:
    assert pending({"reelmill.dev/retry": text}, Handled(retry="old")).retry == expected
    if expected:
        again = pending({"reelmill.dev/retry": text}, Handled(retry=expected.token))
        assert not again.any


def test_the_text_of_a_request_reads_back() -> None:
    text = annotation("t", stages=("a", "b"), classes=("x",))
    assert pending({"reelmill.dev/abandon": text}, Handled()).abandon == Request("t", ("a", "b"), ("x",))
