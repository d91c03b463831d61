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
    x, y, reach = _places(*field.shape[:2])
    every = tuple(slice(None, None, max(1, side // GRID)) for side in field.shape[:2])
    u, v = field[every][..., 0].ravel(), field[every][..., 1].ravel()
    kept = np.ones(u.size, bool)
    shift_x = shift_y = zoom = roll = 0.0
    for round_ in range(_ROUNDS):
        shift_x, shift_y, zoom, roll = _fit(x[kept], y[kept], u[kept], v[kept])
        if round_ < _ROUNDS - 1:
            error = (u - (shift_x + zoom * x - roll * y)) ** 2 + (v - (shift_y + zoom * y + roll * x)) ** 2
            kept = error <= np.partition(error, int(_KEPT * (error.size - 1)))[int(_KEPT * (error.size - 1))]
    return CameraMotion(shift_x, shift_y, zoom * reach, roll * reach)


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


@cache
def _places(height: int, width: int) -> tuple[Any, Any, float]:
    """Coordinates of the vectors that are fitted, in pixels from the centre, and half of the mean side."""
    every = tuple(slice(None, None, max(1, side // GRID)) for side in (height, width))
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    return (
        (x[every] - (width - 1) / 2).ravel(),
        (y[every] - (height - 1) / 2).ravel(),
        (width + height) / 4,
    )


def _fit(x: Any, y: Any, u: Any, v: Any) -> tuple[float, float, float, float]:
    """Shift, zoom and roll by least squares, with the centre of the picture at 0."""
    cx, cy, cu, cv = (float(each.mean()) for each in (x, y, u, v))
    x, y, u, v = x - cx, y - cy, u - cu, v - cv
    square = float((x * x + y * y).sum()) or 1.0
    zoom, roll = float((x * u + y * v).sum()) / square, float((x * v - y * u).sum()) / square
    return cu - zoom * cx + roll * cy, cv - zoom * cy - roll * cx, zoom, roll
