"""The benchmark's table and page. What it measures is no test."""

import json
import sys
from pathlib import Path

import pytest

from bench import row as bench_row
from bench import table
from bench.gather import SCRIPTS, gather_command
from bench.row import Row
from bench.timing import Times, in_turns
from repo.tree import ROOT

HIT = Row("frames", "720p", "ffmpeg to null", 0.5, 1.0, "s", 2.0, 2.1, 1.7, rounds=(5, 5))
MISS = Row("pack", "stage", "TarWriter", 2.0, 1.0, "s", 0.5, None, 1.0, rounds=(5, 5))
SHARE = Row("transfer share", "clips", "the stage", 0.1, 4.0, "s", 0.024, None, 0.05, True, rounds=(5, 5))
NOT_RUN = Row("whole chain", "all", not_run="video2dataset needs ffprobe on PATH")
RESULT = {
    "date": "2026-01-31",
    "command": "make bench",
    "load": "0.1 before, 1.0 after",
    "machine": {"CPU": "a | b", "cores": "2"},
    "rows": [row.to_json() for row in (HIT, MISS, SHARE, NOT_RUN)],
}


@pytest.mark.parametrize("row", [HIT, MISS, SHARE, NOT_RUN], ids=lambda row: row.bench)
def test_a_row_survives_its_json(row: Row) -> None:
    assert Row.from_json(json.loads(json.dumps(row.to_json()))) == row


def test_a_row_hits_when_its_ratio_reaches_the_target_and_a_share_when_it_stays_below() -> None:
    verdicts = [row.verdict for row in (HIT, MISS, SHARE, NOT_RUN)]
    assert verdicts == ["hit", "MISS", "hit", "not run"]
    over = Row("transfer share", "clips", ratio=0.06, target=0.05, at_most=True)
    assert over.verdict == "MISS"


def test_a_printed_row_has_three_digits(capsys: pytest.CaptureFixture[str]) -> None:
    bench_row.emit(Row("clip", "copy", "x264", 0.123456, 61.2345, "s", 496.0137, None, 100, rounds=(5, 1)))
    assert json.loads(capsys.readouterr().out) == {
        "bench": "clip", "case": "copy", "against": "x264", "ours": 0.123, "peer": 61.2, "unit": "s",
        "ratio": 496.0, "target": 100, "rounds": [5, 1],
    }  # fmt: skip


def test_the_table_is_aligned_and_ends_with_what_was_not_run() -> None:
    head, hit, miss, share, none, reason = table.text([HIT, MISS, SHARE, NOT_RUN]).splitlines()
    assert head.split() == ["bench", "case", "ours", "peer", "ratio", "by", "CPU", "target"]
    assert hit.endswith("hit")
    assert miss.endswith("MISS")
    assert share.endswith("hit")
    assert none.endswith("not run")
    assert {line.index(word) for line, word in ((hit, "hit"), (miss, "MISS"), (none, "not run"))} == {hit.index("hit")}
    assert "2.4%" in share
    assert "<= 5%" in share
    assert "2x" in hit
    assert ">= 1.7x" in hit
    assert reason == "not run: whole chain, all: video2dataset needs ffprobe on PATH"


def test_the_page_names_misses_what_was_not_run_and_what_was_compared() -> None:
    page = table.page(RESULT)
    assert "| frames | 720p | 0.5 s | 1 s | 2x | 2.1x | >= 1.7x | hit |" in page
    assert "## Missed targets" in page
    assert "| pack: stage | nothing yet |" in page
    assert "| whole chain: all | video2dataset needs ffprobe on PATH |" in page
    assert "| transfer share | the stage |" in page
    assert "| CPU | a \\| b |" in page


def test_a_miss_that_the_cpu_seconds_do_not_confirm_says_so() -> None:
    assert "1.2x by CPU seconds" in table.note(Row("pack", "stage", ratio=0.8, cpu_ratio=1.2, target=1.0))
    assert table.note(Row("pack", "stage", ratio=0.8, cpu_ratio=0.9, target=1.0)) == "nothing yet"


def test_the_committed_page_is_what_the_committed_results_say() -> None:
    result = json.loads((ROOT / "docs/benchmarks.json").read_text())
    assert (ROOT / "docs/benchmarks.md").read_text() == table.page(result)


def test_every_row_that_misses_says_what_was_tried() -> None:
    rows = [Row.from_json(row) for row in json.loads((ROOT / "docs/benchmarks.json").read_text())["rows"]]
    assert not [row for row in rows if row.verdict == "MISS" and table.note(row) == "nothing yet"]


def test_a_script_that_breaks_off_keeps_its_rows_and_says_why() -> None:
    line = json.dumps(HIT.to_json())
    code = f"print({line!r}); print('chatter'); raise SystemExit('the disk is full')"
    first, last = gather_command([sys.executable, "-c", code], "frames")
    assert first == HIT
    assert last.not_run == "ended with 1: the disk is full"


def test_both_sides_are_measured_in_turns_and_a_slow_peer_less_often() -> None:
    acts: list[str] = []
    times = in_turns(lambda: acts.append("ours"), lambda: acts.append("peer"), 3, warm=False)
    assert acts == ["peer", "ours", "ours", "peer", "peer", "ours"]
    assert times.rounds == (3, 3)
    acts.clear()
    times = in_turns(lambda: acts.append("ours"), lambda: acts.append("peer"), 5, peer_rounds=1)
    assert times.rounds == (5, 1)
    assert acts.count("ours") == 6


def test_the_ratio_is_the_median_of_the_rounds() -> None:
    assert Times(ours=[1.0, 1.0, 10.0], peer=[2.0, 4.0, 10.0]).ratio == 2.0
    assert Times(ours=[1.0, 2.0, 3.0], peer=[8.0]).ratio == 4.0


def test_every_script_of_rows_is_there() -> None:
    assert all((Path(ROOT) / "tests/bench" / f"{name}.py").exists() for name in SCRIPTS)


def test_rows_that_were_measured_again_replace_those_of_the_page_and_new_ones_follow_their_bench() -> None:
    again = {**HIT.to_json(), "ratio": 3.0}
    new = {**HIT.to_json(), "case": "1080p"}
    kept = {**RESULT, "remark": ""}
    result = table.updated(kept, {"date": "2026-02-01", "remark": "", "rows": [again, new]})
    assert [(row["bench"], row["case"], row.get("date")) for row in result["rows"]] == [
        ("frames", "720p", "2026-02-01"),
        ("frames", "1080p", "2026-02-01"),
        ("pack", "stage", None),
        ("transfer share", "clips", None),
        ("whole chain", "all", None),
    ]
    assert "Measured on 2026-02-01: frames." in table.page(result)
