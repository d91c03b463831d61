"""The remove step: what only a deleted pipeline claimed goes, what others claim stays, and a cut-off one goes on."""

import os
import threading
from pathlib import Path

import toy_line as toy

from reelmill.contract.task import RemoveReport, Step
from reelmill_stages.runtime.context import context
from reelmill_stages.runtime.remove import remove


def removed(line: toy.Line) -> RemoveReport:
    task = line.task(Step.REMOVE).model_copy(update={"sources": (), "stages": ()})
    with context(task, os.environ, threading.Event()) as found:
        return remove(found)


def left(line: toy.Line) -> list[str]:
    """Keys in the store, without what is about the store itself."""
    return [stat.key for stat in line.store.list() if not stat.key.startswith("_reelmill/")]


def test_everything_that_nobody_else_claims_is_removed(tmp_path: Path) -> None:
    line = toy.Line(tmp_path)
    line.stage("upper")
    line.put("v")
    line.go()
    line.survey()
    report = removed(line)
    assert report.removed == 2
    assert report.objects > 0
    assert report.bytes > 0
    assert left(line) == []
    assert removed(line) == RemoveReport()


def test_data_that_another_pipeline_claims_stay_until_it_is_deleted(tmp_path: Path) -> None:
    line = toy.Line(tmp_path)
    line.stage("upper")
    line.put("v")
    line.go()
    line.survey()
    mine, line.uid = line.uid, "another"
    line.survey()
    before = {stat.key for stat in line.store.list()}
    line.uid = mine
    assert removed(line) == RemoveReport(kept=2)
    gone = before - {stat.key for stat in line.store.list()}
    assert len(gone) == 2
    assert all(key.endswith(f"/users/{mine}.json") for key in gone)
    line.uid = "another"
    assert removed(line).removed == 2


def test_data_of_earlier_keys_are_removed_and_unknown_files_stay(tmp_path: Path) -> None:
    line = toy.Line(tmp_path)
    line.stage("upper")
    line.put("v")
    line.go()
    line.survey()
    line.stages.clear()
    line.stage("upper", "Upper", many=2)
    line.go()
    line.survey()
    line.store.write("notes.txt", b"mine")
    assert removed(line).removed == 3
    assert left(line) == ["notes.txt"]


def test_what_reelmill_did_not_write_is_left_and_named(tmp_path: Path) -> None:
    line = toy.Line(tmp_path)
    line.stage("upper")
    line.put("v")
    line.go()
    line.survey()
    mine = [f"{line.data('upper').root}/notes.txt", f"{line.data('raw').root}/0001/cam1.mp4"]
    for key in mine:
        (tmp_path / "store" / key).write_bytes(b"mine")
    report = removed(line)
    assert (report.removed, report.left, sorted(report.left_names)) == (2, 2, sorted(mine))
    assert sorted(left(line)) == sorted(mine)


def test_an_interrupted_removal_continues(tmp_path: Path) -> None:
    line = toy.Line(tmp_path)
    line.stage("upper")
    line.put("v")
    line.go()
    line.survey()
    for stat in list(line.store.list())[::2]:
        if "/users/" not in stat.key:
            line.store.delete(stat.key)
    assert removed(line).removed == 2
    assert left(line) == []


def test_a_survey_of_many_stages_is_reported_in_numbers_where_names_do_not_fit(tmp_path: Path) -> None:
    line = toy.Line(tmp_path)
    for number in range(28):
        line.stage(f"a-stage-with-a-rather-long-name-{number:02d}", "Upper", "raw", many=number + 1)
    line.put("v")
    line.survey()
    task = line.task(Step.SURVEY)
    line.popen(task).communicate()
    data = (line.root / f"report-{task.run}.json").read_bytes()
    assert len(data) <= 4096
