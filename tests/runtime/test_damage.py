"""Damage in a store: each kind is found by the deep check, named by whoever reads it, and handed on by nobody."""

import json
import os
import shutil
from contextlib import suppress
from pathlib import Path

import pytest
import toy_line as toy
from damaged_line import TEXTS, at, built, deep, find, key_of, read
from damaged_objects import CASES, CHANGED, UPPER, Case, cut, flip, replacing
from hypothesis import given, settings
from hypothesis import strategies as st

from reelmill.contract.commands.result_rows import ExportMode
from reelmill.contract.errors import SpecError, StoreDamaged, StoreError
from reelmill.contract.task import Step
from reelmill_stages.commands.export import export
from reelmill_stages.commands.integrity.deep_check import integrity
from reelmill_stages.commands.logs import logs
from reelmill_stages.commands.status import status


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> toy.Line:
    """A source with captions and a stage with a view, complete; one item failed."""
    return built(tmp_path_factory.mktemp("whole"))


@pytest.fixture
def line(base: toy.Line, tmp_path: Path) -> toy.Line:
    return at(base, tmp_path / "line")


def test_a_whole_store_has_no_damage(line: toy.Line) -> None:
    found = deep(line)
    assert found.damage == []
    assert found.objects > len(TEXTS)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_every_damage_is_named_with_its_object_and_a_way_out(line: toy.Line, case: Case) -> None:
    path = find(line, case.pattern)
    case.change(path)
    (row,) = deep(line).damage
    assert row.key == key_of(line, path)
    assert case.sentence in row.problem
    assert "restore it" in row.remedy
    for reader in case.readers:
        with pytest.raises(StoreDamaged) as error:
            read(line, reader)
        assert error.value.where == str(path)
        assert case.sentence in error.value.what
        assert "restore it" in error.value.hint


def test_a_copy_without_attributes_is_not_damaged(line: toy.Line, tmp_path: Path) -> None:
    shutil.rmtree(line.root / "store/.reelmill-store")
    for path in (line.root / "store").rglob("*"):
        if path.is_file():
            shutil.copyfile(path, tmp_path / "plain")
            shutil.move(tmp_path / "plain", path)
    assert deep(line).damage == []
    export(line.task(Step.SURVEY), os.environ, "upper", line.root / "copied", ExportMode.COPY)


def test_a_stage_fails_items_whose_input_is_damaged_and_works_on_the_others(line: toy.Line) -> None:
    path = find(line, "upper/*/0001/out/a.txt")
    flip(path)
    again = line.stage("again", "Upper", "upper")
    line.run_pass(again)
    rows = {row.key: row for row in line.data("again").ledger()}
    assert {key: (str(row.outcome), row.reason) for key, row in rows.items()} == {
        "a": ("failed", "changed"), "b": ("done", ""), "c": ("done", "")
    }  # fmt: skip
    assert f"{path}: {CHANGED}" in rows["a"].message


def test_a_pass_reads_its_rows_against_the_digest_of_when_it_was_opened(line: toy.Line) -> None:
    again = line.stage("again", "Upper", "upper")
    report = line.open(again)
    path = find(line, f"{UPPER}/items/*")
    replacing(b'"number":0', b'"number":7')(path)
    with pytest.raises(StoreDamaged, match=CHANGED):
        line.shard(again, report.segment, 0)


@pytest.mark.store
def test_a_pass_that_an_earlier_version_opened_has_no_digests_and_is_continued(line: toy.Line) -> None:
    again = line.stage("again", "Upper", "upper")
    report = line.open(again)
    path = find(line, "again/*/0001/_reelmill/pass.json")
    plan = json.loads(path.read_text())
    for shard in plan["shards"]:
        for piece in shard["slices"]:
            del piece["digest"]
    path.write_text(json.dumps(plan))
    line.shard(again, report.segment, 0)
    assert line.commit(again, report.segment).counts.done == len(TEXTS)


def test_an_export_by_link_can_skip_reading_but_never_sizes(line: toy.Line) -> None:
    task, path = line.task(Step.SURVEY), find(line, "upper/*/0001/out/a.txt")
    flip(path)
    export(task, os.environ, "upper", line.root / "linked", verify=False)
    cut(path)
    with pytest.raises(StoreDamaged, match=CHANGED):
        export(task, os.environ, "upper", line.root / "other", verify=False)


STRAY = (".DS_Store", "Thumbs.db", "._00000.json", "00000.json~", ".00000.json.swp", "#00000.json#", "00000 (1).json",
         "0.json", "²²²²².json", "desktop.ini")  # fmt: skip
FOLDERS = ("shards", "checkpoints/00000", "flights/00000", "usage", "logs", "items", "outcomes", "ledger", "inputs")


