"""Rendering of decoded frames to pixels: upright, scaled, in the requested channel order.

Scaling is swscale's bicubic with exact rounding, so equal frames give equal bytes on every CPU.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, cast

import av
import numpy as np
from av.video.reformatter import Interpolation, VideoReformatter

from reelmill_stages.media.timeline.shape import SQUARE, Shape

Fit = Literal["stretch", "letterbox", "crop"]
Color = Literal["rgb", "bgr"]
Pixels = np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]
"""(height, width, 3)"""

_SCALING = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.BITEXACT
_reformatter = VideoReformatter()
"""Keeps its tables from frame to frame; a process renders in one thread."""


@dataclass(frozen=True, slots=True)
class Orientation:
    """The steps from a coded frame to the displayed picture.

    First its shape, then mirroring left to right, then `turns` quarter turns counter-clockwise.
    """

    turns: int = 0
    mirrored: bool = False
    shape: Shape = SQUARE


def render(
    frame: av.VideoFrame,
    *,
    width: int,
    height: int,
    fit: Fit = "stretch",
    color: Color = "rgb",
    turned: Orientation | None = None,
) -> Pixels:
    """Render the frame as displayed (border cut, pixels square, upright), as uint8 (height, width, 3).

    `stretch` ignores the aspect, `letterbox` adds black borders, `crop` cuts out the centre. `turned` is the frame's
    orientation, which `Turned` looks up once for all frames of a file. Without it, only the frame's own data is used,
    which does not include the pixel aspect and borders.
    """
    upright = turned or orientation(frame)
    if any(upright.shape.crop):
        frame = _cropped(frame, upright.shape.crop)
    size = {"width": height, "height": width} if upright.turns % 2 else {"width": width, "height": height}
    pixels = render_coded(frame, **size, fit=fit, color=color, aspect=upright.shape.aspect)
    return _upright(pixels, upright.turns, upright.mirrored)


class Turned:
    """Orientations of the frames of one file with the container's `shape` (`Timeline.shape`).

    Reading a frame's side data creates a reference cycle that keeps the frame in memory until the garbage collector
    runs, hundreds of frames later. Reading its rotation alone does not, so side data is read only for the first frame
    of each rotation.
    """

    def __init__(self, shape: Shape) -> None:
        self._shape = shape
        self._known: dict[int, Orientation] = {}

    def of(self, frame: av.VideoFrame) -> Orientation:
        """Return the orientation of a frame of the file."""
        if frame.rotation not in self._known:
            own = orientation(frame)
            turns, mirrored = (own.turns, own.mirrored) if own != Orientation() else self._shape.turn
            self._known[frame.rotation] = Orientation(turns, mirrored, self._shape)
        return self._known[frame.rotation]


def shown_size(frame: av.VideoFrame, turned: Orientation | None = None) -> tuple[int, int]:
    """Return the (width, height) of the displayed frame in square pixels: height is kept, width follows the aspect."""
    upright = turned or orientation(frame)
    left, right, top, bottom = upright.shape.crop
    width = max(1, round((frame.width - left - right) * upright.shape.aspect))
    height = frame.height - top - bottom
    return (height, width) if upright.turns % 2 else (width, height)


def render_coded(
    frame: av.VideoFrame, *, width: int, height: int, fit: Fit, color: Color, aspect: Fraction | int = 1
) -> Pixels:
    """Render like `render`, but without making the frame upright; its pixels are `aspect` times as wide as high."""
    if fit == "stretch":
        return _scaled(frame, width, height, color)
    shown = frame.width if aspect == 1 else frame.width * aspect
    by_width = shown * height > frame.height * width
    if by_width == (fit == "letterbox"):
        inner = width, max(1, round(frame.height * width / shown))
    else:
        inner = max(1, round(shown * height / frame.height)), height
    scaled = _scaled(frame, *inner, color)
    left, top = abs(inner[0] - width) // 2, abs(inner[1] - height) // 2
    if fit == "crop":
        return np.ascontiguousarray(scaled[top : top + height, left : left + width])
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[top : top + inner[1], left : left + inner[0]] = scaled
    return pixels


def orientation(frame: av.VideoFrame) -> Orientation:
    """Return the orientation from a coded frame's display matrix, which is the container's or one in its packet."""
    try:
        matrix = bytes(cast(Mapping[str, Any], frame.side_data)["DISPLAYMATRIX"])
    except KeyError:
        return Orientation()
    a, b, _, c, d = struct.unpack("=9i", matrix)[:5]
    mirrored = a * d - b * c < 0
    if mirrored:
        a, b = -a, -b
    if abs(a) >= abs(b):
        return Orientation(0 if a >= 0 else 2, mirrored)
    return Orientation(3 if b > 0 else 1, mirrored)


def _cropped(frame: av.VideoFrame, crop: tuple[int, int, int, int]) -> av.VideoFrame:
    """Return the frame without its border, as RGB."""
    left, right, top, bottom = crop
    pixels = _scaled(frame, frame.width, frame.height, "rgb")
    inside = pixels[top : frame.height - bottom, left : frame.width - right]
    return av.VideoFrame.from_ndarray(np.ascontiguousarray(inside), format="rgb24")


def _upright(pixels: Pixels, turns: int, mirrored: bool) -> Pixels:
    if mirrored:
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(np.rot90(pixels, turns))


def _scaled(frame: av.VideoFrame, width: int, height: int, color: Color) -> Pixels:
    scaled = _reformatter.reformat(
        frame, width=width, height=height, format=f"{color}24", interpolation=_SCALING, threads=1
    )
    return cast(Pixels, scaled.to_ndarray())
