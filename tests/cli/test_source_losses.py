"""Rows of a source that cannot be items are losses, and are shown wherever losses are."""

import json
import shutil
from pathlib import Path

import pytest

import footage
from cli.terminal import PIPELINE, lines, reelmill, write

pytestmark = pytest.mark.store

TABLE = "table: {uri: rows.csv, base: videos, columns: {path: path, start: start, end: end}}"
ROWS = "path,start,end\na.mp4,0,1\na.mp4,1,2\na.mp4,2,1\na.mp4,x,1\ngone.mp4,0,1\n"


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A table with two good rows, two bad spans and a missing video."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "videos").mkdir()
    shutil.copyfile(footage.video(seconds=2.0, size=(64, 48), audio=False), tmp_path / "videos" / "a.mp4")
    (tmp_path / "rows.csv").write_text(ROWS)
    before, _, _ = PIPELINE.replace("files: {uri: videos}", TABLE).partition("  stages:\n")
    return write(tmp_path, before + "  stages:\n  - name: spans\n    clip: {by: metadata, mode: virtual}\n")


def test_rows_that_cannot_be_items_are_counted_like_a_stages_losses(path: Path) -> None:
    said = reelmill("run", path)
    assert said.code == 0, said.err
    assert "raw: 5 rows, 5 of them new: 2 items, 3 failed" in said.err.splitlines()
    assert "3 failed: list them with reelmill ledger" in said.err
    assert "reelmill retry" not in said.err
    (row,) = [line.split() for line in lines(said.out) if line.startswith("raw ")]
    assert row == ["raw", "listed", "5", "2", "0", "3", "0", "2", "1"]

    (row,) = [line.split() for line in lines(reelmill("status", path).out) if line.startswith("raw ")]
    assert row[:9] == ["raw", "current", "1", "2", "5", "2", "0", "3", "0"]
    rows = json.loads(reelmill("ledger", path, "--outcome", "failed", "-o", "json").out)
    assert len(rows) == 3

    said = reelmill("retry", path)
    assert (said.code, "nothing to retry" in said.err, "failed rows of raw" in said.err) == (0, True, True)


def test_a_source_of_which_every_row_failed_is_not_complete(path: Path, tmp_path: Path) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text("path,start,end\ngone.mp4,0,1\nlost.mp4,0,1\n")
    said = reelmill("run", path)
    assert said.code == 65
    assert "raw: all 2 rows of the source failed, so no stage has any input from it: " in said.err
    assert "complete" not in said.err
    said = reelmill("report", path)
    assert "report.html: failed. " in said.err
    assert "raw lost 2 of 2 rows to failures" in said.err
    rows.write_text(rows.read_text() + "a.mp4,0,1\n")
    said = reelmill("run", path)
    assert said.code == 0, said.err
    assert "complete: store" in said.err.splitlines()
