"""The width of edges: how blurry a picture is, by the perceptual metric of Marziliano and others (ICIP 2002).

Along a row, an edge is a stretch in which luma only rises or only falls; its width is the length of that stretch. Rows
are smoothed with the two beside them, as the Sobel operator does. At most `ROWS` rows at equal distances are looked at:
more of them change the mean little, and the time a lot.
"""

from typing import Any

import numpy as np

from reelmill_stages.stages.measure.pictures.planes import Plane

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
    smooth = luma[rows - 1].astype(np.int16) + 2 * luma[rows].astype(np.int16) + luma[rows + 1]
    steps = np.diff(smooth, axis=1)
    changes = np.ones(steps.shape, bool)
    signs = np.sign(steps)
    np.not_equal(signs[:, 1:], signs[:, :-1], out=changes[:, 1:])
    starts = np.flatnonzero(changes)
    ends = np.append(starts[1:], steps.size)
    heights = _sums(steps, starts, ends)
    steep = _sums(np.abs(steps) >= STEEP * _WEIGHTS, starts, ends)
    edges = (np.abs(heights) >= HIGH * _WEIGHTS) & (steep > 0)
    return float((ends - starts)[edges].mean()) if edges.any() else None


def _sums(values: Any, starts: Any, ends: Any) -> Any:
    """Sums of stretches of a flattened array."""
    total = np.zeros(values.size + 1, np.int32)
    np.cumsum(values, dtype=np.int32, out=total[1:])
    return total[ends] - total[starts]
