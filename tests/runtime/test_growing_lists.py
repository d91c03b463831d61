"""Lists that grow or change beside their crops: views follow, and no crop is worked on again."""

import json
import os
import pickle
import random
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import toy_line as toy
from hypothesis import given, settings
from hypothesis import strategies as st
from toy_lips import LipLine

from lip_crops import write_list
from reelmill.contract.records.verification import ProgressRecord
from reelmill.contract.task import Step
from reelmill_stages.commands.forecast import forecast
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.records.inventory import places
from reelmill_stages.records.owned import owned
from reelmill_stages.runtime.verify.digest_comparison import DamagedObject, damaged_objects
from reelmill_stages.runtime.verify.digest_reader import Reading
from reelmill_stages.runtime.verify.progress import VerificationProgress

pytestmark = pytest.mark.store  # needs no server, but the seconds that this tier may take

Row = tuple[str, str]
"""The crops of both speakers in one mixture."""
Lists = dict[str, Sequence[Row]]


def write(line: LipLine, lists: Lists) -> None:
    """Write the lists; crops that end with `-` do not exist."""
    for split, rows in lists.items():
        found: dict[str, list[list[Any]]] = {"mix": [], "s1": [], "s2": []}
        for crops in rows:
            name = "_".join(crops)
            found["mix"].append([f"/mix/{name}.wav", 32000])
            for speaker, crop in zip(("s1", "s2"), crops, strict=True):
                found[speaker].append([f"/{speaker}/{name}.wav", f"mouths/{crop}.npz", 32000])
                path = line.root / "lips" / "mouths" / f"{crop}.npz"
                path.parent.mkdir(parents=True, exist_ok=True)
                if not crop.endswith("-") and not path.exists():
                    path.write_text(crop)
        for name, values in found.items():
            write_list(line.root / "lips", split, name, values)


def damage_in(data: DataSet) -> list[DamagedObject]:
    progress = VerificationProgress(ProgressRecord(store=data.store.uri))
    return list(damaged_objects(data, Reading(data.store, read_all=True), progress))


def run(line: LipLine, lists: Lists) -> None:
    write(line, lists)
    line.go()


def made(root: Path, lists: Lists, *, old: bool = False) -> LipLine:
    line = LipLine(root, old=old)
    line.embedded()
    run(line, lists)
    return line


def views(line: LipLine) -> dict[str, Any]:
    """Name -> content of the views; the number of the segment is cut from paths."""
    data = line.data("embedded")
    record = data.record()
    assert record is not None
    assert record.view
    found = {}
    for name in record.views:
        found[name] = json.loads(line.store.read(data.names.view(name)))
        if name.endswith(("s1.json", "s2.json")):
            found[name] = [[wav, path.partition("/")[2], samples] for wav, path, samples in found[name]]
    return found


def drifted(line: LipLine) -> int:
    return line.survey().sources["raw"].drifted


AB, CD, AD = ("a", "b"), ("c", "d"), ("a", "d")


def test_a_row_more_for_old_crops_is_in_the_lists_and_no_crop_is_worked_on_again(tmp_path: Path) -> None:
    line = made(tmp_path, {"tr": [AB, CD]})
    assert views(line)["tr/ready.json"] == {"rows": 2, "frames": [50]}
    run(line, {"tr": [AB, CD, AD]})
    found = views(line)
    assert found["tr/mix.json"] == [["/mix/a_b.wav", 32000], ["/mix/c_d.wav", 32000], ["/mix/a_d.wav", 32000]]
    assert found["tr/s2.json"][2] == ["/s2/a_d.wav", "mouths/d.npz", 32000]
    assert found["tr/ready.json"] == {"rows": 3, "frames": [50]}
    assert sorted(line.worked_on) == [f"mouths/{crop}.npz" for crop in "abcd"]
    assert drifted(line) == 0
    toy.law(line.data("embedded"))


def test_lists_that_did_not_change_make_no_segment(tmp_path: Path) -> None:
    line = made(tmp_path, {"tr": [AB, CD]})
    line.survey()
    assert line.advance() == 0
    assert line.data("raw").last.segment == 1  # type: ignore[union-attr]


def test_a_plan_tells_that_only_rows_of_lists_changed(tmp_path: Path) -> None:
    line = made(tmp_path, {"tr": [AB]})
    assert forecast(line.task(Step.SURVEY), os.environ).sources["raw"].lists_changed is False
    write(line, {"tr": [AB, ("b", "a")]})
    found = forecast(line.task(Step.SURVEY), os.environ).sources["raw"]
    assert (found.new, found.changed, found.lists_changed) == (0, 0, True)


def test_rows_that_are_removed_are_gone_from_the_lists_and_the_embeddings_stay(tmp_path: Path) -> None:
    line = made(tmp_path, {"tr": [AB, CD], "cv": [AD]})
    run(line, {"tr": [CD], "cv": [AD]})
    found = views(line)
    assert found["tr/mix.json"] == [["/mix/c_d.wav", 32000]]
    assert found["tr/ready.json"]["rows"] == 1
    assert found["cv/ready.json"]["rows"] == 1
    assert line.data("embedded").item_count == 4
    assert drifted(line) == 1  # crop b is in no list any more
    assert "embeddings.json" not in found


