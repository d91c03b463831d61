"""Detection of still pictures like FFmpeg's freezedetect, by the difference from the frame where they began."""

import cv2

from reelmill_stages.measuring.pictures.planes import Planes

NOISE = 0.001
"""freezedetect's `noise` (-60 dB): maximum mean difference of a still picture, as a share of 255."""
SHORTEST = 0.5
"""Minimum duration of a still picture in seconds."""
_STEP = 16
"""Distance between lines that are compared together; if something moves, the first ones suffice."""


class Still:
    """Accumulates how long the picture stands still.

    freezedetect sees all frames. If frames were chosen, an unchanged picture counts as still in between.
    """

    def __init__(self) -> None:
        self._reference: Planes | None = None
        self._began = self._until = 0.0
        self._seconds = 0.0

    def add(self, planes: Planes, at: float, until: float) -> None:
        """Add the next frame, shown from second `at` until the next frame of the video."""
        if self._reference is None or _has_moved(self._reference, planes):
            self._seconds = self.seconds
            self._reference, self._began = planes, at
        self._until = until

    def end(self) -> None:
        """Finish; there are no further frames."""
        self._reference = None

    @property
    def seconds(self) -> float:
        """The seconds in which the picture stood still."""
        lasted = self._until - self._began
        # Frame times are rounded to ticks, so a millisecond is tolerated.
        return self._seconds + (lasted if lasted >= SHORTEST - 0.001 else 0.0)


def _has_moved(one: Planes, other: Planes) -> bool:
    """Whether the difference exceeds noise. If something moves, some lines of luma suffice."""
    if one.luma.shape != other.luma.shape:
        return True
    most = NOISE * 255 * (one.luma.size + one.cb.size + one.cr.size)
    total = 0.0
    for first in range(min(_STEP, len(one.luma))):
        total += cv2.norm(one.luma[first::_STEP], other.luma[first::_STEP], cv2.NORM_L1)
        if total > most:
            return True
    return total + sum(cv2.norm(*pair, cv2.NORM_L1) for pair in ((one.cb, other.cb), (one.cr, other.cr))) > most
