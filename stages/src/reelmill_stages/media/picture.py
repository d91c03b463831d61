"""From a decoded frame to pixels: upright, scaled, in the asked channel order; and to JPEG.

Scaling is swscale's bicubic with exact rounding, so equal frames give equal bytes on every CPU.
"""

import io
import struct
from collections.abc import Mapping
from typing import Any, Literal, cast

import av
import numpy as np
from av.video.reformatter import Interpolation, VideoReformatter
from PIL import Image

Fit = Literal["stretch", "letterbox", "crop"]
Color = Literal["rgb", "bgr"]
Pixels = np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]
"""(height, width, 3)"""

_SCALING = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.BITEXACT
_reformatter = VideoReformatter()
"""Keeps its tables from frame to frame; a process renders in one thread."""


Orientation = tuple[int, bool]
"""(quarter turns counter-clockwise, mirrored left to right first) that bring a coded frame upright."""


def render(
    frame: av.VideoFrame,
    *,
    width: int,
    height: int,
    fit: Fit = "stretch",
    color: Color = "rgb",
    turned: Orientation | None = None,
) -> Pixels:
    """The frame as people see it (rotation applied), as uint8 (height, width, 3).

    `stretch` ignores the aspect, `letterbox` adds black borders, `crop` cuts the centre out. `turned` is the frame's
    orientation where it is known: `Turned` looks it up once for all frames of a file.
    """
    turns, mirrored = turned or orientation(frame)
    if turns % 2:
        return _upright(render_coded(frame, width=height, height=width, fit=fit, color=color), turns, mirrored)
    return _upright(render_coded(frame, width=width, height=height, fit=fit, color=color), turns, mirrored)


class Turned:
    """Orientations of the frames of one file.

    Looking into a frame's side data ties the frame to itself, and it stays in memory until the garbage collector comes
    by, hundreds of frames later. Its rotation alone does not, so only the first frame of each rotation is looked into.
    """

    def __init__(self) -> None:
        self._known: dict[int, Orientation] = {}

    def of(self, frame: av.VideoFrame) -> Orientation:
        """The orientation of a frame of the file."""
        if frame.rotation not in self._known:
            self._known[frame.rotation] = orientation(frame)
        return self._known[frame.rotation]


def shown_size(frame: av.VideoFrame, turned: Orientation | None = None) -> tuple[int, int]:
    """(width, height) of the frame as people see it."""
    turns, _ = turned or orientation(frame)
    return (frame.height, frame.width) if turns % 2 else (frame.width, frame.height)


def jpeg(pixels: Pixels, quality: int) -> bytes:
    """Baseline JPEG of RGB pixels; equal pixels give equal bytes. 4:4:4 from quality 96 on, else 4:2:0."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, format="JPEG", quality=quality, subsampling=0 if quality > 95 else 2)
    return out.getvalue()


def render_coded(frame: av.VideoFrame, *, width: int, height: int, fit: Fit, color: Color) -> Pixels:
    """As `render`, without turning the frame upright."""
    if fit == "stretch":
        return _scaled(frame, width, height, color)
    by_width = frame.width * height > frame.height * width
    if by_width == (fit == "letterbox"):
        inner = width, max(1, round(frame.height * width / frame.width))
    else:
        inner = max(1, round(frame.width * height / frame.height)), height
    scaled = _scaled(frame, *inner, color)
    left, top = abs(inner[0] - width) // 2, abs(inner[1] - height) // 2
    if fit == "crop":
        return np.ascontiguousarray(scaled[top : top + height, left : left + width])
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[top : top + inner[1], left : left + inner[0]] = scaled
    return pixels


def orientation(frame: av.VideoFrame) -> Orientation:
    """(quarter turns counter-clockwise, mirrored left to right first) that bring the coded frame upright."""
    try:
        matrix = bytes(cast(Mapping[str, Any], frame.side_data)["DISPLAYMATRIX"])
    except KeyError:
        return 0, False
    a, b, _, c, d = struct.unpack("=9i", matrix)[:5]
    mirrored = a * d - b * c < 0
    if mirrored:
        a, b = -a, -b
    if abs(a) >= abs(b):
        return (0 if a >= 0 else 2), mirrored
    return (3 if b > 0 else 1), mirrored


def _upright(pixels: Pixels, turns: int, mirrored: bool) -> Pixels:
    if mirrored:
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(np.rot90(pixels, turns))


def _scaled(frame: av.VideoFrame, width: int, height: int, color: Color) -> Pixels:
    scaled = _reformatter.reformat(
        frame, width=width, height=height, format=f"{color}24", interpolation=_SCALING, threads=1
    )
    return cast(Pixels, scaled.to_ndarray())
