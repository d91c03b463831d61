"""What a training process logs of its chunks, and that a commit step's log is shown with those of shards."""

import json
from pathlib import Path
from typing import Any

import pytest

import multiview_set as driver
from cli.terminal import reelmill
from e2e.workshop import Workshop
from reelmill_stages.datasets.chunk_memory import SampleShape, log_lines


def entries(videos: int, frames: int, limit: int) -> list[dict[str, Any]]:
    """The index of videos of three views, without labels."""
    bounds = [(start, min(start + limit, frames)) for start in range(0, frames, limit)]
    return [
        {
            "original_item": {"key": f"{video}"}, "chunk_start_frame": start, "chunk_end_frame": end,
            "views": dict.fromkeys(("front", "left", "right")), "labels": None,
        }
        for video in range(videos)
        for start, end in bounds
    ]  # fmt: skip


def shape(**changed: Any) -> SampleShape:
    told = {"frames": None, "size": (224, 224), "views": (), "pixel": 1, "rgb": True, "points": False}
    return SampleShape(**{**told, **changed})


def test_002_f12_the_reader_tells_chunks_frames_and_memory_with_and_without_chunking() -> None:
    told = list(log_lines("train", entries(150, 3500, 1000), 1000, shape()))
    assert told == [
        "Video chunking enabled: 150 videos -> 600 chunks (max 1000 frames/chunk)",
        "Train dataset: 600 samples",
        "Each sample: at most 1000 frames per video",
        "Memory per sample: at most 0.45 GB (vs 1.58 GB without chunking)",
    ]
    assert shape().bytes(entries(1, 3500, 1000)) == 3 * 3500 * 3 * 224 * 224


def test_what_is_not_known_or_not_loaded_is_not_told() -> None:
    assert list(log_lines(None, entries(1, 10, 10), None, shape(size=None))) == [
        "Whole dataset: 1 samples",
        "Each sample: at most 10 frames per video",
    ]
    assert list(log_lines("val", [], 5, shape())) == [
        "Video chunking enabled: 0 videos -> 0 chunks (max 5 frames/chunk)",
        "Val dataset: 0 samples",
    ]


@pytest.mark.store
def test_002_f12_logs_show_the_line_of_the_stage(tmp_path: Path) -> None:
    source = {"name": "takes", "multiview": driver.block(driver.put_all(tmp_path))}
    shop = Workshop(tmp_path, [source], [{"name": "chunks", "chunk": {"maxFrames": 25}}])
    shop.run()
    line = "Video chunking enabled: 2 videos -> 5 chunks (max 25 frames/chunk)"
    said = reelmill("logs", shop.file)
    assert [shown for shown in said.out.splitlines() if f"chunks/commit {line}" in shown], said.out
    raw = reelmill("logs", shop.file, "--stage", "chunks", "--raw").out.splitlines()
    assert line in [json.loads(each)["msg"] for each in raw]
    assert line not in reelmill("logs", shop.file, "--shard", "0").out
