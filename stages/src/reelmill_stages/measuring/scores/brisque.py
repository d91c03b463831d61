"""No-reference quality: BRISQUE (Mittal, Moorthy and Bovik 2012).

36 features describe the distribution of the normalised luma, at full and at half size; a support vector regression maps
them to a score from 0, the best, to about 100. Weights and ranges are text files of libsvm.
"""

from collections.abc import Sequence
from functools import cache
from math import lgamma
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from reelmill.contract.errors import SpecError
from reelmill.contract.measures import Measure
from reelmill.contract.records.rows import Item
from reelmill.contract.spec.measure_models import BrisqueModel
from reelmill_stages.measuring.models import Fetch, Pixels, Seen
from reelmill_stages.measuring.scores.session import unfit

FEATURES = 36
_KERNEL, _SIGMA = 7, 7 / 6
_SHIFTS = ((0, 1), (1, 0), (1, 1), (1, -1))
"""Offsets of neighbours whose products are used: rows and columns."""


class Brisque:
    """The regression."""

    def __init__(self, block: BrisqueModel, fetch: Fetch) -> None:
        try:
            self._gamma, self._rho, self._weights, self._vectors = read_regression(fetch(block.weights))
        except (ValueError, KeyError, IndexError) as error:
            raise _unfit_error("weights", block, error) from error
        try:
            self._low, self._high = read_ranges(fetch(block.ranges))
        except (ValueError, IndexError) as error:
            raise _unfit_error("ranges", block, error) from error

    def look(self, pixels: Pixels, item: Item) -> Seen:
        if min(pixels.shape[:2]) < 2 * _KERNEL:
            return {}, ()
        score = self.score(features(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)))
        return ({Measure.BRISQUE: score} if np.isfinite(score) else {}), ()

    def score(self, found: Any) -> float:
        """Return the score for 36 features."""
        scaled = 2 * (found - self._low) / (self._high - self._low) - 1
        distances = ((self._vectors - scaled) ** 2).sum(axis=1)
        return float(self._weights @ np.exp(-self._gamma * distances) - self._rho)


def features(grey: Any) -> Any:
    """Return the 36 features of a grey picture, uint8 (height, width)."""
    picture = grey.astype(np.float64)
    half = cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_CUBIC)
    return np.array([*_features_of_scale(picture), *_features_of_scale(half)])


def _features_of_scale(picture: Any) -> list[float]:
    mean = _blurred(picture)
    deviation = np.sqrt(np.abs(_blurred(picture * picture) - mean * mean))
    normal = (picture - mean) / (deviation + 1)
    shape, _, left, right = asymmetric_fit(normal)
    found = [shape, (left + right) / 2]
    height, width = normal.shape
    for down, across in _SHIFTS:
        one = normal[: height - down, max(0, -across) : width - max(0, across)]
        other = normal[down:, max(0, across) : width + min(0, across)]
        found += asymmetric_fit(one * other)
    return found


def _blurred(picture: Any) -> Any:
    return cv2.GaussianBlur(picture, (_KERNEL, _KERNEL), _SIGMA, borderType=cv2.BORDER_CONSTANT)


def asymmetric_fit(values: Any) -> tuple[float, float, float, float]:
    """Return shape, mean, and left and right variance of an asymmetric generalised Gaussian, fitted by moments."""
    negative, positive = values[values < 0], values[values >= 0]
    left, right = (float((half**2).mean()) if half.size else 0.0 for half in (negative, positive))
    square = float((values**2).mean())
    if not (left and right and square):
        return float("nan"), float("nan"), left, right
    ratio = (left / right) ** 0.5
    moment = float(np.abs(values).mean()) ** 2 / square
    moment *= (ratio**3 + 1) * (ratio + 1) / (ratio**2 + 1) ** 2
    shapes, moments = _shape_ratios()
    shape = float(shapes[np.argmin((moments - moment) ** 2)])
    constant = np.exp((lgamma(1 / shape) - lgamma(3 / shape)) / 2)
    mean = (right**0.5 - left**0.5) * constant * np.exp(lgamma(2 / shape) - lgamma(1 / shape))
    return shape, float(mean), left, right


@cache
def _shape_ratios() -> tuple[Any, Any]:
    """Return shapes from 0.2 to 10, and the ratio of moments of each."""
    shapes = np.arange(200, 10_001) / 1000
    return shapes, np.array([np.exp(2 * lgamma(2 / a) - lgamma(1 / a) - lgamma(3 / a)) for a in shapes])


def read_regression(path: Path) -> tuple[float, float, Any, Any]:
    """Read a libsvm model. Raises ValueError and KeyError for another file.

    Returns (gamma, rho, weights, support vectors).
    """
    lines = path.read_text("ascii").splitlines()
    first = lines.index("SV")
    head = dict(line.split(maxsplit=1) for line in lines[:first])
    if head["kernel_type"] != "rbf" or not head["svm_type"].endswith("_svr"):
        raise ValueError("not a regression with radial basis functions")
    rows = [line.split() for line in lines[first + 1 :]]
    weights = np.array([float(row[0]) for row in rows])
    vectors = np.zeros((len(rows), FEATURES))
    for number, row in enumerate(rows):
        for place, value in _parse_pairs(row[1:]):
            vectors[number, place - 1] = value
    if len(rows) != int(head["total_sv"]):
        raise ValueError(f"it has {len(rows)} of {head['total_sv']} support vectors")
    return float(head["gamma"]), float(head["rho"]), weights, vectors


def _parse_pairs(words: Sequence[str]) -> list[tuple[int, float]]:
    found = [(int(place), float(value)) for place, value in (word.split(":") for word in words)]
    if any(not 1 <= place <= FEATURES for place, _ in found):
        raise ValueError(f"a support vector has more than {FEATURES} features")
    return found


def read_ranges(path: Path) -> tuple[Any, Any]:
    """Read (least, largest) value of each feature from a file of `svm-scale`. Raises ValueError for another file."""
    lines = [line.split() for line in path.read_text("ascii").splitlines()]
    if lines[0] != ["x"] or [float(word) for word in lines[1]] != [-1.0, 1.0]:
        raise ValueError("it does not begin like a file of svm-scale from -1 to 1")
    found = {int(line[0]): (float(line[1]), float(line[2])) for line in lines[2:] if line}
    if sorted(found) != list(range(1, FEATURES + 1)):
        raise ValueError(f"it has ranges of {len(found)} features, not {FEATURES}")
    values = np.array([found[place] for place in range(1, FEATURES + 1)])
    return values[:, 0], values[:, 1]


def _unfit_error(field: str, block: BrisqueModel, error: Exception) -> SpecError:
    return unfit(f"brisque.{field}", getattr(block, field), f"the file cannot be used: {error}")
