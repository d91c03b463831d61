"""Items that crash or hang cost nobody but themselves.

One pass holds all kinds of broken items; each test looks at what became of one kind.
"""

import logging
import time
from pathlib import Path

import pytest
import toy_line as toy

from reelmill.contract.errors import EarlyAbort, SpecError
from reelmill.contract.records.rows import LedgerRow, load_rows
from reelmill.contract.task_parts.shard_limits import ShardLimits
from reelmill_stages.records.data_set import DataSet

pytestmark = pytest.mark.store


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> toy.Line:
    root = tmp_path_factory.mktemp("broken")
    line = toy.Line(root, limits=ShardLimits(workers=2, item_timeout=12.0))
    line.stage("upper", trace=str(root / "trace"))
    for number in range(3):
        line.put(f"k{number}", group="killing")
    line.put("killer", "abort", group="killing")
    line.put("k4", group="killing")
    line.put("a", "abort-grouped", group="dies once")
    line.put("b", group="dies once")
    line.put("h1", group="hanging")
    line.put("hanger", "hang", group="hanging")
    line.put("h2", group="hanging")
    for number in range(20):
        line.put(f"stuck{number:02d}", "hang", group="stuck")
    line.put("odd", "raise what is this")
    line.put("i1", "itemerror corrupt", group="one video")
    line.put("i2", group="one video")
    line.put("v")
    loggers = logging.getLogger("reelmill_stages")
    loggers.setLevel(logging.INFO)
    line.go()
    loggers.setLevel(logging.NOTSET)
    return line


@pytest.fixture
def data(line: toy.Line) -> DataSet:
    return line.data("upper")


def row(data: DataSet, key: str) -> LedgerRow:
    (found,) = (row for row in data.ledger() if row.key == key)
    return found


def test_every_broken_item_is_accounted_for(data: DataSet) -> None:
    toy.law(data)
    assert data.totals.in_ == len(toy.outcomes(data)) == 34


def test_an_item_that_kills_its_worker_is_found_and_the_rest_is_saved(data: DataSet) -> None:
    found = toy.outcomes(data)
    assert found["killer"] == ("failed", "crash")
    assert [found[f"k{number}"] for number in (0, 1, 2, 4)] == [("done", "")] * 4
    assert "SIGABRT" in row(data, "killer").message


def test_a_worker_that_dies_once_costs_nothing(data: DataSet) -> None:
    found = toy.outcomes(data)
    assert (found["a"], found["b"]) == (("done", ""), ("done", ""))


def test_an_item_that_hangs_is_killed_and_the_rest_of_its_group_is_saved(data: DataSet) -> None:
    found = toy.outcomes(data)
    assert found["hanger"] == ("failed", "decode_timeout")
    assert (found["h1"], found["h2"]) == (("done", ""), ("done", ""))


def test_a_group_that_hangs_for_every_item_is_given_up_after_three_timeouts(line: toy.Line, data: DataSet) -> None:
    found = toy.outcomes(data)
    assert {found[f"stuck{number:02d}"] for number in range(20)} == {("failed", "decode_timeout")}
    tries = [text for text in (line.root / "trace").read_text().splitlines() if text.startswith("stuck")]
    assert len(tries) <= 4  # a second worker may have begun the fourth before the third was killed


def test_what_a_stage_must_not_raise_fails_one_item_as_a_crash(data: DataSet) -> None:
    assert toy.outcomes(data)["odd"] == ("failed", "crash")
    assert "RuntimeError: what is this" in row(data, "odd").message


def test_an_item_error_fails_the_whole_group_with_its_reason(data: DataSet) -> None:
    found = toy.outcomes(data)
    assert (found["i1"], found["i2"]) == (("failed", "corrupt"), ("failed", "corrupt"))


def test_a_shard_keeps_the_tail_of_its_log_in_the_store(line: toy.Line, data: DataSet) -> None:
    (log,) = (stat.key for stat in line.store.list(f"{data.paths(1).internal}/logs/"))
    rows = load_rows(line.store.read(log))
    assert {"killer", "hanger", "odd"} <= {row["item"] for row in rows if row["msg"] == "item failed"}
    (last,) = (row for row in rows if row["msg"] == "committed")
    assert (last["in"], last["failed"]) == (34, data.totals.failed)
    assert {"stage", "segment", "shard", "in", "done", "filtered", "failed", "skipped", "seconds"} <= set(
        next(row for row in reversed(rows) if row["msg"] == "progress")
    )


def test_names_that_are_taken_fail_the_second_item_and_overwrite_nothing(tmp_path: Path) -> None:
    line = toy.Line(tmp_path)
    line.stage("upper", called="same")
    line.put("a", "first")
    line.put("b", "second")
    line.go()
    data = line.data("upper")
    assert toy.outcomes(data) == {"a": ("done", ""), "b": ("failed", "name_taken")}
    assert toy.contents(data) == {"a": "FIRST"}


def test_items_that_all_fail_alike_end_the_shard_early_and_leave_no_checkpoint(tmp_path: Path) -> None:
    line = toy.Line(tmp_path, limits=ShardLimits(workers=1, early_abort=5, checkpoint_seconds=0.0))
    upper = line.stage("upper")
    flag = tmp_path / "flag"
    flag.touch()
    for number in range(8):
        line.put(f"v{number}", f"fail-if {flag} no_permission\nok")
    line.survey()
    line.open(upper)
    with pytest.raises(EarlyAbort, match="no_permission"):
        line.shard(upper, 1, 0)
    flag.unlink()
    line.shard(upper, 1, 0)
    assert line.commit(upper, 1).totals.done == 8


def test_a_stage_that_cannot_be_made_is_a_wrong_configuration(tmp_path: Path) -> None:
    line = toy.Line(tmp_path)
    upper = line.stage("upper", "Unmade")
    line.put("v")
    line.survey()
    with pytest.raises(SpecError, match="not installed"):
        line.open(upper)


def test_failures_of_a_killed_run_get_another_chance_and_do_not_count_for_the_early_end(tmp_path: Path) -> None:
    line = toy.Line(tmp_path, limits=ShardLimits(workers=1, early_abort=3, checkpoint_seconds=0.0))
    upper = line.stage("upper", trace=str(tmp_path / "trace"))
    flag = tmp_path / "flag"
    flag.touch()
    line.put("dead", "abort")
    for number in range(2):
        line.put(f"v{number}", f"fail-if {flag} s3_5xx\nok")
    line.put("last", f"wait-for {tmp_path / 'go'}")
    line.survey()
    line.open(upper)
    pod = line.popen(line.task("shards", upper, segment=1), 0)
    checkpoints = line.data("upper").paths(1).checkpoints(0)
    while sum(line.store.read(stat.key).count(b"\n") for stat in line.store.list(checkpoints)) < 3:
        assert pod.poll() is None
        time.sleep(0.02)
    pod.kill()
    pod.communicate()
    (tmp_path / "go").touch()
    flag.unlink()
    (tmp_path / "trace").unlink()
    line.shard(upper, 1, 0)
    line.commit(upper, 1)
    assert toy.outcomes(line.data("upper")).pop("dead") == ("failed", "crash")
    assert line.data("upper").totals.done == 3
    assert (tmp_path / "trace").read_text().split() == ["v0", "v1", "last"]
