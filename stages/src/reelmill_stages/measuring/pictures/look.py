"""Measures of the family `picture`: one number per measure for a single frame.

Shares of pixels and expensive means are computed over lines at equal distances, at most `LINES`: more lines change the
values by less than compression does, but take as long as decoding.
"""

from collections.abc import Mapping
from functools import lru_cache
from math import sqrt
from typing import Any

import cv2
import numpy as np

from reelmill.contract.measures import Measure
from reelmill_stages.measuring.pictures.edges import edge_width
from reelmill_stages.measuring.pictures.planes import Plane, Planes, lines, row_places

LINES = 32
_CHROMA_PIXELS = 20_000
"""Approximate number of chroma pixels that are sampled."""
_STEP_LINES, _GRADIENT_LINES = 64, 128
"""Maximum numbers of lines whose differences represent those of all lines."""
_ALIKE = 1.5
"""Maximum ratio, either way, between the mean square difference of the sampled rows and that of the picture."""
BLACK_LEVEL, WHITE_LEVEL = 16, 235
_BLACK_PIXEL = int(BLACK_LEVEL + 0.1 * (WHITE_LEVEL - BLACK_LEVEL))
"""blackdetect's `pixel_black_th`, 0.10 of the range."""
_BLACK_SHARE = 0.98
"""blackdetect's `picture_black_ratio_th`."""
_BLACK_MEAN = _BLACK_SHARE * _BLACK_PIXEL + (1 - _BLACK_SHARE) * 255
"""Maximum mean luma of a black frame."""
_COMB = 10
"""A pixel is combed if it is lighter or darker than both adjacent lines by more levels than this."""
_COMBED = 0.005
"""Minimum share of combed pixels in an interlaced frame."""
_DETAIL = 3
"""An interlaced frame has at least this many times more combed pixels than one of its fields; detail appears in both.
"""
_BLOCK = 8
_GREY = 128
_LEAST_STEP = 0.5
"""Levels added to both means, so that noise in a nearly uniform picture does not give a large ratio."""

Values = Mapping[Measure, float]


def look(planes: Planes) -> Values:
    """Return the values of a frame. A missing value, such as the blur of a frame without edges, is absent."""
    luma, some = planes.luma, lines(planes.luma, LINES)
    mean, deviation = planes.mean_and_deviation
    found = {
        Measure.LUMA: mean,
        Measure.CONTRAST: deviation,
        Measure.SATURATION: saturation(planes.cb, planes.cr),
        Measure.OVEREXPOSED: share(some >= WHITE_LEVEL),
        Measure.UNDEREXPOSED: share(some <= BLACK_LEVEL),
        Measure.BLACK: float(mean <= _BLACK_MEAN and share(luma <= _BLACK_PIXEL) >= _BLACK_SHARE),
        Measure.BLUR: edge_width(planes.rows),
        Measure.BLOCKINESS: blockiness(luma),
        Measure.SPATIAL_INFORMATION: spatial_information(planes),
        Measure.INTERLACED: float(is_interlaced(planes)),
    }
    return {measure: value for measure, value in found.items() if value is not None}


