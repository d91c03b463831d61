"""How much is written: the budget of writes, the narrow status patch, counts only now and then."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.stub_api_server import merged
from reelmill.contract.status import PassStatus, StageState, StageStatus, Status
from reelmill.controller.kube.write_budget import Budget
from reelmill.controller.work.status_patch import dropped, merge_patch, only_progress
from reelmill.plan.status.serialise import as_json


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_goes_at_once_and_then_the_rate_holds() -> None:
    clock = Clock()
    budget = Budget(10, 3, clock=clock)
    assert [round(budget.reserve(), 3) for _ in range(6)] == [0, 0, 0, 0.1, 0.2, 0.3]


def test_a_quiet_time_saves_up_no_more_than_a_burst() -> None:
    clock = Clock()
    budget = Budget(10, 3, clock=clock)
    clock.now = 1000
    assert [budget.reserve() > 0 for _ in range(4)] == [False, False, False, True]


@given(st.lists(st.floats(0, 2), max_size=60))
def test_no_time_sees_more_writes_than_burst_and_rate_allow(pauses: list[float]) -> None:
    clock, sent = Clock(), []
    budget = Budget(5, 4, clock=clock)
    for pause in pauses:
        clock.now += pause
        sent.append(clock.now + budget.reserve())
    for number, first in enumerate(sent):
        for count, last in enumerate(sent[number:], 1):
            assert count <= 4 + 5 * (last - first) + 1.001


def test_it_says_when_tokens_will_be_available_and_takes_none() -> None:
    clock = Clock()
    budget = Budget(10, 3, clock=clock)
    assert [budget.seconds_until(tokens) for tokens in (1, 3, 7)] == [0, 0, 0]
    for _ in range(4):
        budget.reserve()
    assert [round(budget.seconds_until(tokens), 3) for tokens in (1, 3, 7)] == [0.2, 0.4, 0.4]
    clock.now += budget.seconds_until(1)
    assert budget.reserve() == pytest.approx(0)


JSON = st.recursive(
    st.integers(0, 3) | st.text("ab", max_size=2) | st.lists(st.integers(0, 2), max_size=2),
    lambda inner: st.dictionaries(st.sampled_from("xyz"), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.sampled_from("xyz"), JSON, max_size=3)


@given(OBJECTS, OBJECTS)
def test_the_patch_makes_the_new_of_the_old_and_none_is_needed_for_the_same(old: Any, new: Any) -> None:
    assert merged(old, merge_patch(old, new)) == new
    assert merge_patch(old, old) == {}


def running(state: StageState = "running", **work: Any) -> Status:
    stage = StageStatus(name="clips", key="k", state=state, pass_=PassStatus(segment=1, step="shards", **work))
    return Status(run=3, stages=[stage], shards=str(work.get("done", 0)))


def test_how_far_the_jobs_under_way_are_is_progress_and_all_else_is_not() -> None:
    old = running(done=1, active=2)
    assert only_progress(old, running(done=5, active=1, failed="3"))
    assert only_progress(running("queued"), running(seen=True, active=2))
    assert only_progress(old, old.model_copy(update={"survey": old.survey.model_copy(update={"seen": True})}))
    assert not only_progress(old, running("committing", done=5))
    assert not only_progress(old, running(done=5, attempt=2))
    assert not only_progress(old, old.model_copy(update={"run": 4}))


def test_a_status_reads_back_as_it_was_written() -> None:
    status = running(done=1)
    assert Status.model_validate(as_json(status)) == status


@pytest.mark.parametrize(
    ("sent", "kept", "fields"),
    [
        ({"a": 1}, {"a": 1, "b": 2}, []),
        ({"spent": {"podSeconds": 2}}, {}, ["status.spent"]),
        ({"spent": {"podSeconds": 2, "cost": 1}}, {"spent": {"podSeconds": 2}}, ["status.spent.cost"]),
        (
            {"stages": [{"name": "a", "usage": {}}, {"name": "b", "usage": {}}]},
            {"stages": [{"name": "a"}, {"name": "b"}]},
            ["status.stages[].usage"],
        ),
    ],
)
def test_fields_that_a_server_did_not_keep_are_named_once(sent: Any, kept: Any, fields: list[str]) -> None:
    assert dropped(sent, kept) == fields
