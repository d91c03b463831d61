"""The width of edges: how blurry a picture is, by the perceptual metric of Marziliano and others (ICIP 2002).

Along a row, an edge is a stretch in which luma only rises or only falls; its width is the length of that stretch. Rows
are smoothed with the two beside them, as the Sobel operator does. At most `ROWS` rows at equal distances are looked at:
more of them change the mean little, and the time a lot.
"""

from functools import lru_cache
from typing import Any

import numpy as np

from reelmill_stages.measuring.pictures.planes import Plane

ROWS = 32
STEEP = 4
"""Levels per pixel that the steepest step of an edge has at least; a gradient of the sky is no edge."""
HIGH = 24
"""Levels between the two ends of an edge, at least; noise is no edge."""
_WEIGHTS = 4
"""Sum of the smoothing weights 1, 2, 1."""


def edge_width(luma: Plane) -> float | None:
    """Mean width of the edges of a picture in pixels; None if it has none."""
    height, width = luma.shape
    if height < 3 or width < 3:
        return None
    rows, borders = _rows(height, width)
    smooth = luma[rows].astype(np.int16)
    smooth += smooth
    smooth += luma[rows - 1]
    smooth += luma[rows + 1]
    # One row after the other: a stretch begins at the first pixel of a row, and ends at the last one.
    values = smooth.ravel()
    steps = values[1:] - values[:-1]
    turns = np.ones(smooth.shape, bool)
    inner = turns.ravel()[1:-1]
    rises, falls = steps > 0, steps < 0
    np.not_equal(rises[1:], rises[:-1], out=inner)
    inner |= falls[1:] != falls[:-1]
    turns[:, 0] = turns[:, -1] = True
    places = turns.ravel().nonzero()[0]
    at = values[places]
    heights = at[1:] - at[:-1]
    np.abs(heights, out=heights)
    heights[places.searchsorted(borders) - 1] = 0
    high = (heights >= HIGH * _WEIGHTS).nonzero()[0]
    if not high.size:
        return None
    ends = np.empty((high.size, 2), places.dtype)
    ends[:, 0], ends[:, 1] = places[high], places[high + 1]
    np.abs(steps, out=steps)
    steep = np.zeros(values.size, bool)
    np.greater_equal(steps, STEEP * _WEIGHTS, out=steep[:-1])
    edges = np.bitwise_or.reduceat(steep, ends.ravel())[::2]
    widths = (ends[:, 1] - ends[:, 0])[edges]
    return int(widths.sum()) / widths.size if widths.size else None


@lru_cache(maxsize=16)
def _rows(height: int, width: int) -> tuple[Any, Any]:
    """The rows of a picture that are looked at, and where all of them but the first begin, one after the other."""
    rows = np.unique(np.linspace(1, height - 2, min(ROWS, height - 2)).round().astype(int))
    return rows, np.arange(1, len(rows)) * width
