"""How the camera moves, from dense optical flow.

The flow of two frames is fitted by a shift, a zoom and a roll around the centre of the picture. What moves in front of
the camera does not follow that fit: the vectors farthest from it are left out, and the rest is fitted again.
"""

from collections import Counter
from dataclasses import dataclass
from functools import cache
from math import hypot
from typing import Any

import numpy as np

GRID = 16
"""Vectors along each side that are fitted, at most."""
STATIC = 0.015
"""Diagonals per second; a camera that moves less stands still."""
_CLEAR = 1.5
"""The strongest of the components is this many times stronger than the second, or the motion is mixed."""
_MOST = 0.6
"""Share of the pairs that have the motion that the clip is named after."""
_SHAKE = 0.3
"""Distance from start to end by the length of the path: a camera below it only shakes."""
_KEPT = 0.6
"""Share of the vectors that are fitted again."""
_ROUNDS = 4


@dataclass(frozen=True, slots=True)
class CameraMotion:
    """Motion between two frames. All in diagonals of the picture per second: `pan` to the right and `tilt` down are
    positive and tell where the picture moves; `zoom` and `roll` are those of a point at half of a side.
    """

    pan: float
    tilt: float
    zoom: float
    roll: float

    @property
    def name(self) -> str:
        """The motion in a word."""
        strength = {name: abs(getattr(self, name)) for name in ("pan", "tilt", "zoom", "roll")}
        first, second = sorted(strength, key=lambda name: -strength[name])[:2]
        if strength[first] < STATIC:
            return "static"
        return first if strength[first] >= _CLEAR * strength[second] else "mixed"


def camera_motion(field: Any) -> CameraMotion:
    """The motion of the camera from flow, float32 (height, width, 2), in diagonals per second."""
    places, reach = _places(*field.shape[:2])
    vectors = np.ascontiguousarray(field[_every(*field.shape[:2])]).view(np.complex64).ravel()
    shift, turn = _fit(places, vectors)
    least = int(_KEPT * (vectors.size - 1))
    for _ in range(_ROUNDS - 1):
        error = np.abs(vectors - shift - turn * places)
        kept = error <= np.partition(error, least)[least]
        shift, turn = _fit(places[kept], vectors[kept])
    return CameraMotion(shift.real, shift.imag, turn.real * reach, turn.imag * reach)


class Camera:
    """The motion of a clip, from those of its pairs; keeps sums."""

    def __init__(self) -> None:
        self._names: Counter[str] = Counter()
        self._path = self._across = self._down = 0.0
        self._shifts = 0

    def add(self, motion: CameraMotion) -> None:
        """The motion of the next pair."""
        self._names[motion.name] += 1
        if motion.name == "static":
            return
        shift = hypot(motion.pan, motion.tilt)
        self._path += shift
        self._across += motion.pan
        self._down += motion.tilt
        self._shifts += shift > hypot(motion.zoom, motion.roll)

    @property
    def name(self) -> str | None:
        """The motion in a word; None without a pair."""
        pairs = self._names.total()
        if not pairs:
            return None
        moving = pairs - self._names["static"]
        nowhere = hypot(self._across, self._down) < _SHAKE * self._path
        if moving > max(2, pairs / 2) and self._shifts > moving / 2 and nowhere:
            return "shake"
        name, count = self._names.most_common(1)[0]
        return name if count >= _MOST * pairs else "mixed"


def _every(height: int, width: int) -> tuple[slice, slice]:
    """The vectors that are fitted."""
    return slice(None, None, max(1, height // GRID)), slice(None, None, max(1, width // GRID))


@cache
def _places(height: int, width: int) -> tuple[Any, float]:
    """Places of these vectors as complex numbers x + iy, in pixels from the centre, and half of the mean side."""
    y, x = np.mgrid[0:height, 0:width][:, *_every(height, width)].reshape(2, -1)
    return x - (width - 1) / 2 + 1j * (y - (height - 1) / 2), (width + height) / 4


def _fit(places: Any, vectors: Any) -> tuple[complex, complex]:
    """(shift, turn) of vectors = shift + turn * places, by least squares; a turn is zoom + i * roll."""
    place, vector = places.sum() / places.size, vectors.sum() / vectors.size
    around = places - place
    turn = complex(np.vdot(around, vectors - vector)) / (float(np.vdot(around, around).real) or 1.0)
    return complex(vector) - turn * complex(place), turn
