"""Frames as PySceneDetect gets them: BGR as read by OpenCV, reduced to 256 pixels, bit for bit.

OpenCV converts a whole picture and then interpolates between two of its lines for each line of the small one. For the
usual pixel format, only these lines are converted here; the rest of the picture is not read.
"""

from typing import Any

import av
import cv2
import numpy as np
from av.video.reformatter import Interpolation, VideoReformatter

from reelmill_stages.media.decoding.picture import Pixels, Turned
from reelmill_stages.media.timeline.shape import Shape

LONGEST = 256
"""Maximum width and height in pixels; the default of PySceneDetect's SceneManager."""
_NO_WEIGHT = 1 / 8192
"""Threshold for zero weights; weights of OpenCV's interpolation are multiples of 1/2048."""
_FEW = 0.7
"""Maximum share of lines to select; selecting more takes longer than converting all lines."""
_PLANES = {"yuv420p": ("yuv422p", 1), "yuv422p": ("yuv422p", 0)}
"""By pixel format: the format in which its lines are stored, and log2 of the picture lines per chroma line."""


class ScenePictures:
    """Reduces the frames of one video with the container's `shape` (`Timeline.shape`)."""

    def __init__(self, shape: Shape) -> None:
        self._turned = Turned(shape)
        self._whole = VideoReformatter()
        self._lines: dict[tuple[str, int, int], _Lines] = {}
        self._size: tuple[int, int] | None = None

    def of(self, frame: av.VideoFrame) -> Pixels:
        """Return the reduced picture, uint8 (height, width, 3) in BGR. All pictures have the size of the first one."""
        upright = self._turned.of(frame)
        sideways = upright.turns % 2
        height, width = (frame.width, frame.height) if sideways else (frame.height, frame.width)
        if self._size is None:
            self._size = reduced_size(width, height)
        if upright.turns or not _worth_choosing_lines(frame, self._size[1]):
            picture: Any = _bgr(self._whole, frame)
            # OpenCV rotates pictures but does not mirror them.
            picture = np.ascontiguousarray(np.rot90(picture, upright.turns))
        else:
            picture = self._needed_lines(frame).of(frame)
        if self._size == (width, height):
            return np.ascontiguousarray(picture)
        reduced: Pixels = cv2.resize(picture, self._size, interpolation=cv2.INTER_LINEAR)
        return reduced

    def _needed_lines(self, frame: av.VideoFrame) -> "_Lines":
        assert self._size is not None
        kind = frame.format.name, frame.width, frame.height
        if kind not in self._lines:
            self._lines[kind] = _Lines(frame, self._size[1])
        return self._lines[kind]


class _Lines:
    """Pictures of one size, in which only the lines needed for the reduced picture are correct."""

    def __init__(self, frame: av.VideoFrame, reduced: int) -> None:
        stored, halved = _PLANES[frame.format.name]
        rows = interpolated_rows(frame.height, reduced)
        # An even number, so that swscale gives the same result as for the whole picture.
        self._rows = np.concatenate([rows, rows[-1:]]) if len(rows) % 2 else rows
        self._chroma = self._rows >> halved
        self._width, self._height = frame.width, frame.height
        # Whole lines of the decoder's memory are copied at once, including padding.
        self._frame = av.VideoFrame(frame.planes[0].line_size, len(self._rows), stored)
        self._bgr: np.ndarray[Any, np.dtype[np.uint8]] | None = None
        self._reformatter = VideoReformatter()

    def of(self, frame: av.VideoFrame) -> Pixels:
        """Return the picture; it uses the same memory for every frame."""
        for place, (source, target) in enumerate(zip(frame.planes, self._frame.planes, strict=True)):
            lines, gathered, rows = _rows_of(source), _rows_of(target), self._chroma if place else self._rows
            if lines.shape[1] == gathered.shape[1]:
                np.take(lines, rows, axis=0, out=gathered, mode="clip")
            else:
                width = min(lines.shape[1], gathered.shape[1])
                gathered[:, :width] = lines[:, :width].take(rows, axis=0)
        self._frame.colorspace, self._frame.color_range = frame.colorspace, frame.color_range
        made = _rows_of(_reformatted(self._reformatter, self._frame).planes[0])
        if self._bgr is None:
            self._bgr = np.zeros((self._height, made.shape[1]), np.uint8)
        self._bgr[self._rows] = made
        shown: Pixels = self._bgr[:, : 3 * self._width].reshape(self._height, self._width, 3)
        return shown


def reduced_size(width: int, height: int) -> tuple[int, int]:
    """Return the (width, height) of the picture that detectors use."""
    factor = max(width, height) / LONGEST
    return (width, height) if factor <= 1 else (max(1, round(width / factor)), max(1, round(height / factor)))


def interpolated_rows(height: int, reduced: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return the rows between which bilinear interpolation to `reduced` rows interpolates, in order."""
    places = (np.arange(reduced) + 0.5) * (height / reduced) - 0.5
    first = np.floor(places + _NO_WEIGHT).astype(np.int64)
    second = first[places - first > _NO_WEIGHT] + 1
    return np.unique(np.clip(np.concatenate([first, second]), 0, height - 1))


def _worth_choosing_lines(frame: av.VideoFrame, reduced: int) -> bool:
    """Whether few lines are needed and swscale converts the frame line by line (its general scaler uses more lines)."""
    return frame.format.name in _PLANES and frame.height % 2 == 0 and 2 * reduced <= _FEW * frame.height


def _bgr(reformatter: VideoReformatter, frame: av.VideoFrame) -> Pixels:
    pixels: Any = _reformatted(reformatter, frame).to_ndarray()
    return pixels  # type: ignore[no-any-return]


def _reformatted(reformatter: VideoReformatter, frame: av.VideoFrame) -> av.VideoFrame:
    return reformatter.reformat(frame, format="bgr24", interpolation=Interpolation.BICUBIC, threads=1)


def _rows_of(plane: Any) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
