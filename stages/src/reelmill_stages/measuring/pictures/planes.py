"""Decoded frames as pixels to measure: three planes of 8 bits in video range, and a small copy of them.

Frames in other formats than 8-bit 4:2:0 in video range are converted, so that a limit means the same for all videos.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, cast

import av
import cv2
import numpy as np
from av.video.plane import VideoPlane
from av.video.reformatter import ColorRange, Interpolation

Plane = np.ndarray[Any, np.dtype[np.uint8]]
"""(height, width), uint8."""

_FORMAT = "yuv420p"
_FULL_RANGE = int(ColorRange.JPEG)
_EXACT = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.BITEXACT
SIDE = 160
"""Length in pixels of the longer side of the small copy."""
FLOW_SCALE = 4
"""Factor by which the sides of the copy for optical flow are smaller than those of the small copy."""
ROWS = 24
"""Maximum number of rows, with their neighbours, that are searched for edges, gradients and combs."""
_LEAST_SIDE = 32
"""Minimum length of the shorter side of the small copy: the flow crashes on a copy smaller than a patch of 8."""


@dataclass(frozen=True)
class Planes:
    """Luma (height, width) and two planes of chroma with half of its sides; 16 is black, 235 is white."""

    luma: Plane
    cb: Plane
    cr: Plane
    turns: int = 0
    """Quarter turns counter-clockwise that make the picture upright."""

    @cached_property
    def mean_and_deviation(self) -> tuple[float, float]:
        """Mean and standard deviation of luma."""
        mean, deviation = cv2.meanStdDev(self.luma)
        return float(mean[0, 0]), float(deviation[0, 0])

    @cached_property
    def rows(self) -> Plane:
        """Rows of luma at equal distances, each between its neighbours: (at most `ROWS`, 3, width).

        Empty for a picture of less than three rows.
        """
        height, width = self.luma.shape
        return cast(Plane, self.luma.take(row_places(height), axis=0).reshape(-1, 3, width))

    @cached_property
    def small(self) -> Plane:
        """Luma, upright, reduced by area averages so that its longer side has `SIDE` pixels."""
        height, width = self.luma.shape
        return _upright(_reduced(self.luma, *small_size(width, height)), self.turns)

    @cached_property
    def flow_copy(self) -> Plane:
        """The small picture, reduced once more by area averages: the finest scale that DIS flow uses by its preset."""
        height, width = self.small.shape
        size = width // FLOW_SCALE, height // FLOW_SCALE
        return np.asarray(cv2.resize(self.small, size, interpolation=cv2.INTER_AREA))

    @cached_property
    def small_hsv(self) -> Plane:
        """Hue, saturation and value at half the size of the small picture, uint8 (height, width, 3).

        It is not upright. Chroma is reduced as PySceneDetect reduces its frames, to half of that size.
        """
        small = _upright(self.small, -self.turns)
        height, width = (side // 4 * 2 for side in small.shape)
        whole = np.empty((height * 3 // 2, width), np.uint8)
        cb, cr = whole[height:].reshape(2, height // 2, width // 2)
        for plane, target in ((small, whole[:height]), (self.cb, cb), (self.cr, cr)):
            cv2.resize(plane, target.shape[::-1], target, interpolation=cv2.INTER_LINEAR)
        return cast(Plane, cv2.cvtColor(cv2.cvtColor(whole, cv2.COLOR_YUV2BGR_I420), cv2.COLOR_BGR2HSV))


def planes_of(frame: av.VideoFrame, crop: tuple[int, int, int, int] = (0, 0, 0, 0), turns: int = 0) -> Planes:
    """Return the planes of a frame, without a border of (left, right, top, bottom) pixels.

    They share memory with the frame if no conversion is needed.
    """
    if frame.format.name != _FORMAT or frame.color_range == _FULL_RANGE:
        frame = frame.reformat(format=_FORMAT, dst_color_range=ColorRange.MPEG, interpolation=_EXACT, threads=1)
    left, right, top, bottom = crop
    luma, cb, cr = map(_plane, frame.planes)
    if any(crop):
        luma = luma[top : frame.height - bottom, left : frame.width - right]
        cb, cr = (
            plane[top // 2 : len(plane) - bottom // 2, left // 2 : plane.shape[1] - right // 2] for plane in (cb, cr)
        )
    return Planes(luma, cb, cr, turns)


def small_size(width: int, height: int) -> tuple[int, int]:
    """Return the (width, height) of the small copy of a picture."""
    scale = SIDE / max(width, height)
    return max(_LEAST_SIDE, round(width * scale)), max(_LEAST_SIDE, round(height * scale))


def lines(plane: Any, most: int) -> Any:
    """Return at most `most` lines of a plane, at equal distances."""
    apart = -(-len(plane) // most)
    return plane[apart // 2 :: apart]


@lru_cache(maxsize=16)
def row_places(height: int, apart: int = 1) -> Any:
    """Return the positions of `ROWS` rows at equal distances, each between the rows `apart` above and below it."""
    inner = height - 2 * apart
    rows = np.unique(np.linspace(apart, height - 1 - apart, max(0, min(ROWS, inner))).round().astype(int))
    return (rows[:, None] + np.array([-apart, 0, apart])).ravel()


def _plane(plane: VideoPlane) -> Plane:
    return np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[: plane.height, : plane.width]


def _reduced(plane: Plane, width: int, height: int) -> Plane:
    """Reduce by area averages: halved, which OpenCV does fast, until the picture is less than twice as large."""
    while plane.shape[1] >= 2 * width and plane.shape[0] >= 2 * height:
        rows, columns = plane.shape[0] // 2, plane.shape[1] // 2
        even = plane[: 2 * rows, : 2 * columns]
        plane = np.asarray(cv2.resize(even, (columns, rows), interpolation=cv2.INTER_AREA))
    if plane.shape == (height, width):
        return plane
    narrow = plane.shape[1] > 3 * width or plane.shape[0] > 3 * height
    how = cv2.INTER_AREA if narrow else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(plane, (width, height), interpolation=how))


def _upright(plane: Plane, turns: int) -> Plane:
    return np.ascontiguousarray(np.rot90(plane, turns)) if turns else plane
