"""What the planner does about shards, steps and items that fail."""

from typing import Any

import pytest

from reelmill.contract.errors import ExitCode
from reelmill.contract.records.segment import Counts
from reelmill.contract.spec.failures import Failures, RetryItems
from reelmill.contract.task_parts.tolerance import over_tolerance
from reelmill.plan.passes.retry import (
    Attempt,
    NextAttempt,
    after_control_step,
    after_shards,
    automatic_retry_classes,
    failing,
)
from simulated_cluster import SimulatedCluster, pipeline
from symbolic_stages import SymbolicStore


def cluster(*, videos: int = 6, failures: dict[str, Any] | None = None, **clips: Any) -> SimulatedCluster:
    stages: list[dict[str, Any]] = [
        {"name": "clips", "clip": {"by": "length"}, "failures": failures or {}, **clips},
        {"name": "samples", "frames": {}},
    ]
    return SimulatedCluster(pipeline(stages), SymbolicStore(bucket={"raw": [f"v{n}" for n in range(videos)]}))


def of(made: SimulatedCluster, letter: str) -> list[str]:
    return [name for name in made.created if name.rsplit("-", 1)[1][0] == letter and "-clips-" in name]


@pytest.mark.parametrize(
    ("attempt", "expected"),
    [
        (Attempt(number=1, uncommitted=0, done=5, succeeded=True), NextAttempt.COMMIT),
        (Attempt(number=1, uncommitted=2, done=3, succeeded=False), NextAttempt.ATTEMPT),
        (Attempt(number=3, uncommitted=2, done=3, succeeded=False), NextAttempt.GIVE_UP),
        (Attempt(number=1, uncommitted=2, done=3, succeeded=False, exit=ExitCode.CONFIG), NextAttempt.STALL),
        (Attempt(number=1, uncommitted=2, done=3, succeeded=False, exit=ExitCode.STALE_PLAN), NextAttempt.SURVEY),
        (Attempt(number=1, uncommitted=5, done=0, succeeded=False, exit=ExitCode.EARLY_ABORT), NextAttempt.STALL),
        (Attempt(number=1, uncommitted=2, done=3, succeeded=False, exit=ExitCode.EARLY_ABORT), NextAttempt.ATTEMPT),
        (Attempt(number=3, uncommitted=2, done=3, succeeded=False, exit=ExitCode.EARLY_ABORT), NextAttempt.GIVE_UP),
        (Attempt(number=1, uncommitted=0, done=5, succeeded=False, exit=ExitCode.CONFIG), NextAttempt.COMMIT),
    ],
)
def test_what_follows_an_attempt(attempt: Attempt, expected: NextAttempt) -> None:
    assert after_shards(attempt, Failures()) is expected


@pytest.mark.parametrize(
    ("code", "tries", "expected"),
    [
        (ExitCode.CONFIG, 1, NextAttempt.STALL),
        (ExitCode.TRANSIENT, 1, NextAttempt.REOPEN),
        (ExitCode.BUG, 2, NextAttempt.REOPEN),
        (ExitCode.BUG, 3, NextAttempt.STALL),
        (ExitCode.STALE_PLAN, 1, NextAttempt.SURVEY),
        (ExitCode.STALE_PLAN, 3, NextAttempt.STALL),
    ],
)
def test_what_follows_a_failed_open_or_commit(code: ExitCode, tries: int, expected: NextAttempt) -> None:
    assert after_control_step(code, tries, 3) is expected


@pytest.mark.parametrize(
    ("reasons", "failed", "classes", "expected"),
    [
        ({}, 0, [], False),
        ({}, 2, [], True),
        ({"failed:decode": 2}, 2, ["decode"], True),
        ({"failed:decode": 2}, 2, ["s3_5xx"], False),
        ({"failed:decode": 2}, 3, ["s3_5xx"], True),
        ({"filtered:decode": 2}, 0, ["decode"], False),
    ],
)
def test_whether_a_class_may_have_failed(
    reasons: dict[str, int], failed: int, classes: list[str], expected: bool
) -> None:
    assert failing(reasons, failed, classes) is expected


