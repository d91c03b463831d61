"""What a single frame looks like: one number per measure of the family `picture`."""

from collections.abc import Iterator, Mapping
from math import sqrt
from typing import Any

import cv2
import numpy as np

from reelmill.contract.measures import Measure
from reelmill_stages.stages.measure.pictures.edges import edge_width
from reelmill_stages.stages.measure.pictures.planes import Plane, Planes

BLACK_LEVEL, WHITE_LEVEL = 16, 235
_BLACK_PIXEL = int(BLACK_LEVEL + 0.1 * (WHITE_LEVEL - BLACK_LEVEL))
"""blackdetect's `pixel_black_th`, 0.10 of the range."""
_BLACK_SHARE = 0.98
"""blackdetect's `picture_black_ratio_th`."""
_COMB = 10
"""A pixel is combed if it is lighter than both lines beside it, or darker, by more levels than this."""
_COMBED = 0.005
"""Share of the pixels that are combed in an interlaced frame."""
_DETAIL = 3
"""An interlaced frame has this many times more combed pixels than one of its fields: detail has them in both."""
_BLOCK = 8
_LEAST_STEP = 0.5
"""Levels that are added to both means, so that the noise of a nearly even picture makes no large ratio."""
_BAND = 1 << 15
"""Pixels of a band."""

Values = Mapping[Measure, float]


def look(planes: Planes) -> Values:
    """The values of a frame. One that the frame does not have, such as the blur of a frame without edges, is absent."""
    luma = planes.luma
    mean, deviation = cv2.meanStdDev(luma)
    found = {
        Measure.LUMA: float(mean[0, 0]),
        Measure.CONTRAST: float(deviation[0, 0]),
        Measure.SATURATION: saturation(planes.cb, planes.cr),
        Measure.OVEREXPOSED: share(luma >= WHITE_LEVEL),
        Measure.UNDEREXPOSED: share(luma <= BLACK_LEVEL),
        Measure.BLACK: float(share(luma <= _BLACK_PIXEL) >= _BLACK_SHARE),
        Measure.BLUR: edge_width(luma),
        Measure.BLOCKINESS: blockiness(luma),
        Measure.SPATIAL_INFORMATION: spatial_information(luma),
        Measure.INTERLACED: float(is_interlaced(luma)),
    }
    return {measure: value for measure, value in found.items() if value is not None}


def saturation(cb: Plane, cr: Plane) -> float:
    """Mean distance of (Cb, Cr) from (128, 128)."""
    total = 0.0
    for rows in bands(*cb.shape):
        x, y = (plane[rows].astype(np.float32) - np.float32(128) for plane in (cb, cr))
        total += cv2.sumElems(cv2.magnitude(x, y))[0]
    return total / cb.size


def spatial_information(luma: Plane) -> float | None:
    """Standard deviation of the length of the Sobel gradient, without the border of the picture. None if nothing is
    left.
    """
    height, width = luma.shape
    if min(height, width) < 3:
        return None
    total = squares = 0.0
    for rows in bands(height - 2, width):
        gradient = cv2.spatialGradient(luma[rows.start : rows.stop + 2])
        x, y = (np.asarray(each)[1:-1, 1:-1].astype(np.float32) for each in gradient)
        length = cv2.magnitude(x, y)
        total += cv2.sumElems(length)[0]
        squares += cv2.norm(length, cv2.NORM_L2SQR)
    count = (height - 2) * (width - 2)
    return sqrt(max(0.0, squares / count - (total / count) ** 2))


def bands(height: int, width: int) -> Iterator[slice]:
    """Rows of a picture in bands that fit into the cache of a CPU with their intermediate results."""
    rows = max(8, _BAND // max(1, width))
    for first in range(0, height, rows):
        yield slice(first, min(height, first + rows))


def blockiness(luma: Plane) -> float | None:
    """Mean step between neighbouring pixels at the borders of blocks by the mean of all other steps.

    None for a picture that is too small for two blocks.
    """
    border = other = 0.0
    borders = others = 0
    for axis in (0, 1):
        first, second = (luma[1:], luma[:-1]) if axis == 0 else (luma[:, 1:], luma[:, :-1])
        if not first.size:
            return None
        sums = _lines(cv2.absdiff(first, second), axis)
        across = luma.shape[1 - axis]
        at_border = sums[_BLOCK - 1 :: _BLOCK]
        border += float(at_border.sum(dtype=np.int64))
        other += float(sums.sum(dtype=np.int64) - at_border.sum(dtype=np.int64))
        borders += len(at_border) * across
        others += (len(sums) - len(at_border)) * across
    if not (borders and others):
        return None
    return (border / borders + _LEAST_STEP) / (other / others + _LEAST_STEP)


def is_interlaced(luma: Plane) -> bool:
    """Whether the lines of the frame are combed, and those of a field alone much less."""
    frame = _combed(luma)
    return frame > _COMBED and frame > _DETAIL * _combed(luma[::2])


def _combed(luma: Plane) -> float:
    height, width = luma.shape
    if height < 3:
        return 0.0
    count = 0
    for rows in bands(height - 2, width):
        above, line, below = (luma[rows.start + shift : rows.stop + shift] for shift in (0, 1, 2))
        lighter = cv2.subtract(line, cv2.max(above, below))
        darker = cv2.subtract(cv2.min(above, below), line)
        count += int(np.count_nonzero(np.asarray(cv2.max(lighter, darker)) > _COMB))
    return float(count / ((height - 2) * width))


def share(mask: Any) -> float:
    """The share of a mask that is true."""
    return int(np.count_nonzero(mask)) / int(mask.size)


def _lines(steps: Any, axis: int) -> Any:
    """Sums of a plane of steps by rows (axis 0) or columns."""
    return cv2.reduce(steps, 1 - axis, cv2.REDUCE_SUM, dtype=cv2.CV_32S).ravel()
