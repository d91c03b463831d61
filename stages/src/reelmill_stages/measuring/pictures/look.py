"""What a single frame looks like: one number per measure of the family `picture`.

Means and shares of pixels are taken over lines at equal distances, at most `LINES`: more of them change the values by
less than compression does, and cost the time of a decoder. What FFmpeg's filters define is taken over all pixels.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from math import sqrt
from typing import Any

import cv2
import numpy as np

from reelmill.contract.measures import Measure
from reelmill_stages.measuring.pictures.edges import edge_width
from reelmill_stages.measuring.pictures.planes import Plane, Planes

LINES, CHROMA_LINES = 64, 128
GRADIENT_LINES = 64
"""Lines over which the mean length of the gradient is taken."""
BLACK_LEVEL, WHITE_LEVEL = 16, 235
_BLACK_PIXEL = int(BLACK_LEVEL + 0.1 * (WHITE_LEVEL - BLACK_LEVEL))
"""blackdetect's `pixel_black_th`, 0.10 of the range."""
_BLACK_SHARE = 0.98
"""blackdetect's `picture_black_ratio_th`."""
_BLACK_MEAN = _BLACK_SHARE * _BLACK_PIXEL + (1 - _BLACK_SHARE) * 255
"""Mean luma of a black frame, at most."""
_COMB = 10
"""A pixel is combed if it is lighter than both lines beside it, or darker, by more levels than this."""
_COMBED = 0.005
"""Share of the pixels that are combed in an interlaced frame."""
_DETAIL = 3
"""An interlaced frame has this many times more combed pixels than one of its fields: detail has them in both."""
_BLOCK = 8
_LEAST_STEP = 0.5
"""Levels that are added to both means, so that the noise of a nearly even picture makes no large ratio."""
_BAND, _GRADIENT_BAND = 1 << 16, 1 << 18
"""Pixels of a band."""

Values = Mapping[Measure, float]


def look(planes: Planes) -> Values:
    """The values of a frame. One that the frame does not have, such as the blur of a frame without edges, is absent."""
    luma, some = planes.luma, lines(planes.luma, LINES)
    mean, deviation = planes.mean_and_deviation
    found = {
        Measure.LUMA: mean,
        Measure.CONTRAST: deviation,
        Measure.SATURATION: saturation(planes.cb, planes.cr),
        Measure.OVEREXPOSED: share(some >= WHITE_LEVEL),
        Measure.UNDEREXPOSED: share(some <= BLACK_LEVEL),
        Measure.BLACK: float(mean <= _BLACK_MEAN and share(luma <= _BLACK_PIXEL) >= _BLACK_SHARE),
        Measure.BLUR: edge_width(luma),
        Measure.BLOCKINESS: blockiness(luma),
        Measure.SPATIAL_INFORMATION: spatial_information(luma),
        Measure.INTERLACED: float(is_interlaced(luma)),
    }
    return {measure: value for measure, value in found.items() if value is not None}


def saturation(cb: Plane, cr: Plane) -> float:
    """Mean distance of (Cb, Cr) from (128, 128)."""
    cb, cr = lines(cb, CHROMA_LINES), lines(cr, CHROMA_LINES)
    total = 0.0
    for rows in bands(*cb.shape):
        x, y = (plane[rows].astype(np.float32) for plane in (cb, cr))
        x -= 128
        y -= 128
        total += cv2.sumElems(cv2.magnitude(x, y))[0]
    return total / cb.size


def spatial_information(luma: Plane) -> float | None:
    """Standard deviation of the length of the Sobel gradient, without the border of the picture. None if nothing is
    left.

    The mean of its square is that of all pixels. The mean length by the root of the mean square is that of some lines,
    which in filmed video is within 0.3 % of that of all.
    """
    height, width = (side - 2 for side in luma.shape)
    if min(height, width) < 1:
        return None
    apart = -(-height // GRADIENT_LINES)
    square = of_lines = length = 0.0
    taken = 0
    for rows in bands(height, width + 2, _GRADIENT_BAND):
        band = luma[rows.start : rows.stop + 2]
        x, y = (np.asarray(each)[1:-1, 1:-1] for each in cv2.spatialGradient(band, *_gradient(*band.shape)))
        square += cv2.norm(x, cv2.NORM_L2SQR) + cv2.norm(y, cv2.NORM_L2SQR)
        some = slice((apart // 2 - rows.start) % apart, None, apart)
        lengths = cv2.magnitude(x[some].astype(np.float32), y[some].astype(np.float32))
        if lengths is not None:
            of_lines += cv2.norm(lengths, cv2.NORM_L2SQR)
            length += cv2.sumElems(lengths)[0]
            taken += lengths.size
    square /= height * width
    return sqrt(max(0.0, square * (1 - length * length / of_lines / taken))) if of_lines else sqrt(square)


@lru_cache(maxsize=4)
def _gradient(height: int, width: int) -> tuple[Any, Any]:
    """Memory for the two components of a gradient."""
    return np.empty((height, width), np.int16), np.empty((height, width), np.int16)


def bands(height: int, width: int, pixels: int = _BAND) -> Iterator[slice]:
    """Rows of a picture in bands that fit into the cache of a CPU with their intermediate results.

    These are small enough, too, for memory that the process keeps: the pages of larger ones would be cleared each time.
    """
    rows = max(8, pixels // max(1, width))
    for first in range(0, height, rows):
        yield slice(first, min(height, first + rows))


def lines(plane: Any, most: int) -> Any:
    """Lines of a plane at equal distances, at most so many."""
    apart = -(-len(plane) // most)
    return plane[apart // 2 :: apart]


def blockiness(luma: Plane) -> float | None:
    """Mean step between neighbouring pixels at the borders of blocks by the mean of all other steps.

    None for a picture that is too small for two blocks.
    """
    height, width = luma.shape
    if min(height, width) < 2:
        return None
    some = lines(luma, LINES)
    border = other = borders = others = 0.0
    # Steps across a line; lines stand for all of those between them.
    for one, two, axis, weight in ((luma[:-1], luma[1:], 0, 1.0), (some[:, :-1], some[:, 1:], 1, height / len(some))):
        at_border = slice(_BLOCK - 1, None, _BLOCK) if axis == 0 else (slice(None), slice(_BLOCK - 1, None, _BLOCK))
        at_borders = one[at_border].size
        steps = _difference(one[at_border], two[at_border])
        border += weight * steps
        other += weight * (_difference(one, two) - steps)
        borders += weight * at_borders
        others += weight * (one.size - at_borders)
    if not (borders and others):
        return None
    return (border / borders + _LEAST_STEP) / (other / others + _LEAST_STEP)


def is_interlaced(luma: Plane) -> bool:
    """Whether the lines of the frame are combed, and those of a field alone much less."""
    frame = _combed(luma)
    return frame > _COMBED and frame > _DETAIL * _combed(luma[::2])


def _combed(luma: Plane) -> float:
    if len(luma) < 3:
        return 0.0
    above, line, below = (lines(part, LINES) for part in (luma[:-2], luma[1:-1], luma[2:]))
    lighter = cv2.subtract(line, cv2.max(above, below))
    darker = cv2.subtract(cv2.min(above, below), line)
    return share(np.asarray(cv2.max(lighter, darker)) > _COMB)


def share(mask: Any) -> float:
    """The share of a mask that is true."""
    return int(np.count_nonzero(mask)) / int(mask.size)


def _difference(one: Plane, other: Plane) -> float:
    """Sum of the absolute differences of two planes."""
    return cv2.norm(one, other, cv2.NORM_L1) if one.size else 0.0