@pytest.mark.parametrize(
    ("retries", "reasons", "expected"),
    [
        (0, {"failed:decode": 1}, ["decode"]),
        (1, {"failed:decode": 1}, []),
        (0, {"failed:other": 1}, []),
        (None, {"failed:decode": 1}, []),
    ],
)
def test_retry_passes_that_start_by_themselves(
    retries: int | None, reasons: dict[str, int], expected: list[str]
) -> None:
    assert automatic_retry_classes(RetryItems(classes=["decode"]), retries, reasons, 1) == expected
    assert automatic_retry_classes(None, retries, reasons, 1) == []


@pytest.mark.parametrize(
    ("tolerate", "failed", "total", "closed"),
    [
        ("1%", 1, 100, False),
        ("1%", 2, 100, True),
        ("1%", 1, 99, True),
        ("2", 2, 2, False),
        ("0", 1, 9, True),
        ("10", 10, 10, False),
        ("100%", 3, 3, False),
        (None, 1, 1, True),
        (None, 10, 10, True),
        (None, 10, 11, False),
        (None, 0, 0, False),
        (None, 10, 999, False),
        (None, 11, 1000, True),
        (None, 20, 2000, False),
    ],
)
def test_the_tolerance_gate(tolerate: str | None, failed: int, total: int, closed: bool) -> None:
    assert over_tolerance(tolerate, Counts(in_=total, done=total - failed, failed=failed)) is closed


@pytest.mark.parametrize(
    ("counts", "closed"),
    [
        (Counts(in_=3, failed=3), True),
        (Counts(in_=9, failed=3, skipped=6), True),
        (Counts(in_=4, failed=3, filtered=1), False),
        (Counts(in_=3, skipped=3), False),
        (Counts(in_=3, filtered=3), False),
    ],
)
def test_the_default_tolerance_needs_one_item_that_did_not_fail(counts: Counts, closed: bool) -> None:
    assert over_tolerance(None, counts) is closed
    assert not over_tolerance("100%", counts)


def test_the_operator_calls_no_pipeline_complete_of_which_every_item_failed() -> None:
    made = cluster(videos=3)
    for number in range(3):
        made.store.failing["clips", f"raw/v{number}"] = ["decode"]
    made.settle()
    stalled = made.status.condition("Stalled")
    assert stalled
    assert (stalled.status, stalled.reason) == ("True", "ToleranceExceeded")
    assert stalled.message == (
        "clips: all 3 items failed, which the default tolerance never covers: "
        "see the ledger, then retry them or raise failures.tolerate"
    )
    assert not made.status.holds("Complete")
    made.edit_stage("clips", failures={"tolerate": "100%"})
    made.settle()
    assert made.status.holds("Complete")


def test_no_pipeline_is_complete_while_every_row_of_a_source_failed() -> None:
    made = cluster(videos=0)
    made.store.failed_rows["raw"] = 3
    made.settle()
    stalled = made.status.condition("Stalled")
    assert stalled
    assert (stalled.status, stalled.reason) == ("True", "ToleranceExceeded")
    assert stalled.message == (
        "raw: all 3 rows of the source failed, so no stage has any input from it: "
        "see the ledger and correct the source; every listing reads failed rows again"
    )
    assert made.status.holds("Failed")
    assert not made.status.holds("Complete")
    made.store.failed_rows["raw"] = 2
    made.store.bucket["raw"] = ["raw/v0"]
    made.annotations = {"reelmill.dev/refresh": "t1"}
    made.settle()
    assert made.status.holds("Complete")
    assert not made.status.holds("Stalled")
    assert made.status.stage("samples").totals.done == 1


def test_a_source_without_rows_is_complete() -> None:
    made = cluster(videos=0)
    made.settle()
    assert made.status.holds("Complete")


def test_the_next_attempt_holds_only_the_undone_shards() -> None:
    made = cluster(videos=12, shards=6, failures={"retriesPerShard": 0})
    made.store.exits["clips", "shards"] = [0, 70, 0, 70, 0, 0]
    made.settle()
    first, second = of(made, "s")
    assert made.jobs[first]["spec"]["completions"] == 6
    assert made.jobs[second]["spec"]["completions"] == 2
    assert made.task(second).shard_map == "1,3"
    assert made.task(second).attempt == 2
    assert made.status.holds("Complete")
    assert set(made.store.tried.values()) == {1}


