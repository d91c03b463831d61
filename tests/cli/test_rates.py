"""Rates: of a run while it goes on, and those that the project measures itself by."""

import json
from pathlib import Path

from reelmill.cli.display.tally import Tally
from reelmill.contract.status import PassStatus, StageStatus

RESULTS = Path(__file__).resolve().parents[2] / "docs/benchmarks.json"


def test_000_f17_a_stage_tells_counts_rate_and_time_left_while_it_runs() -> None:
    tally = Tally("samples")
    work = PassStatus(segment=1, kind="cover", step="shards", items=340)
    tally.take(StageStatus(name="samples", key="k", state="running", pass_=work), 100.0)
    tally.count({"segment": 1, "shard": 0, "done": 78, "failed": 2})
    tally.count({"segment": 1, "shard": 1, "done": 40})
    assert tally.line(110.0) == "samples: 120 of 340 items, 12.0/s, 18s left, 2 failed"
    tally.count({"segment": 1, "shard": 1, "done": 260})
    assert tally.line(120.0) == "samples: 340 of 340 items, 17.0/s, 2 failed"


def test_000_f23_sampling_and_cutting_with_it_are_measured_beside_ffmpeg() -> None:
    rows = json.loads(RESULTS.read_text())["rows"]
    for bench in ("frames", "clip + frames fused"):
        measured = [row for row in rows if row["bench"] == bench and "not_run" not in row]
        assert measured
        assert all("ffmpeg" in row["against"] and row["target"] and row["ratio"] for row in measured)
