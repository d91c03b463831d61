"""Checks the files of a chunk: shapes of arrays, and numbers of frames of videos."""

from collections.abc import Iterator, Mapping
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from reelmill.contract.errors import ReelmillError
from reelmill.contract.text.quantities import count_of
from reelmill_stages.format_checks import Finding
from reelmill_stages.media.keypoints import JOINTS, frame_of
from reelmill_stages.media.timeline.timeline import read_timeline
from reelmill_stages.untrusted.arrays import ArrayError, map_array

_timeline = lru_cache(maxsize=4)(read_timeline)
"""Cached timelines: consecutive chunks use the same videos."""


def check_view(name: str, reference: Mapping[str, Any], length: int, folder: Path) -> Iterator[Finding]:
    """Yield findings about one view of one chunk."""
    if "media" in reference:
        yield from _check_source(name, reference, folder)
        return
    path = folder / reference["file"]
    if not path.is_file():
        yield Finding(name, "file_exists", False, f"{reference['file']} is missing")
    elif path.suffix == ".npy":
        yield from _check_array(name, path, length)
    else:
        yield from _check_video(name, path, length)


def check_points(name: str, reference: Mapping[str, Any], folder: Path) -> Iterator[Finding]:
    """Yield findings about the keypoints of one view of one chunk."""
    if "file" not in reference:
        place = Path(reference["uri"])
        if place.is_absolute():
            frames = range(*reference["frames"])
            names = (path.name for path in place.iterdir()) if place.is_dir() else ()
            there = any(frame_of(name) in frames for name in names)
            yield Finding(
                name, "keypoint_files", there, "" if there else f"{place} has no file for any frame of the chunk"
            )
        return
    path = folder / reference["file"]
    try:
        points = map_array(path)
    except (OSError, ArrayError) as error:
        yield Finding(name, "keypoint_array", False, f"{reference['file']}: {error}")
        return
    expected = (reference["frames"][1] - reference["frames"][0], JOINTS, 3)
    right = points.dtype == np.float32 and points.shape == expected
    message = f"{reference['file']} is {points.dtype} {points.shape}, not float32 {expected}"
    yield Finding(name, "keypoint_array", right, "" if right else message)


def _check_array(name: str, path: Path, length: int) -> Iterator[Finding]:
    try:
        frames = map_array(path)
    except (OSError, ArrayError) as error:
        yield Finding(name, "array", False, f"{path.name}: {error}")
        return
    right = frames.dtype == np.uint8 and frames.ndim == 4 and frames.shape[3] == 3
    yield Finding(
        name,
        "array",
        right,
        "" if right else f"{path.name} is {frames.dtype} {frames.shape}, not uint8 (N, height, width, 3)",
    )
    if right:
        yield _frame_count_finding(name, path, len(frames), length)


def _check_video(name: str, path: Path, length: int) -> Iterator[Finding]:
    try:
        timeline = read_timeline(path)
    except ReelmillError as error:
        yield Finding(name, "video", False, str(error))
        return
    yield _frame_count_finding(name, path, len(timeline), length)


def _frame_count_finding(name: str, path: Path, found: int, length: int) -> Finding:
    right = found == length
    message = f"{path.name} has {count_of(found, 'frame')}, the chunk has {length}"
    return Finding(name, "frame_count", right, "" if right else message)


def _check_source(name: str, reference: Mapping[str, Any], folder: Path) -> Iterator[Finding]:
    """Check a video that the index refers to, if it is a local file."""
    uri = reference["media"]["uri"]
    if "://" in uri:
        return
    path = folder / uri
    if not path.is_file():
        yield Finding(name, "file_exists", False, f"{uri} is missing")
        return
    try:
        timeline = _timeline(path)
    except ReelmillError as error:
        yield Finding(name, "video", False, str(error))
        return
    first, after = reference["frames"]
    inside = 0 <= first < after <= len(timeline)
    message = f"frames {first} to {after} are not in the video, which has {count_of(len(timeline), 'frame')}"
    yield Finding(name, "inside_video", inside, "" if inside else message)
    if inside:
        end = timeline.pts[after] if after < len(timeline) else timeline.end
        right = [timeline.pts[first], end] == list(reference["pts"]) and timeline.time_base == Fraction(
            reference["time_base"]
        )
        message = f"the frames have the pts {timeline.pts[first]} to {end}, the index says {reference['pts']}"
        yield Finding(name, "pts", right, "" if right else message)
