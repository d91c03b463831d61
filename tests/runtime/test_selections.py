"""A `select` stage in the runtime: the same items for every division of the work, and for good."""

import os
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import toy_line as toy
from dying_store import DyingStore, Killed
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reelmill.contract.digest import fingerprint
from reelmill.contract.task import StageDef, Step, Upstream
from reelmill.contract.task_parts.follow_up import PassBound
from reelmill_stages.commands.integrity.verdict_rules import check_verdicts
from reelmill_stages.runtime.commit.step import commit
from reelmill_stages.runtime.context import StepContext

pytestmark = pytest.mark.store  # needs no server, but the seconds that this tier may take

WHOLE = PassBound(items=1000, seconds=1e9, bytes=1 << 40)
Row = tuple[str, str, int]
"""Key, label and score of an item."""


def select(root: Path, *, shard_count: int = 1, bound: PassBound | None = None, **params: object) -> toy.Line:
    root.mkdir(parents=True, exist_ok=True)
    line = toy.Line(root, shard_count=shard_count, bound=bound)
    definition: dict[str, object] = {"stage": "select", "params": params}
    line.stages.append(
        StageDef(
            name="best",
            key=fingerprint(["best", definition]),
            type="select",
            data_version=1,
            params=params,
            definition=definition,
            upstreams=(Upstream(name="raw", key=line.source.key),),
        )
    )
    return line


def put(line: toy.Line, rows: Sequence[Row]) -> None:
    for key, label, score in rows:
        line.put(key, fields={"label": label, "score": score})


def kept(line: toy.Line) -> list[str]:
    toy.law(line.data("best"))
    assert not list(check_verdicts(line.data("best")))
    return sorted(item.key for item in line.data("best").items())


def best_of(waves: Sequence[Sequence[Row]], count: int) -> list[str]:
    found: list[Row] = []
    for wave in waves:
        for row in sorted(wave, key=lambda row: (-row[2], row[0])):
            found += [row] if sum(other[1] == row[1] for other in found) < count else []
    return sorted(key for key, _, _ in found)


BEST_TWO = {"per": [{"field": "label"}], "count": 2, "measure": "score"}


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    values=st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 5)), min_size=1, max_size=14),
    cut=st.integers(0, 14),
    shards=st.integers(1, 4),
    whole=st.booleans(),
)
def test_006_f17_the_same_items_are_kept_for_any_shards_and_growth_changes_no_verdict(
    tmp_path_factory: pytest.TempPathFactory, values: list[tuple[str, int]], cut: int, shards: int, whole: bool
) -> None:
    rows = [(f"v{place:02d}", label, score) for place, (label, score) in enumerate(values)]
    waves = [wave for wave in (rows[:cut], rows[cut:]) if wave]
    line = select(tmp_path_factory.mktemp("line"), shard_count=shards, bound=WHOLE if whole else None, **BEST_TWO)
    before: dict[str, str] = {}
    for number, wave in enumerate(waves):
        put(line, wave)
        line.go()
        assert kept(line) == best_of(waves[: number + 1], 2)
        after = {row.key: row.outcome.value for row in line.data("best").ledger()}
        assert {key: after[key] for key in before} == before
        before = after


def test_a_share_does_not_depend_on_shards(tmp_path: Path) -> None:
    rows = [(f"v{number:02d}", "abc"[number % 3], number * 7 % 10) for number in range(40)]
    found = []
    for shards in (1, 5):
        line = select(tmp_path / str(shards), shard_count=shards, per=[{"field": "label"}], share=0.3, measure="score")
        put(line, rows)
        line.go()
        found.append(kept(line))
    assert found[0] == found[1]
    assert 3 * 3 <= len(found[0]) <= 3 * 5


def test_a_process_that_is_gone_before_any_write_changes_no_verdict(tmp_path: Path) -> None:
    rows = [(f"v{number}", "ab"[number % 2], number * 5 % 9) for number in range(8)]
    worked = select(tmp_path / "worked", shard_count=2, **BEST_TWO)
    put(worked, rows)
    worked.survey()
    stage = worked.stages[0]
    for index in range(worked.open(stage).shards):
        worked.shard(stage, 1, index)
    at, ended = 1, False
    while not ended:
        line = replace(worked, root=tmp_path / str(at))
        shutil.copytree(worked.root, line.root)
        ended = not dies(line, at)
        line.commit(stage, 1)
        assert kept(line) == best_of([rows], 2)
        at += 1
    assert at > 8


def dies(line: toy.Line, at: int) -> bool:
    """Commit with a store that is gone before write `at`; whether that ended it."""
    scratch = line.root / f"scratch-{at}"
    scratch.mkdir()
    task = line.task(Step.COMMIT, line.stages[0], segment=1)
    try:
        commit(StepContext(task, DyingStore(line.store, at), os.environ, scratch, f"{task.run}-{at:08x}"))
    except Killed:
        return True
    return False


def test_items_of_a_lost_shard_take_only_free_places_when_they_are_retried(tmp_path: Path) -> None:
    line = select(tmp_path, shard_count=2, **BEST_TWO)
    put(line, [("a", "x", 1), ("b", "x", 2), ("c", "y", 3), ("d", "x", 9), ("e", "y", 4), ("f", "y", 5)])
    line.survey()
    stage = line.stages[0]
    line.open(stage)
    line.shard(stage, 1, 0)
    line.commit(stage, 1, close_lost=True)
    assert kept(line) == ["a", "b", "c"]
    line.run_pass(stage, kind="retry", cover={})
    assert kept(line) == ["a", "b", "c", "f"]
    assert {row.key: row.reason for row in line.data("best").ledger() if row.reason} == {
        "d": "not_selected", "e": "not_selected",
    }  # fmt: skip
