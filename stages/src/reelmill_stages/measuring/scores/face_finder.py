"""Face detection with CenterFace, run by OpenCV, which ignores the fixed input size in the file.

Larger frames are scaled down to `SIDE` pixels on their longer side, to bound cost and memory.
"""

from typing import Any

import cv2
import numpy as np

from reelmill.contract.measures import Measure
from reelmill.contract.records.rows import Item
from reelmill.contract.spec.measure_models import FacesModel
from reelmill_stages.measuring.models import Fetch, Pixels, Seen
from reelmill_stages.measuring.scores.session import unfit

SIDE = 960
_OUTPUTS = ("537", "538", "539", "540")
"""Names of the heat map, the sizes, the offsets and the (unused) landmarks."""
_STEP = 32
"""The sides of the input are multiples of this."""
_CELL = 4
"""Pixels of the input per cell of an output, in both directions."""
_OVERLAP = 0.3
"""Intersection over union above which only the better of two boxes is kept."""


class FaceFinder:
    """The face detector."""

    def __init__(self, block: FacesModel, fetch: Fetch) -> None:
        self._least = block.min_score
        content = np.frombuffer(fetch(block.weights).read_bytes(), np.uint8)
        try:
            self._net: Any = cv2.dnn.readNetFromONNX(content)
            self._outputs(np.zeros((_STEP, _STEP, 3), np.uint8), _STEP, _STEP)
        except cv2.error as error:
            what = f"the model is not CenterFace: {str(error).strip().splitlines()[0][:200]}"
            raise unfit("faces.weights", block.weights, what) from error

    def look(self, pixels: Pixels, item: Item) -> Seen:
        boxes = self.boxes(pixels)
        areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
        largest = float(areas.max()) if len(areas) else 0.0
        return {Measure.FACES: len(boxes), Measure.LARGEST_FACE: largest / (pixels.shape[0] * pixels.shape[1])}, ()

    def boxes(self, pixels: Pixels) -> Any:
        """Return the faces of a picture, float (faces, 4): left, top, right, bottom in its pixels, best first."""
        height, width = pixels.shape[:2]
        scale = min(1.0, SIDE / max(width, height))
        across, down = (-(-round(side * scale) // _STEP) * _STEP or _STEP for side in (width, height))
        heat, sizes, offsets, _ = self._outputs(pixels, across, down)
        rows, columns = np.nonzero(heat[0, 0] > self._least)
        if not len(rows):
            return np.empty((0, 4))
        scores = heat[0, 0, rows, columns]
        tall, wide = (np.exp(sizes[0, axis, rows, columns]) * _CELL for axis in (0, 1))
        top = np.clip((rows + offsets[0, 0, rows, columns] + 0.5) * _CELL - tall / 2, 0, down)
        left = np.clip((columns + offsets[0, 1, rows, columns] + 0.5) * _CELL - wide / 2, 0, across)
        bottom, right = np.minimum(top + tall, down), np.minimum(left + wide, across)
        found = np.stack([left, top, right, bottom], axis=1)
        return found[_without_overlaps(found, scores)] * np.array([width / across, height / down] * 2)

    def _outputs(self, pixels: Pixels, width: int, height: int) -> Any:
        self._net.setInput(cv2.dnn.blobFromImage(pixels, 1.0, (width, height)))
        return self._net.forward(list(_OUTPUTS))


def _without_overlaps(boxes: Any, scores: Any) -> list[int]:
    """Return the boxes that do not overlap a better one too much, best first."""
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    left = list(np.argsort(-scores, kind="stable"))
    kept = []
    while left:
        best = left.pop(0)
        kept.append(int(best))
        others = np.array(left, int)
        low, high = np.maximum(boxes[best, :2], boxes[others, :2]), np.minimum(boxes[best, 2:], boxes[others, 2:])
        shared = np.prod(np.clip(high - low, 0, None), axis=1)
        left = list(others[shared / (areas[best] + areas[others] - shared) < _OVERLAP])
    return kept
