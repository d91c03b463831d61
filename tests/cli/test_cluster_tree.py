"""The tree that `status` shows of a pipeline in the cluster: true, quiet, and never wider than the terminal."""

import pytest

from cli.cluster_cases import condition, counts, seen, stage, work
from reelmill.cli.cluster.tree import lines

PROGRESSING = condition("Reconciling", reason="Progressing", message="at work: clips")
WORKING = {
    "clips": stage("clips", "running", **{"pass": work(done=4, active=6, failed="2,3", attempt=2)}),
    "samples": stage("samples", message="over tolerance: clips"),
}


def drawn(*given: object, width: int = 80, **kwargs: object) -> list[str]:
    return [line.plain.rstrip() for line in lines(seen(*given, **kwargs), width=width)]  # type: ignore[arg-type]


def test_stages_stand_under_what_they_read_with_shards_pods_and_the_time_that_is_left() -> None:
    assert drawn([PROGRESSING], **WORKING) == [
        "demo  working: at work: clips",
        "namespace video · 1h 00m old · s3://out/demo",
        "",
        "raw            listed   1,200 items",
        "└─ clips       running  ━━━━━━────────── 4/10 shards, 6 pods, 15m 00s left,",
        "   │                    attempt 2, failed 2,3",
        "   └─ samples  waiting",
        "                        over tolerance: clips",
    ]


def test_a_finished_pipeline_says_what_it_lost() -> None:
    clips = stage("clips", "done", totals=counts(97, 3, skipped=2), reasons={"failed:too_short": 3})
    shown = drawn([condition("Complete")], clips=clips, samples=stage("samples", "cached", totals=counts(97)))
    assert shown[0] == "demo  complete for 5m 00s"
    assert shown[4] == "└─ clips       done    97 of 102 done, 3 failed, 2 skipped"


@pytest.mark.parametrize(
    ("conditions", "word"),
    [
        ([], "new: no operator has processed it yet"),
        ([condition("Suspended")], "suspended: nothing runs until it is resumed"),
        ([condition("Failed", message="clips: too much")], "failed: clips: too much"),
        ([condition("Reconciling", reason="Unschedulable", message="clips: no")], "waiting: clips: no"),
        ([condition("Stalled", message="clips: x"), PROGRESSING], "stalled: clips: x; other stages continue"),
        ([condition("Ready", holds=False, message="soon")], "waiting: soon"),
    ],
)
def test_the_head_has_one_word_for_the_whole(conditions: list[dict[str, object]], word: str) -> None:
    assert drawn(conditions)[0] == f"demo  {word}"


def test_a_paused_pass_is_not_shown_as_running() -> None:
    shown = drawn([condition("Suspended")], clips=stage("clips", "running", **{"pass": work(done=4)}))
    assert "paused" in shown[4]


def test_an_edit_that_nobody_saw_and_a_deletion_are_reported() -> None:
    assert "not processed the latest edit" in drawn([condition("Complete")], metadata={"generation": 2})[0]
    gone = {"deletionTimestamp": "2026-05-04T11:59:00Z"}
    assert drawn([condition("Complete")], metadata=gone)[0] == "demo  deleting: deleted 1m 00s ago"


def test_damage_stands_below() -> None:
    damaged = condition("StoreVerified", holds=False, reason="StoreDamaged", message="2 of 9 objects are damaged")
    assert "not verified: 2 of 9 objects are damaged" in drawn([condition("Complete"), damaged])


def test_what_drifted_stands_below() -> None:
    shown = drawn([condition("Complete"), condition("Drifted", message="items changed (raw: 3)")])
    assert shown[-1] == "items changed (raw: 3)"


@pytest.mark.parametrize("width", [60, 80, 132])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    message = "0/12 nodes are available: 12 Insufficient nvidia.com/gpu. " * 4
    conditions = [condition("Reconciling", reason="Unschedulable", message=f"clips: {message}")]
    clips = stage("clips", "queued", message=message[:200], **{"pass": work()})
    shown = seen(conditions, clips=clips)
    for line in lines(shown, width=width, wide=True):
        assert len(line.plain.rstrip()) <= width, line.plain


def test_a_status_of_another_release_is_shown_as_far_as_it_is_understood() -> None:
    assert drawn([PROGRESSING], status={"novelty": 1})[0] == "demo  working: at work: clips"


def test_what_a_stage_counted_stands_below_its_outcomes() -> None:
    clips = stage("clips", "done", totals=counts(97, 3), counters={"reencoded": 1200, "overhang": 2})
    shown = drawn([condition("Complete")], clips=clips, samples=stage("samples", "cached", totals=counts(97)))
    assert shown[4] == "└─ clips       done    97 of 100 done, 3 failed"
    assert shown[5].endswith("counted: reencoded 1,200, overhang 2")
