"""Every pass ends: finished as it was opened, closed without lost shards, or abandoned."""

from dataclasses import replace
from pathlib import Path

import pytest
import toy_line as toy

from reelmill.contract.digest import sha256
from reelmill.contract.errors import StalePlan, TransientError
from reelmill.contract.records.segment import ShardCommit
from reelmill.contract.task_parts.shard_limits import ShardLimits
from reelmill_stages.runtime.commit.accounting import LawBroken

pytestmark = pytest.mark.store  # needs no server, but the seconds that this tier may take


@pytest.fixture
def line(tmp_path: Path) -> toy.Line:
    line = toy.Line(tmp_path, shard_count=3)
    line.stage("upper")
    for number in range(6):
        line.put(f"v{number}")
    line.survey()
    return line


def test_a_pass_with_undone_shards_is_not_closed_until_they_are_given_up(line: toy.Line) -> None:
    (upper,) = line.stages
    report = line.open(upper)
    assert (report.shards, report.done, report.in_) == (3, "", 6)
    line.shard(upper, 1, 1)
    assert line.open(upper).done == "1"
    with pytest.raises(TransientError, match="2 of 3 shards not committed: 0,2"):
        line.commit(upper, 1)
    closed = line.commit(upper, 1, close_lost=True)
    assert closed.counts.model_dump(by_alias=True) == {"in": 6, "done": 2, "filtered": 0, "failed": 4, "skipped": 0}
    assert closed.reasons == {"failed:shard_lost": 4}
    toy.law(line.data("upper"))
    assert set(toy.contents(line.data("upper"))) == {"v2", "v3"}
    line.run_pass(upper, kind="retry", retry=("shard_lost",))
    assert set(toy.contents(line.data("upper"))) == {f"v{number}" for number in range(6)}
    toy.law(line.data("upper"))


def test_what_a_lost_shard_had_checkpointed_is_kept(tmp_path: Path) -> None:
    line = toy.Line(tmp_path, limits=ShardLimits(workers=1, checkpoint_seconds=0.0, item_timeout=600))
    upper = line.stage("upper")
    line.put("a")
    line.put("b")
    line.put("never", "hang")
    line.survey()
    line.open(upper)
    pod = line.popen(line.task("shards", upper, segment=1), 0)
    checkpoints = line.data("upper").paths(1).checkpoints(0)
    while sum(line.store.read(stat.key).count(b"\n") for stat in line.store.list(checkpoints)) < 2:
        assert pod.poll() is None
    pod.kill()
    pod.communicate()
    assert line.commit(upper, 1, close_lost=True).counts.failed == 1
    assert toy.outcomes(line.data("upper"))["never"] == ("failed", "shard_lost")
    assert set(toy.contents(line.data("upper"))) == {"a", "b"}


def test_an_attempt_maps_its_indexes_to_the_shards_that_are_undone(line: toy.Line) -> None:
    (upper,) = line.stages
    line.open(upper)
    line.shard(upper, 1, 1)
    for index in range(2):
        line.shard(upper, 1, index, shard_map="0,2", attempt=2)
    line.commit(upper, 1)
    rows = {row.key: row.attempt for row in line.data("upper").ledger()}
    assert rows == {"v0": 2, "v1": 2, "v2": 1, "v3": 1, "v4": 2, "v5": 2}
    line.open(upper, segment=2)
    with pytest.raises(StalePlan, match="not a shard"):
        line.shard(upper, 2, 7)


def test_a_closed_pass_is_reported_and_not_done_again(line: toy.Line) -> None:
    (upper,) = line.stages
    first = line.run_pass(upper)
    assert line.open(upper, segment=1).closed
    line.shard(upper, 1, 0)
    assert line.commit(upper, 1) == first
    assert line.commit(upper, 1, close_lost=True, abandon=True) == first


def test_an_abandoned_pass_counts_for_nothing_and_the_next_one_covers_its_inputs(line: toy.Line) -> None:
    (upper,) = line.stages
    line.open(upper)
    line.shard(upper, 1, 0)
    report = line.commit(upper, 1, abandon=True)
    assert (report.state, report.totals.in_, report.coverage) == ("abandoned", 0, {})
    assert list(line.data("upper").items()) == []
    line.shard(upper, 1, 1)
    assert line.commit(upper, 1).state == "abandoned"
    report = line.run_pass(upper)
    assert (report.segment, report.totals.done, report.coverage) == (2, 6, {"raw": 1})
    assert [item.fields["number"] for item in line.data("upper").items()] == list(range(6))


def test_a_pass_that_was_opened_is_finished_as_it_was_opened(line: toy.Line) -> None:
    (upper,) = line.stages
    line.open(upper)
    line.put("late")
    line.survey()
    assert line.open(upper, shard_count=1).shards == 3
    line.advance()
    assert line.data("upper").totals.done == 6
    assert line.data("upper").coverage == {"raw": 1}
    line.advance()
    assert line.data("upper").totals.done == 7


def test_a_task_that_disagrees_with_the_plan_is_stale(line: toy.Line) -> None:
    (upper,) = line.stages
    line.open(upper)
    other = upper.model_copy(update={"definition": {"another": "one"}})
    with pytest.raises(StalePlan, match="another definition"):
        line.shard(other, 1, 0)
    with pytest.raises(StalePlan, match="another definition"):
        line.open(other, segment=1)
    with pytest.raises(StalePlan, match="another definition"):
        line.commit(other, 1)
    with pytest.raises(StalePlan, match="segment 1 is not closed"):
        line.open(upper, segment=2)
    with pytest.raises(StalePlan, match="never opened"):
        line.shard(upper, 2, 0)


def test_a_cover_of_segments_that_are_not_there_is_stale(line: toy.Line) -> None:
    (upper,) = line.stages
    with pytest.raises(StalePlan, match="segment 9 of raw"):
        line.open(upper, cover={"raw": 9})


def test_a_commit_whose_rows_tell_otherwise_is_not_closed(line: toy.Line) -> None:
    (upper,) = line.stages
    line.open(upper)
    for index in range(3):
        line.shard(upper, 1, index)
    record = line.data("upper").paths(1).shard(0)
    commit = ShardCommit.model_validate_json(line.store.read(record))
    assert commit.ledger
    rows = line.store.read(commit.ledger.key)
    fewer = rows[: rows.index(b"\n") + 1]
    line.store.write(commit.ledger.key, fewer)
    told = commit.replace(ledger=replace(commit.ledger, size=len(fewer), digest=sha256(fewer)))
    line.store.write(record, told.model_dump_json(by_alias=True).encode())
    with pytest.raises(LawBroken, match="the rows of a shard have"):
        line.commit(upper, 1)
    assert line.data("upper").last is None