def test_a_shard_that_never_finishes_is_given_up_and_the_pass_ends() -> None:
    made = cluster(videos=8, shards=4, failures={"retriesPerShard": 0, "attempts": 2})
    made.store.exits["clips", "shards"] = [0, 70, 0, 0, 70]
    made.settle()
    assert len(of(made, "s")) == 2
    assert made.task(of(made, "c")[0]).close_lost
    clips = made.status.stage("clips")
    assert (clips.totals.done, clips.totals.failed) == (6, 2)
    assert clips.reasons == {"failed:shard_lost": 2}


def test_only_the_last_attempt_tries_every_shard_whatever_fails() -> None:
    made = cluster(videos=80, shards=40, parallelism=2, failures={"retriesPerShard": 0, "attempts": 2})
    made.store.exits["clips", "shards"] = [70] * 400
    for _ in range(80):
        made.deliver_all()
        made.reconcile()
        for name in made.live():
            made.advance(name)
    first, last = of(made, "s")
    assert made.jobs[first]["spec"]["maxFailedIndexes"] == 4
    assert made.jobs[last]["spec"]["maxFailedIndexes"] == 40
    assert made.task(last).shard_map == ""


def test_over_tolerance_stalls_and_later_stages_wait_until_it_is_raised() -> None:
    made = cluster(failures={"tolerate": "1%"})
    made.store.failing["clips", "raw/v0"] = ["decode"]
    made.settle()
    stalled = made.status.condition("Stalled")
    assert stalled
    assert (stalled.status, stalled.reason) == ("True", "ToleranceExceeded")
    assert "1 of 6 items failed" in stalled.message
    assert made.status.holds("Failed")
    assert made.status.stage("samples").message == "over tolerance: clips"
    assert made.status.stage("samples").segments == 0
    made.edit_stage("clips", failures={"tolerate": "1"})
    made.settle()
    assert made.status.holds("Complete")
    assert made.status.stage("samples").totals.done == 5


def test_a_retry_takes_failed_items_up_and_later_stages_cover_them() -> None:
    made = cluster(failures={"tolerate": "1%"})
    made.store.failing["clips", "raw/v0"] = ["decode"]
    made.settle()
    made.annotations = {"reelmill.dev/retry": "t1;stages=clips;classes=decode"}
    made.settle()
    assert made.status.holds("Complete")
    assert made.status.stage("samples").totals.done == 6
    assert {key: count for key, count in made.store.tried.items() if count > 1} == {"clips/raw/v0": 2}


def test_a_retry_of_a_class_that_did_not_fail_opens_no_pass() -> None:
    made = cluster(failures={"tolerate": "100%"})
    made.store.failing["clips", "raw/v0"] = ["decode"]
    made.settle()
    before = len(made.created)
    made.annotations = {"reelmill.dev/retry": "t1;classes=s3_5xx"}
    made.settle()
    assert len(made.created) == before + 1
    assert "-survey-" in made.created[-1]


def test_retry_items_runs_so_many_retry_passes_by_itself() -> None:
    made = cluster(failures={"tolerate": "100%", "retryItems": {"classes": ["decode"], "times": 2}})
    made.store.failing["clips", "raw/v0"] = ["decode"] * 5
    made.settle()
    assert made.store.tried["clips/raw/v0"] == 3
    assert made.status.holds("Complete")
    assert made.status.stage("clips").reasons == {"failed:decode": 1}


def test_a_wrong_configuration_stalls_with_the_steps_own_words_until_the_spec_is_edited() -> None:
    made = cluster()
    made.store.exits["clips", "open"] = [64]
    made.settle()
    stalled = made.status.condition("Stalled")
    assert stalled
    assert stalled.reason == "SpecError"
    assert stalled.message == "clips: on purpose; mend it"
    before = len(made.created)
    made.settle()
    assert len(made.created) == before
    made.edit_stage("clips", parallelism=3)
    made.settle()
    assert made.status.holds("Complete")


