"""Detection of black bars along the borders of a picture: letterbox and pillarbox."""

import cv2
import numpy as np

from reelmill_stages.measuring.pictures.planes import Plane

LIMIT = 24
"""cropdetect's `limit`: maximum mean of a line in a bar, in levels of luma."""


class BlackBars:
    """Accumulates the area of the picture outside which all frames are black."""

    def __init__(self) -> None:
        self._size: tuple[int, int] | None = None
        self._box: tuple[int, int, int, int] | None = None

    def add(self, luma: Plane) -> None:
        """Add the next frame. Frames of another size than the first are ignored."""
        height, width = luma.shape
        self._size = self._size or (height, width)
        if self._size != (height, width) or self._box == (0, height, 0, width):
            return
        rows, columns = (
            np.flatnonzero(cv2.reduce(luma, axis, cv2.REDUCE_AVG, dtype=cv2.CV_32F).ravel() > LIMIT) for axis in (1, 0)
        )
        if not (len(rows) and len(columns)):
            return
        found = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
        if self._box is None:
            self._box = found
        else:
            top, bottom, left, right = self._box
            self._box = min(top, found[0]), max(bottom, found[1]), min(left, found[2]), max(right, found[3])

    @property
    def share(self) -> float | None:
        """The share of the picture in bars: 1 if it is black in all frames. None without frames."""
        if self._size is None:
            return None
        top, bottom, left, right = self._box or (0, 0, 0, 0)
        return 1 - (bottom - top) * (right - left) / (self._size[0] * self._size[1])
