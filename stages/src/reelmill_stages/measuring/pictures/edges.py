"""The width of edges: how blurry a picture is, by the perceptual metric of Marziliano and others (ICIP 2002).

Along a row, an edge is a stretch in which luma only rises or only falls; its width is the length of that stretch. Rows
are smoothed with the two beside them, as the Sobel operator does. At most `ROWS` rows at equal distances are looked at:
more of them change the mean little, and the time a lot.
"""

import numpy as np

from reelmill_stages.measuring.pictures.planes import Plane

ROWS = 32
STEEP = 4.0
"""Levels per pixel that the steepest step of an edge has at least; a gradient of the sky is no edge."""
HIGH = 24.0
"""Levels between the two ends of an edge, at least; noise is no edge."""
_WEIGHTS = 4
"""Sum of the smoothing weights 1, 2, 1."""


def edge_width(luma: Plane) -> float | None:
    """Mean width of the edges of a picture in pixels; None if it has none."""
    height, width = luma.shape
    if height < 3 or width < 3:
        return None
    rows = np.unique(np.linspace(1, height - 2, min(ROWS, height - 2)).round().astype(int))
    smooth = luma[rows].astype(np.int16)
    smooth += smooth
    smooth += luma[rows - 1]
    smooth += luma[rows + 1]
    # One row after the other: a stretch begins at the first pixel of a row, and ends at the last one.
    values = smooth.ravel()
    steps = values[1:] - values[:-1]
    rises, falls = steps > 0, steps < 0
    turns = np.ones(smooth.shape, bool)
    inner = turns.ravel()[1:-1]
    np.not_equal(rises[1:], rises[:-1], out=inner)
    inner |= falls[1:] != falls[:-1]
    turns[:, 0] = turns[:, -1] = True
    places = np.flatnonzero(turns)
    at = values[places]
    heights = np.abs(at[1:] - at[:-1])
    heights[np.searchsorted(places, np.arange(1, len(rows)) * width) - 1] = 0
    high = np.flatnonzero(heights >= HIGH * _WEIGHTS)
    if not high.size:
        return None
    first, end = places[high], places[high + 1]
    steep = np.append(np.abs(steps) >= STEEP * _WEIGHTS, False)
    edges = np.logical_or.reduceat(steep, np.stack((first, end), axis=1).ravel())[::2]
    return float((end - first)[edges].mean()) if edges.any() else None
