"""A decoded frame as the pixels that are measured: three planes of 8 bits in video range, and a small copy of them.

Frames that are not in 8-bit 4:2:0 and video range are converted, so that a limit means the same for all videos.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import av
import cv2
import numpy as np
from av.video.reformatter import ColorRange, Interpolation

Plane = np.ndarray[Any, np.dtype[np.uint8]]
"""(height, width), uint8."""

_FORMAT = "yuv420p"
_FULL_RANGE = int(ColorRange.JPEG)
_EXACT = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.BITEXACT
SIDE = 160
"""Length in pixels of the longer side of the small copy."""
FLOW_SCALE = 4
"""The copy that optical flow is found in has sides of a quarter of those of the small copy."""
_LEAST_SIDE = 32
"""Length of the shorter side of the small copy, at least: the flow crashes on a copy with less than a patch of 8."""


@dataclass(frozen=True)
class Planes:
    """Luma (height, width) and the two planes of chroma, which have half of its sides; 16 is black, 235 is white."""

    luma: Plane
    cb: Plane
    cr: Plane
    turns: int = 0
    """Quarter turns counter-clockwise that bring the picture upright."""

    @cached_property
    def mean_and_deviation(self) -> tuple[float, float]:
        """The mean of luma, and its standard deviation."""
        mean, deviation = cv2.meanStdDev(self.luma)
        return float(mean[0, 0]), float(deviation[0, 0])

    @cached_property
    def small(self) -> Plane:
        """Luma, upright, reduced by averages so that its longer side has `SIDE` pixels."""
        height, width = self.luma.shape
        return _upright(_reduced(self.luma, *small_size(width, height)), self.turns)

    @cached_property
    def flow_copy(self) -> Plane:
        """The small picture, reduced once more by averages: the finest scale that DIS flow by its preset looks at."""
        height, width = self.small.shape
        size = width // FLOW_SCALE, height // FLOW_SCALE
        return np.asarray(cv2.resize(self.small, size, interpolation=cv2.INTER_AREA))

    @cached_property
    def small_hsv(self) -> Plane:
        """Hue, saturation and value of the small picture, uint8 (height, width, 3).

        Chroma is reduced as PySceneDetect reduces its frames.
        """
        height, width = self.small.shape
        size = (height, width) if self.turns % 2 else (width, height)
        cb, cr = (
            _upright(np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR)), self.turns)
            for plane in (self.cb, self.cr)
        )
        full = cv2.merge([cv2.LUT(self.small, _LUMA), cv2.LUT(cr, _CHROMA), cv2.LUT(cb, _CHROMA)])
        return cast(Plane, cv2.cvtColor(cv2.cvtColor(full, cv2.COLOR_YCrCb2BGR), cv2.COLOR_BGR2HSV))


def planes_of(frame: av.VideoFrame, crop: tuple[int, int, int, int] = (0, 0, 0, 0), turns: int = 0) -> Planes:
    """The planes of a frame, without a border of (left, right, top, bottom) pixels.

    They share memory with the frame where it needs no conversion.
    """
    if frame.format.name != _FORMAT or frame.color_range == _FULL_RANGE:
        frame = frame.reformat(format=_FORMAT, dst_color_range=ColorRange.MPEG, interpolation=_EXACT, threads=1)
    left, right, top, bottom = crop
    luma = _plane(frame, 0)[top : frame.height - bottom, left : frame.width - right]
    cb, cr = (
        plane[top // 2 : len(plane) - bottom // 2, left // 2 : plane.shape[1] - right // 2]
        for plane in (_plane(frame, 1), _plane(frame, 2))
    )
    return Planes(luma, cb, cr, turns)


def small_size(width: int, height: int) -> tuple[int, int]:
    """(width, height) of the small copy of a picture."""
    scale = SIDE / max(width, height)
    return max(_LEAST_SIDE, round(width * scale)), max(_LEAST_SIDE, round(height * scale))


def _plane(frame: av.VideoFrame, number: int) -> Plane:
    plane = frame.planes[number]
    return np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[: plane.height, : plane.width]


def _reduced(plane: Plane, width: int, height: int) -> Plane:
    """Averages of areas. Halving first is what OpenCV does fast.

    Where four lines and more become one, every second is left out, which halves the time of a large picture.
    """
    if plane.shape[0] >= 4 * height:
        plane = plane[::2]
    while plane.shape[1] >= 4 * width and plane.shape[0] >= 2 * height:
        rows, columns = plane.shape[0] // 2, plane.shape[1] // 2
        even = plane[: 2 * rows, : 2 * columns]
        plane = np.asarray(cv2.resize(even, (columns, rows), interpolation=cv2.INTER_AREA))
    return np.asarray(cv2.resize(plane, (width, height), interpolation=cv2.INTER_AREA))


def _upright(plane: Plane, turns: int) -> Plane:
    return np.ascontiguousarray(np.rot90(plane, turns)) if turns else plane


def _stretched(low: int, high: int, middle: int) -> Plane:
    """The table that maps video range to full range around `middle`, which is kept."""
    values = (np.arange(256) - (middle or low)) * (255 / (high - low)) + middle
    return cast(Plane, np.clip(np.rint(values), 0, 255).astype(np.uint8))


_LUMA = _stretched(16, 235, 0)
_CHROMA = _stretched(16, 240, 128)
