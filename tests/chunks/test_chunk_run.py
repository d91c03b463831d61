"""Whole runs: what the sources list becomes chunks that an export shows and the check passes."""

import json
from pathlib import Path
from typing import Any

import pytest

import multiview_set as driver
from cli.terminal import reelmill
from e2e.workshop import Workshop, film

pytestmark = pytest.mark.store


def chunked(shop: Workshop) -> dict[str, Any]:
    """The index of an export of the stage `chunks`, which the check has passed."""
    out = shop.folder / "out"
    for arguments in (("run", shop.file), ("export", shop.file, "chunks", out), ("check", out)):
        said = reelmill(*arguments)
        assert said.code == 0, (said.out, said.err)
    index: dict[str, Any] = json.loads((out / "chunk_index.json").read_text())
    return index


@pytest.mark.parametrize("output", ["index", "npy"])
def test_takes_of_three_views_become_chunks(tmp_path: Path, output: str) -> None:
    points = driver.put_points(driver.put_all(tmp_path), range(60))
    source = {"name": "takes", "multiview": driver.block(tmp_path, keypoints=str(points))}
    shop = Workshop(tmp_path, [source], [{"name": "chunks", "chunk": {"maxFrames": 25, "output": output}}])
    index = chunked(shop)
    assert (index["videos"], index["chunks"]) == (2, 5)
    assert index["entries"][0]["original_item"]["env_folder"] == "夜多い"
    written = list((tmp_path / "out").rglob("*.npy"))
    assert len(written) == (0 if output == "index" else 5 * 3 + 2 * 3)


def test_clips_of_one_view_become_chunks_too_copied_or_virtual(tmp_path: Path) -> None:
    for mode in ("copy", "virtual"):
        shop = Workshop(tmp_path / mode, [{"name": "raw", "files": {"uri": str(tmp_path / mode / "videos")}}])
        shop.film("a.mp4", of=film(seconds=2.0))
        clip = {"by": "length", "length": "1s", "mode": mode}
        shop.stages = [{"name": "clips", "clip": clip}, {"name": "chunks", "chunk": {"maxFrames": 5}}]
        index = chunked(shop)
        assert [entry["total_chunks"] for entry in index["entries"]] == [3] * 6
        videos = {entry["views"]["video"]["media"]["uri"] for entry in index["entries"]}
        assert all(Path(video).is_file() for video in videos)
        assert len(videos) == (2 if mode == "copy" else 1)


def test_a_bad_take_is_a_row_of_the_ledger_and_the_others_are_done(tmp_path: Path) -> None:
    driver.put_all(tmp_path)
    driver.put_views(tmp_path, "day_high", left=40)
    driver.put_labels(tmp_path, env="day_high")
    driver.put_ranges(
        tmp_path,
        driver.range_row(10, 58),
        driver.range_row(5, None, env="day_low"),
        driver.range_row(0, 5, person="09"),
    )
    shop = Workshop(
        tmp_path,
        [{"name": "takes", "multiview": driver.block(tmp_path)}],
        [{"name": "chunks", "chunk": {"maxFrames": 25}, "failures": {"tolerate": "100%"}}],
    )
    assert reelmill("run", shop.file).code in (0, 65)
    assert shop.failures("takes") == {"01/昼少ない": "bad_range", "09/夜多い": "missing"}
    assert {key: row.reason for key, row in shop.ledger("chunks").items()} == {
        "01/夜多い": "",
        "01/昼多い": "short_view",
    }