def test_a_crop_in_two_lists_is_one_item_with_the_rows_of_both(tmp_path: Path) -> None:
    line = made(tmp_path, {"tr": [AB]})
    run(line, {"tr": [AB], "cv": [AB, ("b", "a")]})
    found = views(line)
    assert [row[1] for row in found["cv/s1.json"]] == ["mouths/a.npz", "mouths/b.npz"]
    assert found["tr/ready.json"]["rows"] == 1
    assert len(line.worked_on) == 2


def test_new_crops_come_with_new_rows_of_old_ones(tmp_path: Path) -> None:
    line = made(tmp_path, {"tr": [AB]})
    run(line, {"tr": [("e", "a"), AB, ("b", "e")]})
    found = views(line)
    assert [row[1] for row in found["tr/s1.json"]] == ["mouths/e.npz", "mouths/a.npz", "mouths/b.npz"]
    assert line.worked_on == ["mouths/a.npz", "mouths/b.npz", "mouths/e.npz"]


def test_lists_that_are_short_say_by_how_much_and_are_whole_once_the_crop_is_there(tmp_path: Path) -> None:
    line = made(tmp_path, {"tr": [AB, ("a", "x-")]})
    assert views(line)["tr/missing.json"] == {"rows": 2, "with_embeddings": 1, "missing": [[1, "s2"]]}
    (line.root / "lips/mouths/x-.npz").write_text("x")
    line.go()
    assert "tr/missing.json" not in views(line)
    assert views(line)["tr/ready.json"]["rows"] == 2


def test_crops_that_version_0_1_0_listed_are_not_changed_and_not_worked_on_again(tmp_path: Path) -> None:
    line = made(tmp_path, {"tr": [AB, CD]}, old=True)
    before = views(line)
    line.old = False
    assert line.survey().sources["raw"].drifted == 0
    assert line.advance() == 0
    run(line, {"tr": [AB, CD, AD]})
    assert before["tr/ready.json"]["rows"] == 2
    assert views(line)["tr/ready.json"]["rows"] == 3
    assert len(line.worked_on) == 4
    run(line, {"tr": [AB]})
    assert views(line)["tr/mix.json"] == [["/mix/a_b.wav", 32000]]


def test_the_rows_of_lists_are_records_that_are_checked_and_removed_like_others(tmp_path: Path) -> None:
    line = made(tmp_path, {"tr": [AB]})
    run(line, {"tr": [AB, ("b", "a")]})
    source = line.data("raw")
    assert source.last is not None
    assert source.last.list_rows is not None
    assert source.last.items == 0
    assert source.last.list_rows.key in set(source.records())
    place = next(found for found in places(line.store.list("")) if found.root == source.root)
    mine = owned(line.store, place)
    assert mine is not None
    assert mine.left == ()
    assert not list(damage_in(source))
    (line.root / "store" / source.last.list_rows.key).write_text("{}\n")
    (damage,) = damage_in(source)
    assert damage.key == source.last.list_rows.key


def test_kills_between_any_two_steps_lose_no_row(tmp_path: Path) -> None:
    moments = random.Random(7)
    line = made(tmp_path, {"tr": [AB]})
    write(line, {"tr": [AB, CD, AD, ("e", "f"), ("b", "e")], "cv": [("f", "a")]})
    file = tmp_path / "line.pickle"
    for _ in range(4):
        file.write_bytes(pickle.dumps(line))
        process = subprocess.Popen([sys.executable, str(toy.HERE / "toy_run.py"), str(file)], start_new_session=True)
        try:
            process.wait(timeout=moments.uniform(0.2, 1.5))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    line.go()
    last = line.data("embedded").last
    assert last
    line.commit(line.stages[0], last.segment)  # a step that was killed before it wrote its views runs again
    (tmp_path / "whole").mkdir()
    whole = made(tmp_path / "whole", {"tr": [AB, CD, AD, ("e", "f"), ("b", "e")], "cv": [("f", "a")]})
    assert views(line) == views(whole)
    toy.law(line.data("embedded"))


CROPS = st.sampled_from("abcde")
ROWS = st.lists(st.tuples(CROPS, CROPS), min_size=1, max_size=5)
STATES = st.fixed_dictionaries({"tr": ROWS}, optional={"cv": ROWS})


@settings(max_examples=6, deadline=None)
@given(st.lists(STATES, min_size=1, max_size=2), STATES, st.integers(1, 2))
def test_any_growth_and_change_gives_the_lists_of_one_run_over_the_final_source(
    before: list[Lists], final: Lists, waves: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "grown").mkdir()
        (Path(folder) / "whole").mkdir()
        grown = made(Path(folder) / "grown", before[0])
        grown.waves = waves
        for lists in [*before[1:], final]:
            # A split that is gone from the folder is gone from the source.
            for split in {"tr", "cv"} - lists.keys():
                (grown.root / "lips/lists" / split / "mix.json").unlink(missing_ok=True)
            run(grown, lists)
        whole = made(Path(folder) / "whole", final)
        assert views(grown) == views(whole)
        assert len(grown.worked_on) == len(set(grown.worked_on))
        toy.law(grown.data("embedded"))
