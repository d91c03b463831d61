"""Damaged files are made again from their items, where they are certain to become what they were."""

import os
from pathlib import Path

import pytest
import toy_line as toy
from damaged_line import at, built, deep, find, key_of
from damaged_objects import RAW, Change, cut, deleted, flip, writing

from reelmill.contract.commands.result_rows import RepairResult
from reelmill.contract.task import Step
from reelmill_stages.commands.integrity.repair import repair


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> toy.Line:
    """A source with captions and a stage with a view, complete; one item failed."""
    return built(tmp_path_factory.mktemp("whole"))


@pytest.fixture
def line(base: toy.Line, tmp_path: Path) -> toy.Line:
    return at(base, tmp_path / "line")


def mend(line: toy.Line) -> RepairResult:
    return repair(line.task(Step.SURVEY), os.environ, timeouts={"upper": 60, "joined": 60}, now=1_800_000_000)


@pytest.mark.store
@pytest.mark.parametrize("change", [flip, cut, deleted, writing(b"somebody's own file")])
def test_a_damaged_file_of_one_item_is_made_again_and_nothing_else_changes(line: toy.Line, change: Change) -> None:
    before = {path: path.read_bytes() for path in (line.root / "store").rglob("*") if path.is_file()}
    path = find(line, "upper/*/0001/out/b.txt")
    change(path)
    damaged = path.read_bytes() if path.exists() else None
    found = mend(line)
    (row,) = found.rows
    assert (row.stage, row.key, row.repaired, row.why) == ("upper", key_of(line, path), True, "")
    assert {path: path.read_bytes() for path in before} == before
    trash = list((line.root / "store/_reelmill/trash").rglob("*.txt"))
    assert [path.read_bytes() for path in trash] == ([] if damaged is None else [damaged])
    assert bool(found.trash) == bool(trash)
    assert deep(line).damage == []
    assert line.store.stat(row.key).metadata["item"] == "b"


@pytest.mark.store
def test_a_pipe_in_the_place_of_a_file_is_reported_and_left(line: toy.Line) -> None:
    path = find(line, "upper/*/0001/out/b.txt")
    path.unlink()
    os.mkfifo(path)
    (row,) = deep(line).damage
    assert "a pipe, a socket or a device, not a file" in row.problem
    (left,) = mend(line).rows
    assert "this is a folder, link, pipe or device, not a file" in left.why
    assert path.is_fifo()


@pytest.mark.store
def test_an_object_that_cannot_be_verified_is_left_and_reported(tmp_path: Path) -> None:
    line = built(tmp_path)
    path = find(line, "upper/*/0001/out/a.txt")
    find(line, "../media/raw/a.txt").write_text("another film\n")
    flip(path)
    damaged = path.read_bytes()
    items = find(line, f"{RAW}/items/*")
    (row,) = mend(line).rows
    assert not row.repaired
    assert row.why.startswith("a does not produce this file now: failed changed ")
    assert row.why.endswith("media/raw/a.txt has changed since it was listed")
    assert path.read_bytes() == damaged
    flip(items)
    rows = {row.key: row.why for row in mend(line).rows}
    assert rows[key_of(line, items)] == "only output files of stages and indexes of kept inputs can be rebuilt"
    assert rows[key_of(line, path)].startswith("the input of a cannot be read: ")
    assert not (line.root / "store/_reelmill/trash").exists()


@pytest.mark.store
def test_a_file_of_several_items_is_not_made_again(line: toy.Line) -> None:
    line.run_pass(line.stage("joined", "Join", "upper"))
    path = find(line, "joined/*/0001/**/*.txt")
    flip(path)
    (row,) = mend(line).rows
    assert row.why.startswith("the file contains several items of a shard")


@pytest.mark.store
def test_damage_is_repaired_upstream_first(line: toy.Line) -> None:
    line.run_pass(line.stage("joined", "Upper", "upper"))
    paths = [find(line, "upper/*/0001/out/a.txt"), find(line, "joined/*/0001/out/a.txt")]
    for path in paths:
        flip(path)
    assert [(row.key, row.why) for row in mend(line).rows] == [(key_of(line, path), "") for path in paths]
    assert deep(line).damage == []


def test_damage_that_a_check_finds_outside_of_data_sets_is_reported_and_left(line: toy.Line) -> None:
    find(line, "_reelmill/store.json").unlink()
    (damaged,) = deep(line).damage
    (row,) = mend(line).rows
    assert (row.stage, row.key, row.problem, row.repaired) == ("", damaged.key, damaged.problem, False)
    assert row.why == f"only files of the pipeline's present data sets can be rebuilt; {damaged.remedy}"