def saturation(cb: Plane, cr: Plane) -> float:
    """Return the mean distance of (Cb, Cr) from (128, 128)."""
    most = max(LINES, _CHROMA_PIXELS // cb.shape[1])
    x, y = (lines(plane, most).astype(np.float32) for plane in (cb, cr))
    x -= _GREY
    y -= _GREY
    return float(cv2.sumElems(cv2.magnitude(x, y))[0] / x.size)


def spatial_information(planes: Planes) -> float | None:
    """Return the standard deviation of the Sobel gradient's length, without the picture's border; None if empty.

    Gradients are computed along `Planes.rows`. The mean of their square is scaled to account for the omitted rows: by
    the ratio of squared differences between pixels two apart, in the whole picture and along these rows. If the two
    differ too much, as in a picture with a line of text, the gradients of the whole picture are used.
    """
    luma, rows = planes.luma, planes.rows
    count, _, width = rows.shape
    height = len(luma) - 2
    if not count or width < 3:
        return None
    scale = 1.0
    if count < height:
        along = cv2.norm(rows[:, 1, 2:], rows[:, 1, :-2], cv2.NORM_L2SQR)
        across = cv2.norm(rows[:, 2], rows[:, 0], cv2.NORM_L2SQR)
        some, above, below = (lines(part, _GRADIENT_LINES) for part in (luma[1:-1], luma[:-2], luma[2:]))
        whole = cv2.norm(some[:, 2:], some[:, :-2], cv2.NORM_L2SQR) + cv2.norm(below, above, cv2.NORM_L2SQR)
        of_all, of_rows = whole / len(some), (along + across) / count
        if max(of_all, of_rows) > _ALIKE * min(of_all, of_rows):
            x, y = (np.asarray(part)[1:-1] for part in cv2.spatialGradient(np.ascontiguousarray(luma)))
            return _deviation(x, y, 1.0)
        scale = of_all / of_rows if of_rows else 1.0
    memory = _gradient(3 * count, width)
    x, y = (
        part.reshape(rows.shape)[:, 1]
        for part in map(np.asarray, cv2.spatialGradient(rows.reshape(-1, width), *memory))
    )
    return _deviation(x, y, scale)


def _deviation(x: Any, y: Any, scale: float) -> float:
    """Return the standard deviation of the length of gradients, without the first and last of each row.

    `scale` is a factor for the mean square.
    """
    lengths = cv2.magnitude(x[:, 1:-1].astype(np.float32), y[:, 1:-1].astype(np.float32))
    total = cv2.norm(lengths, cv2.NORM_L2SQR)
    if not total:
        return 0.0
    square, length = total / lengths.size, cv2.sumElems(lengths)[0] / lengths.size
    return sqrt(max(0.0, scale * (square - length * length)))


@lru_cache(maxsize=4)
def _gradient(height: int, width: int) -> tuple[Any, Any]:
    """Return buffers for the two components of a gradient."""
    return np.empty((height, width), np.int16), np.empty((height, width), np.int16)


def blockiness(luma: Plane) -> float | None:
    """Return the mean step between adjacent pixels at block borders, divided by the mean of all other steps.

    None for a picture that is too small for two blocks.
    """
    if min(luma.shape) < 2:
        return None
    some = lines(luma, LINES)
    across, along = _steps_across(luma), _steps_along(some)
    weight = len(luma) / len(some)
    border, borders, other, others = (one + weight * two for one, two in zip(across, along, strict=True))
    if not (borders and others):
        return None
    return (border / borders + _LEAST_STEP) / (other / others + _LEAST_STEP)


def _steps_across(luma: Plane) -> tuple[float, float, float, float]:
    """Return the steps from each row to the next: sum and number at block borders, then sum and number of the others.

    The others are estimated from some rows, at an odd distance so that all positions inside blocks are covered.
    """
    one, two = luma[:-1], luma[1:]
    at_border = slice(_BLOCK - 1, None, _BLOCK)
    apart = -(-len(one) // _STEP_LINES) | 1
    first = apart // 2
    of_border = next(row for row in range(first, first + _BLOCK * apart, apart) if row % _BLOCK == _BLOCK - 1)
    some, left_out = slice(first, None, apart), slice(of_border, None, _BLOCK * apart)
    taken = one[some].size - one[left_out].size
    steps = _absolute_difference(one[some], two[some]) - _absolute_difference(one[left_out], two[left_out])
    borders = one[at_border].size
    others = one.size - borders
    return (
        _absolute_difference(one[at_border], two[at_border]),
        borders,
        steps * others / taken if taken else 0.0,
        others,
    )


def _steps_along(lines: Plane) -> tuple[float, float, float, float]:
    """Return the same for steps from each pixel to the next along lines."""
    one, two = lines[:, :-1], lines[:, 1:]
    at_border = slice(None), slice(_BLOCK - 1, None, _BLOCK)
    border, borders = _absolute_difference(one[at_border], two[at_border]), one[at_border].size
    return border, borders, _absolute_difference(one, two) - border, one.size - borders


def is_interlaced(planes: Planes) -> bool:
    """Whether the lines of the frame are combed, and those of a single field much less."""
    frame = _comb_share(planes.rows)
    if frame <= _COMBED:
        return False
    luma = planes.luma
    field = luma.take(row_places(len(luma), 2), axis=0).reshape(-1, 3, luma.shape[1])
    return frame > _DETAIL * _comb_share(field)


def _comb_share(rows: Plane) -> float:
    """Return the share of pixels that are lighter or darker than both vertical neighbours, for rows (n, 3, width)."""
    if not len(rows):
        return 0.0
    above, line, below = rows[:, 0], rows[:, 1], rows[:, 2]
    lighter = cv2.subtract(line, cv2.max(above, below))
    darker = cv2.subtract(cv2.min(above, below), line)
    return share(np.asarray(cv2.max(lighter, darker)) > _COMB)


def share(mask: Any) -> float:
    """Return the share of a mask that is true."""
    return int(np.count_nonzero(mask)) / int(mask.size)


def _absolute_difference(one: Plane, other: Plane) -> float:
    """Return the sum of absolute differences of two planes."""
    return cv2.norm(one, other, cv2.NORM_L1) if one.size else 0.0
