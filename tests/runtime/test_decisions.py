"""Verdicts over the whole data set: the same for every division of the work, and for good."""

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import toy_line as toy
from dying_store import DyingStore, Killed
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reelmill.contract.errors import SpecError
from reelmill.contract.records.segment import Segment, Verdicts
from reelmill.contract.task import Step
from reelmill.contract.task_parts.follow_up import PassBound
from reelmill_stages.records.record_files import load
from reelmill_stages.runtime.commit.step import commit
from reelmill_stages.runtime.context import StepContext

pytestmark = pytest.mark.store  # needs no server, but the seconds that this tier may take

Verdict = tuple[str, str, str]
WHOLE = PassBound(items=1000, seconds=1e9, bytes=1 << 40)


def near(root: Path, within: int = 2, **more: object) -> toy.Line:
    root.mkdir(parents=True, exist_ok=True)
    line = toy.Line(root, **more)  # type: ignore[arg-type]
    stage = line.stage("kept", "Near", within=within)
    line.stages[0] = stage.replace(type="toy_decisions:Near")
    return line


def verdicts(line: toy.Line) -> dict[str, Verdict]:
    return {row.key: (row.outcome.value, row.reason, row.message) for row in line.data("kept").ledger()}


def by_hand(waves: Sequence[Mapping[str, int]], within: int = 2) -> dict[str, Verdict]:
    """What the rule says, from keys and numbers alone."""
    kept: list[tuple[str, int]] = []
    found: dict[str, Verdict] = {}
    for wave in waves:
        for key in sorted(wave):
            first = next((other for other, number in kept if abs(number - wave[key]) <= within), None)
            found[key] = ("filtered", "duplicate", f"of {first}") if first else ("done", "", "")
            if first is None:
                kept.append((key, wave[key]))
    return found


def grow(line: toy.Line, wave: Mapping[str, int]) -> None:
    for key, number in wave.items():
        line.put(key, f"{number}\n")
    line.go()


def work(line: toy.Line, numbers: Mapping[str, int]) -> None:
    """Everything of a pass but its commit."""
    for key, number in numbers.items():
        line.put(key, f"{number}")
    line.survey()
    report = line.open(line.stages[0])
    for index in range(report.shards):
        line.shard(line.stages[0], 1, index)


def test_an_input_near_to_a_kept_one_is_filtered_and_names_it(tmp_path: Path) -> None:
    line = near(tmp_path)
    numbers = {"a": 10, "b": 11, "c": 13, "d": 50}
    grow(line, numbers)
    assert verdicts(line) == by_hand([numbers])
    data = line.data("kept")
    assert [item.key for item in data.items()] == ["a", "c", "d"]
    assert [item.ordinal for item in data.items()] == [0, 1, 2]
    toy.law(data)
    assert data.last is not None
    assert (data.last.counts.done, data.last.counts.filtered) == (3, 1)
    assert data.last.reasons == {"filtered:duplicate": 1}
    assert data.last.weight == 3.0


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    numbers=st.lists(st.integers(0, 30), min_size=1, max_size=14),
    cuts=st.lists(st.integers(1, 13), max_size=2),
    shards=st.integers(1, 4),
    whole=st.booleans(),
)
def test_008_f6_verdicts_are_the_same_for_any_shards_and_waves_that_keep_the_order_of_keys(
    tmp_path_factory: pytest.TempPathFactory, numbers: list[int], cuts: list[int], shards: int, whole: bool
) -> None:
    line = near(tmp_path_factory.mktemp("line"), shard_count=shards, bound=WHOLE if whole else None)
    rows = [(f"v{place:02d}", number) for place, number in enumerate(numbers)]
    edges = [0, *sorted(set(cuts)), len(rows)]
    waves = [dict(rows[first:end]) for first, end in pairwise(edges) if first < end]
    before: dict[str, Verdict] = {}
    for wave in waves:
        grow(line, wave)
        after = verdicts(line)
        assert {key: after[key] for key in before} == before
        before = after
    assert before == by_hand([dict(rows)])
    toy.law(line.data("kept"))


def test_verdicts_do_not_depend_on_how_many_inputs_are_decided_at_once(tmp_path: Path) -> None:
    numbers = {f"v{place}": place * 7 % 40 for place in range(30)}
    found = []
    for at_once in (1, 7, 1 << 30):
        line = near(tmp_path / str(at_once))
        line.stages[0] = line.stages[0].replace(params={"within": 2, "atOnce": at_once})
        grow(line, numbers)
        found.append(verdicts(line))
    assert found == [by_hand([numbers])] * 3


def test_the_lowest_rank_is_kept_and_the_key_decides_between_equals(tmp_path: Path) -> None:
    line = near(tmp_path)
    for key, text in {"a": "5 rank 2", "b": "5 rank -1", "c": "5 rank -1"}.items():
        line.put(key, text)
    line.go()
    assert verdicts(line) == {
        "a": ("filtered", "duplicate", "of b"),
        "b": ("done", "", ""),
        "c": ("filtered", "duplicate", "of b"),
    }


def test_an_input_without_a_signature_is_kept_and_nothing_is_a_duplicate_of_it(tmp_path: Path) -> None:
    line = near(tmp_path)
    line.put("a", "5 unsigned")
    line.put("b", "5")
    line.go()
    assert {row[0] for row in verdicts(line).values()} == {"done"}


