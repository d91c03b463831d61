"""The work queue: each key at most once, never with two workers, never lost."""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from reelmill.contract.backoff import Backoff
from reelmill.controller.state.queue import Priority, WorkQueue


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def queue(clock: Clock | None = None) -> WorkQueue:
    return WorkQueue(clock=clock or Clock(), chance=lambda: 0.5)


def drained(made: WorkQueue) -> list[str]:
    found = []
    while taken := made.take():
        found.append(taken.key)
        made.done(taken.key)
    return found


def test_a_key_added_many_times_is_taken_once() -> None:
    made = queue()
    for _ in range(5):
        made.add("a")
    assert drained(made) == ["a"]


def test_a_key_that_a_worker_has_is_given_to_no_other_and_comes_again_when_it_changed() -> None:
    made = queue()
    made.add("a")
    assert made.take()
    made.add("a")
    assert made.take() is None
    made.done("a")
    assert drained(made) == ["a"]


def test_changes_precede_timed_checks_and_a_change_brings_a_check_forward() -> None:
    made = queue()
    for key in ("a", "b"):
        made.add(key, Priority.LOOK)
    made.add("c")
    made.add("b")
    assert drained(made) == ["c", "b", "a"]


def test_keys_of_one_priority_are_taken_in_order() -> None:
    made = queue()
    for key in "abc":
        made.add(key)
    made.add("a")
    assert drained(made) == ["a", "b", "c"]


def test_a_delayed_key_is_ready_when_its_time_has_come() -> None:
    clock = Clock()
    made = queue(clock)
    made.add_after("a", 5)
    assert made.take() is None
    assert made.next_due() == 5
    clock.now = 5
    assert made.next_due() == 0
    assert drained(made) == ["a"]
    assert made.next_due() is None


def test_of_two_delays_the_shorter_one_counts() -> None:
    clock = Clock()
    made = queue(clock)
    for seconds in (5, 2, 9):
        made.add_after("a", seconds)
    assert made.next_due() == 2
    clock.now = 2
    assert drained(made) == ["a"]
    clock.now = 20
    assert drained(made) == []


def test_taking_a_key_forgets_its_delay() -> None:
    clock = Clock()
    made = queue(clock)
    made.add_after("a", 5)
    made.add("a")
    assert drained(made) == ["a"]
    clock.now = 5
    assert made.take() is None


def test_delays_of_a_day_take_no_more_memory_however_often_they_are_set_anew() -> None:
    clock = Clock()
    made = queue(clock)
    for clock.now in range(10_000):
        for key in ("a", "b"):
            made.add(key)
            made.take()
            made.done(key)
            made.add_after(key, 86_400)
    assert len(made._delayed) <= 4
    clock.now = 9_999 + 86_400
    assert drained(made) == ["a", "b"]


def test_delays_double_with_failures_in_a_row_up_to_a_limit() -> None:
    made = WorkQueue(clock=Clock(), chance=lambda: 0.5, backoff=Backoff(first=1, most=60))
    assert [made.retry("a") for _ in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert made.retry("b") == 1
    made.succeeded("a")
    assert made.retry("a") == 1


def test_a_server_that_asks_to_wait_no_time_is_asked_ever_less_often() -> None:
    made = queue()
    delays = [made.retry("a", least=0.0) for _ in range(5)]
    assert delays == sorted(delays)
    assert delays[0] > 0
    assert delays[-1] > 8 * delays[0]
    assert made.retry("b", least=60.0) == 60.0


def test_the_wait_is_counted_from_the_first_add() -> None:
    clock = Clock()
    made = queue(clock)
    made.add("a", Priority.LOOK)
    clock.now = 3
    made.add("a")
    assert made.oldest() == 3
    taken = made.take()
    assert taken
    assert taken.waited == 3


KEYS = st.sampled_from("abcd")


class Model(RuleBasedStateMachine):
    """Any order of events: nothing that was added last is forgotten, nothing is in two hands."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.queue = queue(self.clock)
        self.wanted: set[str] = set()
        self.due: dict[str, float] = {}
        self.held: set[str] = set()

    @rule(key=KEYS, priority=st.sampled_from(Priority))
    def add(self, key: str, priority: Priority) -> None:
        self.queue.add(key, priority)
        self.wanted.add(key)

    @rule(key=KEYS, seconds=st.integers(0, 9))
    def add_after(self, key: str, seconds: int) -> None:
        self.queue.add_after(key, seconds)
        self.due[key] = min(self.due.get(key, 1e9), self.clock.now + seconds)

    @rule(seconds=st.integers(1, 5))
    def wait(self, seconds: int) -> None:
        self.clock.now += seconds

    @rule()
    def take(self) -> None:
        ripe = {key for key, at in self.due.items() if at <= self.clock.now}
        self.wanted |= ripe
        for key in ripe:
            del self.due[key]
        taken = self.queue.take()
        if taken is None:
            assert not self.wanted - self.held
            return
        assert taken.key in self.wanted - self.held
        self.wanted.discard(taken.key)
        self.due.pop(taken.key, None)
        self.held.add(taken.key)

    @rule(data=st.data())
    def done(self, data: Any) -> None:
        if self.held:
            key = data.draw(st.sampled_from(sorted(self.held)))
            self.held.discard(key)
            self.queue.done(key)

    @invariant()
    def what_is_held_is_in_flight(self) -> None:
        assert set(self.queue.in_flight) == self.held


def test_any_order_of_events_loses_no_key_and_gives_none_away_twice() -> None:
    run_state_machine_as_test(Model, settings=settings(max_examples=30, stateful_step_count=30, deadline=None))
