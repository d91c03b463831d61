"""Pictures that stand still, as FFmpeg's freezedetect finds them: by the difference from the frame where they began."""

import cv2

from reelmill_stages.measuring.pictures.planes import Planes

NOISE = 0.001
"""freezedetect's `noise` (-60 dB): the largest mean difference of a still picture, as a share of 255."""
SHORTEST = 0.5
"""Seconds that a picture stands still, at least."""
_STEP = 16
"""Every so many lines are looked at together; where something moves, the first of these tell."""


class Still:
    """How long the picture stands still.

    freezedetect sees all frames. Of chosen ones, a picture that is found again is taken to have stood in between.
    """

    def __init__(self) -> None:
        self._reference: Planes | None = None
        self._began = self._until = 0.0
        self._seconds = 0.0

    def add(self, planes: Planes, at: float, until: float) -> None:
        """The next frame, shown from second `at` until the next frame of the video."""
        if self._reference is None or _moved(self._reference, planes):
            self._seconds = self.seconds
            self._reference, self._began = planes, at
        self._until = until

    def end(self) -> None:
        """There is no further frame."""
        self._reference = None

    @property
    def seconds(self) -> float:
        """Seconds in which the picture stood still."""
        lasted = self._until - self._began
        # Times of frames are rounded to ticks; a millisecond decides nothing.
        return self._seconds + (lasted if lasted >= SHORTEST - 0.001 else 0.0)


def _moved(one: Planes, other: Planes) -> bool:
    """Whether the difference is more than noise. Where something moves, some lines of luma are enough to tell."""
    if one.luma.shape != other.luma.shape:
        return True
    most = NOISE * 255 * (one.luma.size + one.cb.size + one.cr.size)
    total = 0.0
    for first in range(min(_STEP, len(one.luma))):
        total += cv2.norm(one.luma[first::_STEP], other.luma[first::_STEP], cv2.NORM_L1)
        if total > most:
            return True
    return total + sum(cv2.norm(*pair, cv2.NORM_L1) for pair in ((one.cb, other.cb), (one.cr, other.cr))) > most
