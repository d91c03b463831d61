"""Sources grow, change and lose items; failed items are retried. What was done is never done again."""

from pathlib import Path

import pytest
import toy_line as toy

from reelmill.contract.records.segment import Segment
from reelmill_stages.records.drift import DriftRecord
from reelmill_stages.records.record_files import load


def test_three_new_of_103_are_the_only_ones_processed(tmp_path: Path) -> None:
    line = toy.Line(tmp_path)
    trace = tmp_path / "trace"
    line.stage("upper", trace=str(trace))
    for number in range(100):
        line.put(f"v{number:03d}", "filter dull" if number % 10 else "content")
    line.go()
    trace.unlink()
    for number in range(100, 103):
        line.put(f"v{number:03d}")
    line.go()
    assert trace.read_text().split() == ["v100", "v101", "v102"]
    data = line.data("upper")
    toy.law(data)
    assert (data.totals.in_, data.totals.done) == (103, 13)
    assert [item.ordinal for item in data.items()] == list(range(13))
    assert [item.fields["number"] for item in data.items()] == [*range(0, 100, 10), 100, 101, 102]
    assert line.advance() == 0


def test_a_refresh_that_finds_nothing_adds_no_segment(tmp_path: Path) -> None:
    line = toy.Line(tmp_path)
    line.put("v")
    line.survey()
    report = line.survey()
    assert (report.sources["raw"].segments, report.sources["raw"].new) == (1, 0)


def test_changed_and_vanished_inputs_are_reported_and_never_mixed_in(tmp_path: Path) -> None:
    line = toy.Line(tmp_path)
    line.stage("upper")
    for key in ("same", "rewritten", "retitled", "vanishing", "deleted"):
        line.put(key, fields={"text": "a"})
    line.go()
    before = toy.contents(line.data("upper"))
    line.put("rewritten", "other content", fields={"text": "a"})
    line.put("retitled", fields={"text": "b"})
    line.drop_row("vanishing")
    (tmp_path / "media/raw/deleted.txt").unlink()
    report = line.survey()
    assert (report.sources["raw"].new, report.sources["raw"].drifted) == (0, 4)
    assert line.advance() == 0
    drift = load(line.store, line.data("raw").names.drift_json, DriftRecord)
    assert drift is not None
    assert (sorted(drift.changed_keys), drift.vanished_keys) == (["deleted", "retitled", "rewritten"], ["vanishing"])
    assert toy.contents(line.data("upper")) == before


def test_an_input_that_changes_between_listing_and_reading_is_failed_changed(tmp_path: Path) -> None:
    line = toy.Line(tmp_path)
    line.stage("upper")
    line.put("v")
    line.put("w")
    line.put("x")
    line.survey()
    (tmp_path / "media/raw/v.txt").write_text("something else, and longer")
    (tmp_path / "media/raw/w.txt").unlink()
    line.advance()
    assert toy.outcomes(line.data("upper")) == {
        "v": ("failed", "changed"),
        "w": ("failed", "missing"),
        "x": ("done", ""),
    }


def test_a_missing_input_is_taken_up_once_it_exists(tmp_path: Path) -> None:
    line = toy.Line(tmp_path)
    line.stage("upper")
    line.put("v")
    late = tmp_path / "late.txt"
    line.list_row({"key": "late", "file": str(late)})
    line.list_row({"key": "never", "file": "/nowhere"})
    line.list_row({"key": "odd", "file": "", "problem": ["bad_span", "end before start"]})
    line.go()
    assert line.survey().sources["raw"].new == 0
    late.write_text("here")
    assert line.survey().sources["raw"].new == 1
    line.advance()
    assert toy.contents(line.data("upper"))["late"] == "HERE"
    last = line.data("raw").last
    assert last is not None
    assert last.totals.model_dump(by_alias=True) == {"in": 4, "done": 2, "filtered": 0, "failed": 2, "skipped": 0}
    assert last.reasons == {"failed:bad_span": 1, "failed:missing": 1}
    assert toy.outcomes(line.data("raw"))["late"] == ("done", "")