@pytest.mark.store
@settings(max_examples=10)
@given(st.lists(st.tuples(st.sampled_from(FOLDERS), st.sampled_from(STRAY)), min_size=1, max_size=6))
def test_stray_files_among_the_records_are_passed_over(
    base: toy.Line, tmp_path_factory: pytest.TempPathFactory, stray: list[tuple[str, str]]
) -> None:
    line = at(base, tmp_path_factory.mktemp("stray") / "line")
    again = line.stage("again", "Upper", "upper")
    report = line.open(again)
    for root in find(line, "again/*/0001/_reelmill"), find(line, UPPER):
        for folder, name in stray:
            (root / folder).mkdir(parents=True, exist_ok=True)
            (root / folder / name).write_bytes(b"\0Bud1")
    assert line.open(again).done == ""
    line.shard(again, report.segment, 0)
    assert line.commit(again, report.segment).counts.done == len(TEXTS)
    assert deep(line).damage == []
    list(logs(line.task(Step.SURVEY), os.environ, stage="again"))
    status(line.task(Step.SURVEY), os.environ)
    shutil.rmtree(line.root)


@given(name=st.integers(0, 10_000), place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_no_flipped_bit_in_rows_or_outputs_stays_unseen(
    base: toy.Line, tmp_path_factory: pytest.TempPathFactory, name: int, place: float, bit: int
) -> None:
    line = at(base, tmp_path_factory.mktemp("bits") / "line")
    store = line.root / "store"
    paths = [
        *store.glob("*/*/0001/out/*"),
        *store.glob("*/*/0001/_reelmill/items/*"),
        *store.glob("*/*/0001/_reelmill/ledger/*"),
    ]
    path = sorted(paths)[name % len(paths)]
    data = bytearray(path.read_bytes())
    if data:
        data[int(place * len(data))] ^= 1 << bit
        path.write_bytes(data)
        assert [row.key for row in deep(line).damage] == [key_of(line, path)]
    shutil.rmtree(line.root)


@pytest.mark.store
@settings(max_examples=40)
@given(name=st.integers(0, 10_000), data=st.binary(max_size=40))
def test_no_content_of_a_record_causes_a_traceback(
    base: toy.Line, tmp_path_factory: pytest.TempPathFactory, name: int, data: bytes
) -> None:
    line = at(base, tmp_path_factory.mktemp("records") / "line")
    store = line.root / "store"
    paths = sorted([*store.glob("*/latest.json"), *store.glob("*/*/**/_reelmill/**/*.json*")])
    paths[name % len(paths)].write_bytes(data)
    for reader in ("items", "raw", "growth", "ledger", "status", "open"):
        with suppress(SpecError, StoreError):
            read(line, reader)
    deep(line)
    shutil.rmtree(line.root)


def test_an_interrupted_check_continues_where_it_was(line: toy.Line, tmp_path: Path) -> None:
    line.shard_count = 3
    again = line.stage("again", "Upper", "upper")
    line.run_pass(again)
    progress = tmp_path / "progress"
    task = line.task(Step.SURVEY)
    whole = deep(line)
    files = [list(line.data("again").part_files(part)) for part in next(line.data("again").segments()).parts]
    paths = [line.root / "store" / file.key for part in files for file in part]
    for path in paths[0], paths[2]:
        flip(path)
    known = {"store": line.store.uri, "whole": {line.data("again").root: {1: "0-1"}}, "objects": 4}
    progress.write_text(json.dumps(known))
    found = integrity(task, os.environ, progress=progress)
    assert (found.earlier, found.objects) == (4, whole.objects - 4)
    assert [row.key for row in found.damage] == [key_of(line, paths[2])]
    assert not progress.exists()


def test_a_file_without_progress_is_refused_and_left(line: toy.Line, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    notes.write_text("mine\n")
    with pytest.raises(SpecError, match="not the progress"):
        integrity(line.task(Step.SURVEY), os.environ, progress=notes)
    assert notes.read_text() == "mine\n"


def test_outcomes_of_another_shard_are_never_adopted(line: toy.Line) -> None:
    line.shard_count = 2
    again = line.stage("again", "Upper", "upper")
    number = line.open(again).segment
    line.shard(again, number, 0)
    paths = line.data("again").paths(number)
    line.store.delete(paths.shard(0))
    line.store.write(paths.outcomes(1), line.store.read(paths.outcomes(0)))
    with pytest.raises(StoreDamaged, match="outcomes of inputs that are not in the shard"):
        line.shard(again, number, 1)


@pytest.mark.parametrize("attributes", [True, False])
def test_checkpoints_of_another_data_set_are_never_adopted(line: toy.Line, *, attributes: bool) -> None:
    again = line.stage("again", "Upper", "upper")
    number = line.open(again).segment
    wrong = find(line, f"{UPPER}/outcomes/00000.jsonl")
    there = line.root / "store" / line.data("again").paths(number).checkpoint(0, "1-0123abcd")
    there.parent.mkdir(parents=True)
    (shutil.copy2 if attributes else shutil.copyfile)(wrong, there)
    assert key_of(line, there) in [row.key for row in deep(line).damage]
    with pytest.raises(StoreDamaged, match="of another p"):
        line.shard(again, number, 0)
