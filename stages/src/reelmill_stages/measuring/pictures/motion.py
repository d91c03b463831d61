"""Changes between two successive frames: cuts, motion by dense optical flow, and camera motion."""

from dataclasses import dataclass
from math import hypot, sqrt
from typing import Any

import cv2
import numpy as np

from reelmill_stages.measuring.pictures.camera import FlowSample, sampled
from reelmill_stages.measuring.pictures.planes import FLOW_SCALE, Plane, Planes

CUT = 27.0
"""PySceneDetect's default threshold of the content score."""
STATIC = 0.01
"""Diagonals per second; less counts as no motion."""


@dataclass(frozen=True, slots=True)
class Change:
    """The change from one frame to the next. `motion` and `flow` are None across a cut."""

    temporal_information: float | None
    """None for frames of different sizes."""
    is_cut: bool
    motion: float | None
    flow: FlowSample | None


class Pairs:
    """Comparison of successive frames.

    The fastest preset of DIS flow works on a copy with a quarter of each side, and enlarges the resulting field. Given
    that copy, it finds the same field without the enlargement.
    """

    def __init__(self) -> None:
        self._flow: Any = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
        self._flow.setFinestScale(0)

    def change(self, before: Planes, after: Planes, seconds: float) -> Change:
        """Return the change between frames that are shown `seconds` apart."""
        information = None
        if before.luma.shape == after.luma.shape:
            information = temporal_information(before, after)
        if before.small.shape != after.small.shape or content_score(before.small_hsv, after.small_hsv) >= CUT:
            return Change(information, True, None, None)
        field = self._flow.calc(before.flow_copy, after.flow_copy, None)
        height, width = before.small.shape
        field *= np.float32(FLOW_SCALE / (hypot(width, height) * seconds))
        length = float(cv2.mean(cv2.magnitude(field[..., 0], field[..., 1]))[0])
        return Change(information, False, length, sampled(field))


def temporal_information(before: Planes, after: Planes) -> float:
    """Return the standard deviation of the luma difference, from the mean of its square and its mean."""
    square = cv2.norm(after.luma, before.luma, cv2.NORM_L2SQR) / after.luma.size
    return sqrt(max(0.0, square - (after.mean_and_deviation[0] - before.mean_and_deviation[0]) ** 2))


def content_score(before: Plane, after: Plane) -> float:
    """Return the score of PySceneDetect's content detector: the mean difference of hue, saturation and value."""
    return float(sum(cv2.mean(cv2.absdiff(before, after))[:3]) / 3)