@pytest.mark.store
def test_a_retry_pass_takes_failed_items_by_class_and_replaces_their_rows(tmp_path: Path) -> None:
    line = toy.Line(tmp_path)
    upper = line.stage("upper")
    line.stage("again")
    flag = tmp_path / "flag"
    flag.touch()
    for key in ("a", "b", "c"):
        line.put(key)
    line.put("flaky", f"fail-if {flag} s3_5xx\nok")
    line.put("bad", "fail broken")
    line.go()
    flag.unlink()
    report = line.run_pass(upper, kind="retry", retry=("s3_5xx",))
    assert report.counts.model_dump(by_alias=True) == {"in": 1, "done": 1, "filtered": 0, "failed": 0, "skipped": 0}
    data = line.data("upper")
    toy.law(data)
    assert report.totals == data.totals
    assert report.reasons == {"failed:broken": 1}
    rows = {row.key: row for row in data.ledger()}
    assert (rows["flaky"].outcome, rows["flaky"].attempt, rows["bad"].attempt) == ("done", 2, 1)
    flaky = next(item for item in data.items() if item.key == "flaky")
    assert (flaky.ordinal, flaky.fields["number"]) == (3, 5)
    assert len(list(data.raw_ledger())) == 6
    found = line.survey().stages["upper"]
    assert (found.retries, found.reasons) == (1, {"failed:broken": 1})
    assert line.advance() == 1
    assert set(toy.contents(line.data("again"))) == {"a", "b", "c", "flaky"}


def test_a_retry_with_nothing_to_retry_ends_as_an_empty_pass(tmp_path: Path) -> None:
    line = toy.Line(tmp_path)
    upper = line.stage("upper")
    line.put("v")
    line.go()
    report = line.run_pass(upper, kind="retry")
    assert (report.counts.in_, report.totals.in_) == (0, 1)


@pytest.mark.store
def test_waves_4_gives_the_same_data_set_as_waves_1_and_splits_no_group(tmp_path: Path) -> None:
    one, four = toy.Line(tmp_path / "one"), toy.Line(tmp_path / "four", waves=4)
    for line in (one, four):
        line.root.mkdir()
        line.rows = [
            {
                "key": f"v{number:03d}",
                "file": str(tmp_path / f"{number}.txt"),
                "group": f"g{number // 3}",
                "_source": "raw",
            }
            for number in range(410)
        ]
        line.stage("upper")
    for number in range(410):
        (tmp_path / f"{number}.txt").write_text(str(number) if number % 20 == 0 else "filter dull")
    one.go()
    four.go()
    segments = list(four.data("raw").segments())
    assert len(segments) == 4
    assert all(segment.items >= 100 for segment in segments)
    groups = [
        {item.group for part in segment.parts for item in four.data("raw").part_items(part)} for segment in segments
    ]
    assert sum(map(len, groups)) == len(set().union(*groups))
    assert toy.contents(one.data("upper")) == toy.contents(four.data("upper"))
    assert toy.outcomes(one.data("upper")) == toy.outcomes(four.data("upper"))


def test_few_items_are_one_wave(tmp_path: Path) -> None:
    line = toy.Line(tmp_path, waves=8)
    for number in range(150):
        line.list_row({"key": f"v{number}", "problem": ["odd", "on purpose"]})
    line.survey()
    assert [segment.counts.in_ for segment in line.data("raw").segments()] == [150]


def test_a_group_whose_rows_are_scattered_is_brought_together(tmp_path: Path) -> None:
    line = toy.Line(tmp_path)
    for number in range(6):
        line.put(f"v{number}", group="even" if number % 2 == 0 else "odd")
    line.survey()
    assert [item.key for item in line.data("raw").items()] == ["v0", "v2", "v4", "v1", "v3", "v5"]


def test_two_rows_of_one_key_are_both_accounted_for(tmp_path: Path) -> None:
    line = toy.Line(tmp_path)
    line.put("v")
    row = (tmp_path / "raw.jsonl").read_text()
    line.survey()
    line.rows *= 3
    assert line.survey().sources["raw"].new == 2
    assert line.survey().sources["raw"].new == 0
    assert row
    assert toy.outcomes(line.data("raw")) == {"v#2": ("failed", "duplicate_key"), "v#3": ("failed", "duplicate_key")}


@pytest.mark.store
def test_listings_are_cut_into_files_of_bounded_length(tmp_path: Path) -> None:
    line = toy.Line(tmp_path)
    line.rows = [{"key": f"v{n}", "problem": ["odd", ""], "_source": "raw"} for n in range(10_001)]
    line.survey()
    segment = load(line.store, line.data("raw").paths(1).segment_json, Segment)
    assert segment is not None
    assert len(segment.parts) == 2


def test_an_item_is_the_same_whatever_its_outputs_are_called(tmp_path: Path) -> None:
    line = toy.Line(tmp_path)
    line.stage("upper")
    line.put("v", fields={"vid": "v", "name": "s"})
    line.go()
    line.list_row({**line.rows[0], "fields": {"vid": "v", "name": "s-12345678"}})
    report = line.survey().sources["raw"]
    assert (report.new, report.drifted) == (0, 0)