def test_008_f7_a_retried_input_is_decided_against_what_was_kept_meanwhile(tmp_path: Path) -> None:
    line = near(tmp_path)
    flag = tmp_path / "flag"
    flag.touch()
    line.put("a", f"fail-if {flag} unlucky\n10")
    line.put("b", f"fail-if {flag} unlucky\n90")
    line.stages[0] = line.stages[0].replace(params={"within": 1 << 32})
    grow(line, {"c": 11})
    assert verdicts(line)["a"][:2] == ("failed", "unlucky")
    flag.unlink()
    line.run_pass(line.stages[0], kind="retry", cover={})
    found = verdicts(line)
    assert found["a"] == found["b"] == ("filtered", "duplicate", "of c")
    assert found["c"] == ("done", "", "")


@pytest.mark.parametrize("whole", [False, True])
def test_008_f8_a_process_that_is_gone_before_any_write_changes_no_verdict(
    tmp_path: Path, whole: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = {f"v{place}": place * 5 % 9 for place in range(8)}
    worked = near(tmp_path / "worked", shard_count=1 if whole else 2)
    work(worked, numbers)
    stage = worked.stages[0]
    at, ended = 1, False
    while not ended:
        line = replace(worked, root=tmp_path / str(at), bound=WHOLE)
        shutil.copytree(worked.root, line.root)
        ended = dies(line, at)
        decided = load(line.store, line.data("kept").paths(1).verdicts_json, Verdicts)
        if decided is not None:
            monkeypatch.setenv("TOY_NO_DECISION", "1")
        if whole:
            line.whole(stage, segment=1)
        else:
            line.commit(stage, 1)
        monkeypatch.delenv("TOY_NO_DECISION", raising=False)
        assert verdicts(line) == by_hand([numbers])
        toy.law(line.data("kept"))
        assert decided in (None, load(line.store, line.data("kept").paths(1).verdicts_json, Verdicts))
        at += 1
    assert at > 8


def dies(line: toy.Line, at: int) -> bool:
    """Commit with a store that is gone before write `at`; whether it came to its end before that."""
    dying = DyingStore(line.store, at)
    scratch = line.root / f"scratch-{at}"
    scratch.mkdir()
    task = line.task(Step.COMMIT, line.stages[0], segment=1)
    try:
        commit(StepContext(task, dying, os.environ, scratch, f"{task.run}-{at:08x}"))
    except Killed:
        return False
    return True


def test_008_f9_a_shard_that_was_lost_when_the_verdicts_were_given_stays_lost(tmp_path: Path) -> None:
    line = near(tmp_path, shard_count=2)
    for key, number in {"a": 1, "b": 2, "c": 3, "d": 20}.items():
        line.put(key, f"{number}")
    line.survey()
    stage = line.stages[0]
    line.open(stage)
    line.shard(stage, 1, 0)
    line.commit(stage, 1, close_lost=True)
    paths = line.data("kept").paths(1)
    first = verdicts(line)
    line.store.delete(paths.segment_json)
    line.store.delete(line.data("kept").names.stage_json)
    line.shard(stage, 1, 1)
    line.commit(stage, 1)
    assert verdicts(line) == first
    assert {key: row[:2] for key, row in first.items() if key in "cd"} == dict.fromkeys("cd", ("failed", "shard_lost"))
    toy.law(line.data("kept"))


def test_pods_that_close_a_pass_at_the_same_time_agree(tmp_path: Path) -> None:
    numbers = {f"v{place}": place * 5 % 9 for place in range(8)}
    line = near(tmp_path, shard_count=2)
    work(line, numbers)
    stage = line.stages[0]
    pods = [line.popen(line.task(Step.COMMIT, stage, segment=1)) for _ in range(3)]
    assert [(pod.communicate()[1], pod.returncode)[1] for pod in pods] == [0, 0, 0]
    assert verdicts(line) == by_hand([numbers])
    toy.law(line.data("kept"))


def test_008_f10_the_stages_that_follow_read_only_what_was_kept(tmp_path: Path) -> None:
    line = near(tmp_path)
    line.stage("made", "Upper", "kept")
    numbers = {"a": 10, "b": 11, "c": 50}
    grow(line, numbers)
    grow(line, {"d": 51, "e": 90})
    assert set(toy.contents(line.data("made"))) == {"a", "c", "e"}
    toy.law(line.data("made"))


def test_segments_of_other_stages_are_written_without_a_word_about_verdicts(tmp_path: Path) -> None:
    line = toy.Line(tmp_path)
    line.stage("made")
    line.put("a")
    line.go()
    paths = line.data("made").paths(1)
    assert b"kept" not in line.store.read(paths.segment_json)
    assert b"signature" not in line.store.read(paths.shard(0)) + line.store.read(paths.outcomes(0))
    assert load(line.store, paths.segment_json, Segment) is not None


def test_a_stage_that_assembles_and_decides_is_refused_before_any_work(tmp_path: Path) -> None:
    line = near(tmp_path)
    line.stages[0] = line.stages[0].replace(type="toy_decisions:Both")
    line.put("a", "1")
    line.survey()
    with pytest.raises(SpecError, match="cannot both assemble"):
        line.open(line.stages[0])
