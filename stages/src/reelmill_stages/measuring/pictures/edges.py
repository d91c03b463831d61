"""Blur by the width of edges: the perceptual metric of Marziliano and others (ICIP 2002).

Along a row, an edge is a stretch in which luma only rises or only falls; its width is the length of that stretch. Rows
are smoothed with their two neighbours, like the Sobel operator. At most `planes.ROWS` rows at equal distances are used:
more rows change the mean little, but increase the time a lot.
"""

import numpy as np

from reelmill_stages.measuring.pictures.planes import Plane

STEEP = 4
"""Levels per pixel; the minimum for the steepest step of an edge, which excludes gradients such as the sky."""
HIGH = 24
"""Minimum levels between the two ends of an edge, which excludes noise."""
_WEIGHTS = 4
"""Sum of the smoothing weights 1, 2, 1."""


def edge_width(rows: Plane) -> float | None:
    """Return the mean width in pixels of the edges along rows; None without an edge.

    `rows` is (n, 3, width), each row between its neighbours.
    """
    count, _, width = rows.shape
    if not count or width < 3:
        return None
    three = rows.astype(np.int16)
    smooth = three[:, 0] + three[:, 2]
    smooth += three[:, 1]
    smooth += three[:, 1]
    # Rows are concatenated: a stretch begins at the first pixel of a row and ends at the last.
    values = smooth.ravel()
    steps = values[1:] - values[:-1]
    turns = np.ones(smooth.shape, bool)
    inner = turns.ravel()[1:-1]
    rises, falls = steps > 0, steps < 0
    np.not_equal(rises[1:], rises[:-1], out=inner)
    inner |= falls[1:] != falls[:-1]
    turns[:, 0] = turns[:, -1] = True
    places = turns.ravel().nonzero()[0]
    at = values.take(places)
    heights = at[1:] - at[:-1]
    np.abs(heights, out=heights)
    # Exclude steps from the last pixel of a row to the first of the next.
    heights[places.searchsorted(np.arange(1, count) * width) - 1] = 0
    high = (heights >= HIGH * _WEIGHTS).nonzero()[0]
    begins = places.take(high)
    widths = places.take(high + 1)
    widths -= begins
    # A high stretch of a few pixels must have a steep step, so only the others are checked.
    wide = (widths > HIGH // STEEP).nonzero()[0]
    if wide.size:
        spans = np.empty((wide.size, 2), places.dtype)
        spans[:, 0] = spans[:, 1] = begins.take(wide)
        spans[:, 1] += widths.take(wide)
        steep = np.zeros(values.size, bool)
        np.greater_equal(np.abs(steps, out=steps), STEEP * _WEIGHTS, out=steep[:-1])
        flat = ~np.bitwise_or.reduceat(steep, spans.ravel())[::2]
        widths = np.delete(widths, wide[flat])
    return int(widths.sum()) / widths.size if widths.size else None
