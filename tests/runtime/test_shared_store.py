"""Two pipelines on one store share data sets and never do the same work twice at once."""

import json
import os
import subprocess
import threading
from pathlib import Path

import pytest
import toy_line as toy

from reelmill.contract.errors import StoreUnsafe
from reelmill.contract.records.heartbeat import YOUNG_SECONDS, Runner
from reelmill.contract.records.segment import Pass
from reelmill_stages.host.local_process import is_alive, is_dead, local_process
from reelmill_stages.records.claims import claim
from reelmill_stages.records.heartbeat import is_foreign
from reelmill_stages.records.record_files import load
from reelmill_stages.summary.status_rows import open_pass


def two_lines(root: Path) -> tuple[toy.Line, toy.Line]:
    lines = toy.Line(root, uid="one"), toy.Line(root, uid="two")
    for line in lines:
        line.stage("upper")
        line.rows = lines[0].rows
    for number in range(3):
        lines[0].put(f"v{number}")
        lines[1].rows = lines[0].rows
    return lines


def is_worked_on(line: toy.Line) -> bool:
    """Whether `status`, `why` and the dashboard take the open pass for one that somebody works on."""
    row = open_pass(line.store, line.data("upper").paths(1))
    assert row is not None
    return row.is_worked_on


def test_what_one_pipeline_did_the_other_finds_done(tmp_path: Path) -> None:
    one, two = two_lines(tmp_path)
    one.go()
    report = two.survey()
    assert report.stages["upper"].coverage == {"raw": 1}
    assert report.stages["upper"].totals.done == 3
    assert two.advance() == 0
    users = [stat.key.rpartition("/")[2] for stat in one.store.list(f"{one.data('upper').root}/_reelmill/users/")]
    assert users == ["one.json", "two.json"]
    assert json.loads(one.store.read("upper/latest.json")) == {"key": one.stages[0].key}


def test_a_pass_that_another_pipeline_runs_now_is_foreign_and_an_old_one_is_taken_over(tmp_path: Path) -> None:
    one, two = two_lines(tmp_path)
    one.survey()
    one.open(one.stages[0])
    assert two.open(two.stages[0]).foreign
    found = two.survey(refresh=False).stages["upper"].open
    assert found is not None
    assert (found.segment, found.foreign) == (1, True)
    mine = one.survey(refresh=False).stages["upper"].open
    assert mine is not None
    assert not mine.foreign
    paths = one.data("upper").paths(1)
    old = tmp_path / "store" / paths.heartbeat
    long_ago = old.stat().st_mtime - YOUNG_SECONDS - 60
    os.utime(old, (long_ago, long_ago))
    assert not two.open(two.stages[0]).foreign
    runner = load(two.store, paths.heartbeat, Runner)
    assert runner is not None
    assert runner.uid == "two"
    assert one.open(one.stages[0]).foreign


def test_ages_are_measured_by_the_stores_clock(tmp_path: Path) -> None:
    one, _ = two_lines(tmp_path)
    one.survey()
    one.open(one.stages[0])
    data = one.data("upper")
    opened = load(one.store, data.paths(1).pass_json, Pass)
    assert opened is not None
    now = claim(one.store, data.names, one.task("open", one.stages[0]).owner)
    assert is_foreign(one.store, data.paths(1), opened, "two", now)
    assert not is_foreign(one.store, data.paths(1), opened, "two", now + YOUNG_SECONDS + 1)


def test_a_heartbeat_from_the_future_is_not_waited_for(tmp_path: Path) -> None:
    one, two = two_lines(tmp_path)
    one.survey()
    one.open(one.stages[0])
    heartbeat = tmp_path / "store" / one.data("upper").paths(1).heartbeat
    ahead = heartbeat.stat().st_mtime + 7 * 86400
    os.utime(heartbeat, (ahead, ahead))
    assert not two.open(two.stages[0]).foreign


@pytest.mark.skipif(local_process(os.getpid()) is None, reason="this system does not tell when a process started")
def test_a_pass_of_a_local_run_that_is_dead_is_taken_over_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = two_lines(tmp_path)
    one.survey()
    with subprocess.Popen(["sleep", "60"]) as run:
        monkeypatch.setenv("REELMILL_RUN_PID", str(run.pid))
        one.open(one.stages[0])
        assert two.open(two.stages[0]).foreign
        assert is_worked_on(one)
        run.kill()
    assert not is_worked_on(one)
    assert not two.open(two.stages[0]).foreign


def test_the_open_pass_of_a_crashed_run_of_the_same_pipeline_is_continued_at_once(tmp_path: Path) -> None:
    one, _ = two_lines(tmp_path)
    one.survey()
    one.open(one.stages[0])
    again = toy.Line(tmp_path, uid="one", rows=one.rows)
    again.stage("upper")
    assert not again.open(again.stages[0]).foreign


def test_a_process_id_that_another_process_has_now_is_no_sign_of_life() -> None:
    here = local_process(os.getpid())
    if here is None:
        pytest.skip("this system does not tell when a process started")
    assert not is_dead(here)
    assert is_alive(here)
    assert not is_alive(here.replace(started=here.started - 1))
    assert not is_alive(here.replace(kernel="elsewhere"))
    assert is_dead(here.replace(started=here.started - 1))
    assert not is_dead(here.replace(kernel="elsewhere", started=0))


def test_surveys_at_once_list_every_item_once(tmp_path: Path) -> None:
    lines = two_lines(tmp_path)
    lines[0].write_rows("raw")
    threads = [threading.Thread(target=line.survey) for line in lines for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(item.key for item in lines[0].data("raw").items()) == ["v0", "v1", "v2"]
    assert len(list(lines[0].data("raw").segments())) == 1


def test_a_store_that_breaks_conditions_is_refused_by_the_survey(tmp_path: Path) -> None:
    from reelmill_stages.store.probe import probe

    class Careless:
        """A store that ignores conditions, as some servers do."""

        def __init__(self, store: object) -> None:
            self._store = store

        def __getattr__(self, name: str) -> object:
            return getattr(self._store, name)

        def write(self, key: str, data: bytes, **conditions: object) -> object:
            return self._store.write(key, data)  # type: ignore[attr-defined]

    with pytest.raises(StoreUnsafe):
        probe(Careless(toy.Line(tmp_path).store))  # type: ignore[arg-type]
