"""Camera motion from dense optical flow.

The flow of two frames is fitted by a shift, a zoom and a roll around the centre of the picture. Objects in front of the
camera deviate from that fit: the vectors farthest from it are excluded, and the rest is fitted again. Pairs are fitted
in batches, because the steps of a single fit are so small that call overhead would dominate.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import hypot
from typing import Any

import numpy as np

GRID = 16
"""Maximum number of fitted vectors along each side."""
STATIC = 0.015
"""Diagonals per second; a camera that moves less is static."""
_CLEAR = 1.5
"""The strongest component must be this many times stronger than the second; otherwise the motion is mixed."""
_MOST = 0.6
"""Share of the pairs that must have a motion for the clip to be named after it."""
_SHAKE = 0.3
"""Distance from start to end by the length of the path; below it, the camera only shakes."""
_KEPT = 0.6
"""Share of the vectors that are fitted again."""
_ROUNDS = 4
_TOGETHER = 32
"""Number of pairs per batch."""
_NAMES = ("pan", "tilt", "zoom", "roll")

Vectors = np.ndarray[Any, np.dtype[np.complex64]]


@dataclass(frozen=True, slots=True)
class CameraMotion:
    """Motion between two frames, in diagonals of the picture per second.

    `pan` to the right and `tilt` down are positive and describe the movement of the picture; `zoom` and `roll` are
    those of a point at half of a side.
    """

    pan: float
    tilt: float
    zoom: float
    roll: float

    @property
    def name(self) -> str:
        """The motion in a word."""
        strengths = [(abs(getattr(self, name)), name) for name in _NAMES]
        first, second = sorted(strengths, key=lambda one: -one[0])[:2]
        if first[0] < STATIC:
            return "static"
        return first[1] if first[0] >= _CLEAR * second[0] else "mixed"


@dataclass(frozen=True, slots=True)
class FlowSample:
    """Some vectors of the flow of two frames, x + iy in diagonals per second, and the (height, width) of their grid."""

    vectors: Vectors
    shape: tuple[int, int]


def sampled(field: Any) -> FlowSample:
    """Return the vectors to fit, from flow float32 (height, width, 2) in diagonals per second."""
    height, width = field.shape[:2]
    return FlowSample(
        np.ascontiguousarray(field[_fitted_slices(height, width)]).view(np.complex64).ravel(), (height, width)
    )


def camera_motions(samples: Sequence[FlowSample]) -> list[CameraMotion]:
    """Return the camera motions in several pairs, whose grids have the same shape."""
    places, reach = _fitted_positions(*samples[0].shape)
    vectors = np.stack([sample.vectors for sample in samples]).astype(np.complex128)
    shift, turn = _fit(places, vectors, np.ones(vectors.shape))
    least = int(_KEPT * (places.size - 1))
    for _ in range(_ROUNDS - 1):
        off = vectors - shift - turn * places
        error = off.real**2 + off.imag**2
        kept = error <= np.partition(error, least, axis=1)[:, least : least + 1]
        shift, turn = _fit(places, vectors, kept)
    turn *= reach
    rows = np.stack([shift.real, shift.imag, turn.real, turn.imag], axis=-1).reshape(-1, 4)
    return [CameraMotion(*row) for row in rows.tolist()]


class Camera:
    """Accumulates the motion of a clip from its pairs; keeps sums, and the flow of a few pairs."""

    def __init__(self) -> None:
        self._waiting: list[FlowSample] = []
        self._names: Counter[str] = Counter()
        self._path = self._across = self._down = 0.0
        self._shifts = 0

    def add(self, flow: FlowSample) -> None:
        """Add the flow of the next pair."""
        if self._waiting and (len(self._waiting) >= _TOGETHER or self._waiting[0].shape != flow.shape):
            self._fit()
        self._waiting.append(flow)

    @property
    def name(self) -> str | None:
        """The motion in a word; None without a pair."""
        self._fit()
        pairs = self._names.total()
        if not pairs:
            return None
        moving = pairs - self._names["static"]
        nowhere = hypot(self._across, self._down) < _SHAKE * self._path
        if moving > max(2, pairs / 2) and self._shifts > moving / 2 and nowhere:
            return "shake"
        name, count = self._names.most_common(1)[0]
        return name if count >= _MOST * pairs else "mixed"

    def _fit(self) -> None:
        for motion in camera_motions(self._waiting) if self._waiting else ():
            self._names[motion.name] += 1
            if motion.name != "static":
                self._add_motion(motion)
        self._waiting = []

    def _add_motion(self, motion: CameraMotion) -> None:
        shift = hypot(motion.pan, motion.tilt)
        self._path += shift
        self._across += motion.pan
        self._down += motion.tilt
        self._shifts += shift > hypot(motion.zoom, motion.roll)


def _fitted_slices(height: int, width: int) -> tuple[slice, slice]:
    """Return the slices that select the vectors to fit."""
    return slice(None, None, -(-height // GRID)), slice(None, None, -(-width // GRID))


@cache
def _fitted_positions(height: int, width: int) -> tuple[Any, float]:
    """Return the positions of these vectors as x + iy, in pixels from the centre, and half of the mean side."""
    y, x = np.mgrid[0:height, 0:width][:, *_fitted_slices(height, width)].reshape(2, -1)
    return x - (width - 1) / 2 + 1j * (y - (height - 1) / 2), (width + height) / 4


def _fit(places: Any, vectors: Any, weights: Any) -> tuple[Any, Any]:
    """Fit vectors (n, m) = shift + turn * places (m,) by weighted least squares, with weights (n, m).

    Returns (shift, turn), each (n, 1). A turn is zoom + i * roll.
    """
    count = weights.sum(axis=1, keepdims=True)
    place = (weights * places).sum(axis=1, keepdims=True) / count
    vector = (weights * vectors).sum(axis=1, keepdims=True) / count
    around = places - place
    square = (weights * (around.real**2 + around.imag**2)).sum(axis=1, keepdims=True)
    turn = (weights * np.conj(around) * (vectors - vector)).sum(axis=1, keepdims=True) / np.where(square, square, 1)
    return vector - turn * place, turn
