"""Statistics of a LeRobot data set, with which policies are normalised.

They are computed for each episode, and for all (`meta/stats.json`). Each feature has minimum, maximum, mean, standard
deviation, five quantiles and a count. Those of pictures are per channel (RGB), as numbers from 0 to 1, over as many
frames as LeRobot samples, and over some of the pixels of large pictures. The totals are those that LeRobot computes
from its episodes; its quantiles are means of theirs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reelmill.contract.records.rows import Fields
from reelmill_stages.media.decoding.decode import decode
from reelmill_stages.media.timeline.timeline import read_timeline

QUANTILES = {"q01": 0.01, "q10": 0.10, "q50": 0.50, "q90": 0.90, "q99": 0.99}
NUMBERS = ("min", "max", "mean", "std", *QUANTILES)
"""Names of the statistics besides `count`."""
_LEAST, _MOST, _POWER = 100, 10_000, 0.75
_SMALL, _TARGET = 300, 150
"""Pictures with sides below 300 pixels are used whole; larger ones are sampled to about 150 pixels per side."""
_LEVELS = 256

Values = Mapping[str, NDArray[np.float64]]
"""Statistic -> values, one per channel or number."""


def picture_stats(path: Path) -> Fields:
    """Return the statistics of a video: `count` of frames; levels (0 to 255), `mean` and `std` of R, G and B.

    Raises ItemError as `decode`.
    """
    timeline = read_timeline(path)
    wanted = sampled(len(timeline))
    counts = np.zeros((3, _LEVELS), np.int64)
    for picture in decode(path, timeline, wanted):
        pixels = _thinned(picture.frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False))
        for channel in range(3):
            counts[channel] += np.bincount(pixels[:, :, channel].ravel(), minlength=_LEVELS)
    return {"count": len(wanted), **_level_statistics(counts)}


def sampled(frames: int) -> list[int]:
    """Return the frames used for statistics, by LeRobot's rule."""
    count = max(min(_LEAST, frames), min(int(frames**_POWER), _MOST))
    return sorted({int(place) for place in np.round(np.linspace(0, frames - 1, count))})


def number_stats(values: NDArray[Any]) -> Values:
    """Return the statistics of a feature with one number per frame (frames,), or with a vector (frames, width)."""
    numbers = np.sort(values.astype(np.float64), axis=0)
    places = [max(0, int(np.ceil(share * len(numbers))) - 1) for share in QUANTILES.values()]
    found = {"min": numbers[0], "max": numbers[-1], "mean": numbers.mean(axis=0), "std": numbers.std(axis=0)}
    found |= dict(zip(QUANTILES, numbers[places], strict=True))
    return {"count": np.array([len(numbers)])} | {name: np.atleast_1d(value) for name, value in found.items()}


def scaled(stats: Fields) -> Values:
    """Return the statistics of a video as numbers from 0 to 1."""
    return {
        name: np.array([value]) if name == "count" else np.array(value, np.float64) / (_LEVELS - 1)
        for name, value in stats.items()
    }


@dataclass(slots=True)
class FeatureTotals:
    """The statistics of all episodes, feature by feature."""

    found: dict[str, dict[str, NDArray[np.float64]]] = field(default_factory=dict)

    def add(self, feature: str, stats: Values) -> None:
        """Add those of one episode (Chan et al., the parallel algorithm for variances)."""
        before = self.found.get(feature)
        if before is None:
            self.found[feature] = dict(stats)
            return
        count = before["count"] + stats["count"]
        share = stats["count"] / count
        apart = stats["mean"] - before["mean"]
        variance = before["std"] ** 2 * (1 - share) + stats["std"] ** 2 * share + apart**2 * share * (1 - share)
        self.found[feature] = {
            "count": count,
            "min": np.minimum(before["min"], stats["min"]),
            "max": np.maximum(before["max"], stats["max"]),
            "mean": before["mean"] + apart * share,
            "std": np.sqrt(variance),
            **{name: before[name] * (1 - share) + stats[name] * share for name in QUANTILES},
        }


def shaped(stats: Values, *, pictures: bool) -> dict[str, list[Any]]:
    """Return the values as LeRobot stores them: those of pictures with the shape (3, 1, 1)."""
    return {
        name: [int(values[0])]
        if name == "count"
        else [[[one]] for one in values.tolist()]
        if pictures
        else values.tolist()
        for name, values in stats.items()
    }


def _level_statistics(counts: NDArray[np.int64]) -> Fields:
    """Return statistics of pixels from the number of pixels with each level, for each channel."""
    levels = np.arange(_LEVELS)
    total = counts.sum(axis=1)
    mean = counts @ levels / total
    std = np.sqrt(np.maximum(0, counts @ levels**2 / total - mean**2))
    below = counts.cumsum(axis=1)
    shares = {name: np.ceil(share * total) for name, share in QUANTILES.items()}
    return {
        "min": [int(np.flatnonzero(channel)[0]) for channel in counts],
        "max": [int(np.flatnonzero(channel)[-1]) for channel in counts],
        "mean": [round(float(one), 6) for one in mean],
        "std": [round(float(one), 6) for one in std],
        **{
            name: [int(np.searchsorted(channel, least)) for channel, least in zip(below, wanted, strict=True)]
            for name, wanted in shares.items()
        },
    }


def _thinned(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    if max(width, height) < _SMALL:
        return pixels
    step = max(width, height) // _TARGET
    return pixels[::step, ::step]


def columns(features: Sequence[str], cameras: Sequence[str]) -> list[tuple[str, int]]:
    """Return (column of the table of episodes, depth of its lists) of all statistics."""
    return [
        (f"stats/{feature}/{name}", 3 if feature in cameras and name != "count" else 1)
        for feature in (*cameras, *features)
        for name in (*NUMBERS, "count")
    ]
