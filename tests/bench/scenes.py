"""Benchmark of scene detection: `clip` with `by: scenes`, against PySceneDetect's `detect()` with the same detector.

The cuts of both are compared before measuring. PySceneDetect decodes in a separate thread on the same core.
"""

import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import scenedetect

from bench import films
from bench.row import Row, begin, emit
from bench.timing import in_turns, one_core
from reelmill.contract.records.rows import Item, Media
from reelmill_stages.registry import stage
from reelmill_stages.stage import Done, Input
from worker_desk import Desk

DETECTORS = {
    "content": scenedetect.ContentDetector,
    "adaptive": scenedetect.AdaptiveDetector,
    "histogram": scenedetect.HistogramDetector,
}


def ours(path: Path, detector: str) -> list[float]:
    """Run the whole stage, which cuts virtual clips; returns their start times in seconds."""
    with tempfile.TemporaryDirectory() as folder:
        item = Item("a", 0, "a", 30.0, Media(str(path), 0), fields={"vid": "a"})
        clip = stage("clip", {"by": "scenes", "detector": detector, "mode": "virtual"})
        (result,) = clip.process([Input(item, 0)], Desk(Path(folder)))
        assert isinstance(result, Done), result
        return [made.fields["start"] for made in result.items]


def theirs(path: Path, detector: str) -> list[float]:
    found: Any = scenedetect.detect(str(path), DETECTORS[detector](), start_in_scene=True)
    return [start.seconds for start, _ in found]


def verify(path: Path, detector: str) -> int:
    """The number of scenes. Raises ValueError if the cuts differ."""
    found, expected = ours(path, detector), theirs(path, detector)
    if [round(start, 3) for start in found] != [round(start, 3) for start in expected]:
        raise ValueError(f"{path.name}, {detector}: {found} instead of {expected}")
    return len(found)


def main(rounds: int) -> None:
    shots = {case: films.shots(case) for case in films.SHOTS}
    one_core()
    cv2.setNumThreads(1)
    for case, path in shots.items():
        for detector in DETECTORS:
            scenes = verify(path, detector)
            times = in_turns(partial(ours, path, detector), partial(theirs, path, detector), rounds)
            against = "PySceneDetect's detect() with the same detector"
            values = (*times.medians, "s", times.ratio, times.cpu_ratio, 1.5)
            emit(Row("clip by scenes", f"{detector}, {case}, {scenes} scenes", against, *values, rounds=times.rounds))


if __name__ == "__main__":
    begin(main, "clip by scenes")