def test_a_survey_that_is_refused_stalls_before_any_other_job() -> None:
    made = cluster()
    made.store.exits["", "survey"] = [64]
    made.settle()
    assert len(made.created) == 1
    assert made.status.stall
    assert made.status.stall.exit == ExitCode.CONFIG
    assert made.status.holds("Failed")
    made.annotations = {"reelmill.dev/retry": "t1"}
    made.settle()
    assert made.status.holds("Complete")


def test_a_stale_plan_is_followed_by_a_survey() -> None:
    made = cluster()
    made.store.exits["clips", "shards"] = [76]
    made.settle()
    assert sum("-survey-" in name for name in made.created) == 2
    assert made.status.holds("Complete")


def test_plans_that_stay_stale_stall_in_the_end() -> None:
    made = cluster()
    made.store.exits["clips", "shards"] = [76] * 9
    made.settle()
    stalled = made.status.condition("Stalled")
    assert stalled
    assert stalled.reason == "StalePlan"
    assert sum("-survey-" in name for name in made.created) == 3


def test_a_job_that_completed_without_a_report_is_followed_by_a_survey() -> None:
    made = cluster()
    made.store.closes = False
    while not of(made, "c"):
        made.deliver_all()
        made.reconcile()
        for name in made.live():
            if name not in of(made, "c"):
                made.advance(name)
    made.advance(of(made, "c")[0])
    made.reports[of(made, "c")[0]] = ""
    made.settle()
    assert sum("-survey-" in name for name in made.created) == 2
    assert made.status.stage("clips").totals.done == 6
    assert set(made.store.tried.values()) == {1}


def test_a_finished_job_whose_report_was_not_looked_for_is_waited_for() -> None:
    made = cluster()
    made.reconcile()
    name = made.created[0]
    made.advance(name)
    report = made.reports.pop(name)
    made.deliver_all()
    plan = made.reconcile()
    assert plan.actions == ()
    assert plan.wake_after
    made.reports[name] = report
    made.settle()
    assert made.status.holds("Complete")


def test_an_early_abort_of_all_shards_stalls_and_a_retry_continues_without_it() -> None:
    made = cluster(shards=3)
    made.store.exits["clips", "shards"] = [65, 65, 65]
    made.settle()
    stalled = made.status.condition("Stalled")
    assert stalled
    assert stalled.reason == "EarlyAbort"
    made.annotations = {"reelmill.dev/retry": "t1"}
    made.settle()
    assert made.status.holds("Complete")
    assert made.task(of(made, "s")[-1]).limits.early_abort > 10**6


def test_an_early_abort_beside_shards_that_went_well_is_tried_again_without_it() -> None:
    made = cluster(shards=3)
    made.store.exits["clips", "shards"] = [0, 65, 0]
    made.settle()
    first, second = of(made, "s")
    assert made.task(first).limits.early_abort == 50
    assert made.task(second).limits.early_abort > 10**6
    assert made.status.holds("Complete")


def test_abandon_ends_a_stall_whose_pass_cannot_be_finished() -> None:
    made = cluster(shards=3)
    made.store.exits["clips", "shards"] = [64]
    made.settle()
    assert made.status.stage("clips").state == "stalled"
    made.annotations = {"reelmill.dev/abandon": "t1"}
    made.settle()
    assert made.status.holds("Complete")
    assert [made.task(name).abandon for name in of(made, "c")] == [True]


def test_abandon_closes_the_open_pass_and_the_items_are_covered_again() -> None:
    made = cluster(shards=3)
    while not of(made, "s"):
        made.deliver_all()
        made.reconcile()
        for name in made.live():
            made.advance(name)
    running = of(made, "s")[0]
    made.annotations = {"reelmill.dev/abandon": "t1;stages=clips"}
    made.settle()
    assert running not in made.jobs
    assert made.task(of(made, "c")[0]).abandon
    assert made.status.stage("clips").segments == 2
    assert made.status.holds("Complete")
    assert made.status.stage("clips").totals.done == 6
