"""Views: made from committed segments, replaced by newer ones, never by older; editing one runs no item again."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import toy_line as toy

from reelmill.contract.digest import view_fingerprint
from reelmill.contract.errors import SpecError
from reelmill.contract.records.segment import StageRecord
from reelmill_stages.records.record_files import load
from reelmill_stages.runtime.views import write_record


def shown(line: toy.Line) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(line.store.read(line.data("upper").names.view("all.json")))
    return found


def test_editing_a_view_runs_a_commit_and_no_item(tmp_path: Path) -> None:
    line = toy.Line(tmp_path)
    upper = line.stage("upper", trace=str(tmp_path / "trace"))
    line.put("v")
    line.views["upper"] = {"split": "random"}
    line.go()
    assert line.survey().stages["upper"].view == view_fingerprint({"split": "random"})
    trace = (tmp_path / "trace").read_text()
    report = line.commit(upper, 1, view={"split": "by_video"}, view_only=True)
    assert report.view == view_fingerprint({"split": "by_video"})
    assert shown(line) == {"view": {"split": "by_video"}, "keys": ["v"]}
    assert line.survey().stages["upper"].view == report.view
    assert (tmp_path / "trace").read_text() == trace


def test_a_view_shows_all_segments_and_says_so(tmp_path: Path) -> None:
    line = toy.Line(tmp_path)
    upper = line.stage("upper")
    line.put("v")
    line.go()
    line.put("w")
    line.go()
    assert shown(line)["keys"] == ["v", "w"]
    name = line.data("upper").names.view("all.json")
    assert line.store.stat(name).metadata["segment"] == "2"
    line.commit(upper, 1)
    assert line.store.stat(name).metadata["segment"] == "2"
    assert shown(line)["keys"] == ["v", "w"]


def test_records_never_go_backwards_and_the_open_step_repairs_a_lagging_one(tmp_path: Path) -> None:
    line = toy.Line(tmp_path)
    upper = line.stage("upper")
    line.put("v")
    line.go()
    names = line.data("upper").names
    first = load(line.store, names.stage_json, StageRecord)
    assert first is not None
    line.put("w")
    line.go()
    write_record(line.store, first)
    second = load(line.store, names.stage_json, StageRecord)
    assert second is not None
    assert (second.segment, second.totals.done, second.upstreams) == (2, 2, {"raw": line.source.key})
    line.store.delete(names.stage_json)
    line.store.write(names.stage_json, first.model_dump_json(by_alias=True).encode())
    assert line.survey().stages["upper"].view == ""
    line.put("x")
    line.survey()
    line.open(upper)
    repaired = load(line.store, names.stage_json, StageRecord)
    assert repaired is not None
    assert (repaired.segment, repaired.view) == (2, "")


def test_heavy_views_wait_until_the_upstreams_are_complete(tmp_path: Path) -> None:
    line = toy.Line(tmp_path)
    heavy = line.stage("upper", "Heavy")
    line.put("v")
    line.survey()
    line.open(heavy)
    line.shard(heavy, 1, 0)
    assert line.commit(heavy, 1, complete=False).view == ""
    names = line.data("upper").names
    assert [stat.key for stat in line.store.list(names.view("all"))] == []
    assert line.commit(heavy, 1, complete=True, view_only=True).view == view_fingerprint({})
    assert shown(line)["keys"] == ["v"]


def test_a_view_that_is_no_longer_made_is_removed(tmp_path: Path) -> None:
    line = toy.Line(tmp_path)
    upper = line.stage("upper")
    line.put("v")
    line.go()
    line.commit(upper, 1, view={"file": "other.json"}, view_only=True)
    names = line.data("upper").names
    assert [stat.key for stat in line.store.list(f"{names.root}/") if stat.key.count("/") == 2] == [
        names.view("other.json")
    ]


def test_a_stage_that_names_two_views_alike_is_refused_and_no_view_takes_the_place_of_another(tmp_path: Path) -> None:
    line = toy.Line(tmp_path)
    upper = line.stage("upper")
    line.put("v")
    line.go()
    with pytest.raises(SpecError, match=r"gives two views the name all\.json"):
        line.commit(upper, 1, view={"times": 2}, view_only=True)


def test_a_view_that_was_edited_by_hand_is_kept_beside_the_next_one(tmp_path: Path) -> None:
    line = toy.Line(tmp_path)
    line.stage("upper")
    view = line.data("upper").names.view("all.json")
    for edited in (b"edited once", b"edited twice"):
        line.put(edited.decode())
        line.go()
        (tmp_path / "store" / view).write_bytes(edited)
    line.put("last")
    line.go()
    assert shown(line)["keys"] == ["edited once", "edited twice", "last"]
    kept = {stat.key: line.store.read(stat.key) for stat in line.store.list(f"{view}.edited")}
    assert kept == {f"{view}.edited": b"edited once", f"{view}.edited-2": b"edited twice"}


@pytest.mark.parametrize("added", [b"", b" "], ids=["unchanged", "edited"])
def test_a_view_without_its_attributes_is_kept_only_if_it_was_edited(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, added: bytes
) -> None:
    line = toy.Line(tmp_path)
    line.stage("upper")
    line.put("v")
    line.go()
    view = line.data("upper").names.view("all.json")
    copied = line.store.read(view) + added
    (tmp_path / "copy").write_bytes(copied)
    (tmp_path / "copy").replace(tmp_path / "store" / view)
    line.put("w")
    line.go()
    assert shown(line)["keys"] == ["v", "w"]
    kept = [line.store.read(stat.key) for stat in line.store.list(f"{view}.")]
    assert kept == ([copied] if added else [])
    assert ("or copied without the attributes" in caplog.text) == bool(added)


def test_a_view_without_its_attributes_is_kept_if_its_parameters_have_changed_since(tmp_path: Path) -> None:
    line = toy.Line(tmp_path)
    upper = line.stage("upper")
    line.put("v")
    line.go()
    view = line.data("upper").names.view("all.json")
    copied = line.store.read(view)
    (tmp_path / "copy").write_bytes(copied)
    (tmp_path / "copy").replace(tmp_path / "store" / view)
    line.commit(upper, 1, view={"split": "random"}, view_only=True)
    assert line.store.read(f"{view}.edited") == copied


def test_concurrent_commits_keep_an_edited_view_once_and_never_one_of_their_own(tmp_path: Path) -> None:
    line = toy.Line(tmp_path)
    upper = line.stage("upper")
    line.put("v")
    line.go()
    view = line.data("upper").names.view("all.json")
    edits = [b"edited once", b"edited twice"]
    for number, edit in enumerate(edits):
        (tmp_path / "store" / view).write_bytes(edit)
        views = [{"split": f"{number} {place}"} for place in range(4)]
        with ThreadPoolExecutor(len(views)) as pool:
            list(pool.map(lambda each: line.commit(upper, 1, view=each, view_only=True), views))
        assert shown(line)["view"] in views
    assert [line.store.read(stat.key) for stat in line.store.list(f"{view}.")] == edits


def test_a_view_that_was_edited_by_hand_is_not_replaced_by_that_of_an_older_segment(tmp_path: Path) -> None:
    line = toy.Line(tmp_path)
    upper = line.stage("upper")
    line.put("v")
    line.go()
    names = line.data("upper").names
    view, summary = names.view("all.json"), line.store.read(names.stage_json)
    line.put("w")
    line.go()
    (tmp_path / "store" / view).write_bytes(b"edited")
    # The records are those that a commit reads which began before the second segment was closed.
    line.store.delete(names.segment(2).segment_json)
    line.store.write(names.stage_json, summary)
    line.commit(upper, 1, view={"split": "random"})
    assert line.store.read(view) == b"edited"
