"""Merges two dataset_info.json files: train from the first, test from the second, as needed for CLIP4MC."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from reelmill_stages.stages.frames.info import read_info

VALIDATION = 1000


def merge(train: Path, test: Path, *, validation: int = VALIDATION, leak_free: bool = False) -> dict[str, list[str]]:
    """Lists of the merged set. Relative paths are made absolute, relative to the folder of their file.

    val consists of the first `validation` samples of train, which remain in train, as in the original. With
    `leak_free`, val is removed from train by whole videos, selected by their names, so that no frame is in both. Raises
    ValueError for files in another format.
    """
    samples = _absolute_samples(train, "train")
    tests = _absolute_samples(test, "test")
    if not leak_free:
        return {"train": samples, "val": samples[:validation], "test": tests}
    held_out = _drawn_videos(samples, min(validation, len(samples) // 2))
    return {
        "train": [sample for sample in samples if _video_of_sample(sample) not in held_out],
        "val": [sample for sample in samples if _video_of_sample(sample) in held_out],
        "test": tests,
    }


def _absolute_samples(path: Path, name: str) -> list[str]:
    # Joining with an absolute path returns that path.
    return [str(path.absolute().parent / sample) for sample in read_info(path)[name]]


def _drawn_videos(samples: Sequence[str], room: int) -> set[str]:
    """Videos, in the order of the digests of their names, until `room` samples are reached."""
    counts: dict[str, int] = {}
    for sample in samples:
        counts[_video_of_sample(sample)] = counts.get(_video_of_sample(sample), 0) + 1
    chosen: set[str] = set()
    for vid in sorted(counts, key=lambda vid: hashlib.sha256(vid.encode()).digest()):
        if counts[vid] <= room:
            chosen.add(vid)
            room -= counts[vid]
    return chosen


def _video_of_sample(sample: str) -> str:
    """`sample_000012_VID` -> VID."""
    return Path(sample).name.split("_", 2)[-1]
