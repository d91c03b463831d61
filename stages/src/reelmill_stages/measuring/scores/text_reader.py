"""Text in the picture by the two models of PP-OCR: a detector of lines, and a recogniser.

Detected lines are boxes of a probability map, widened because training narrowed them (Differentiable Binarization). A
frame is scaled up so that its shorter side has `SHORT` pixels, and down so that its longer side has no more than
`LONG`, to bound cost and memory for frames of any size.
"""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from reelmill.contract.measures import Measure
from reelmill.contract.records.rows import Item
from reelmill.contract.spec.measure_models import TextModels
from reelmill_stages.measuring.models import Fetch, Pixels, Seen
from reelmill_stages.measuring.scores.session import open_session, unfit

SHORT, LONG = 736, 2016
_STEP = 32
"""The sides of the detector's input are multiples of this."""
_TEXT, _LINE = 0.3, 0.5
"""Minimum probability of a pixel of text, and minimum mean of a line."""
_WIDEN = 1.6
_LEAST_SIDE = 3
_MOST_LINES = 1000
_HEIGHT = 48
"""Height of the recogniser's input."""
_WIDTHS = 320, 3200
"""Minimum and maximum width of the recogniser's input."""
_SAME_ROW = 10
"""Maximum vertical distance in pixels of the frame between lines of one row."""


class TextReader:
    """The detector and the recogniser."""

    def __init__(self, block: TextModels, fetch: Fetch) -> None:
        self._least = block.min_score
        self._detector = open_session("text.detector", block.detector, fetch)
        if [shape[1] for shape in self._detector.outputs.values() if len(shape) == 4] != [1]:
            raise unfit("text.detector", block.detector, f"the model gives {self._detector.outputs}, not one map")
        self._recogniser = open_session("text.recogniser", block.recogniser, fetch)
        characters = self._recogniser.metadata.get("character", "").splitlines()
        if not characters:
            raise unfit("text.recogniser", block.recogniser, "the model has no metadata entry `character`")
        self._characters = ["", *characters, " "]
        classes = next(iter(self._recogniser.outputs.values()))[-1]
        if classes != len(self._characters):
            what = f"the model distinguishes {classes} characters, but its metadata lists {len(self._characters)}"
            raise unfit("text.recogniser", block.recogniser, what)

    def look(self, pixels: Pixels, item: Item) -> Seen:
        covered = np.zeros(pixels.shape[:2], np.uint8)
        lines = []
        for box in self.boxes(pixels):
            cut = cutout(pixels, box)
            text, score = self.read(cut) if cut is not None else ("", 0.0)
            if text and score >= self._least:
                lines.append(text)
                cv2.fillPoly(covered, [np.rint(box).astype(np.int32)], 1)
        return {Measure.TEXT_SHARE: cv2.countNonZero(covered) / covered.size}, lines

    def boxes(self, pixels: Pixels) -> Sequence[Any]:
        """Return the lines of text in a picture, by rows: float32 (4, 2) corners, clockwise from the top left."""
        height, width = pixels.shape[:2]
        scale = min(max(1.0, SHORT / min(width, height)), LONG / max(width, height))
        across, down = (max(_STEP, round(side * scale / _STEP) * _STEP) for side in (width, height))
        picture = cv2.resize(pixels, (across, down)).astype(np.float32) / 127.5 - 1
        found = self._detector.run_on(picture.transpose(2, 0, 1)[None])[0, 0]
        stretch = np.array([width / across, height / down], np.float32)
        return in_order([box * stretch for box in _boxes_of_map(found)])

    def read(self, line: Pixels) -> tuple[str, float]:
        """Return the text of a line, and the mean probability of its characters."""
        height, width = line.shape[:2]
        across = min(_WIDTHS[1], max(1, -(-width * _HEIGHT // height)))
        picture = np.zeros((1, 3, _HEIGHT, max(_WIDTHS[0], across)), np.float32)
        resized = cv2.resize(line, (across, _HEIGHT)).astype(np.float32) / 127.5 - 1
        picture[0, :, :, :across] = resized.transpose(2, 0, 1)
        found = self._recogniser.run_on(picture)[0]
        best, scores = found.argmax(axis=1), found.max(axis=1)
        kept = best != 0
        kept[1:] &= best[1:] != best[:-1]
        text = "".join(self._characters[number] for number in best[kept])
        return text.strip(), float(scores[kept].mean()) if kept.any() else 0.0


def _boxes_of_map(found: Any) -> list[Any]:
    """Return the boxes of a probability map."""
    mask = cv2.dilate((found > _TEXT).astype(np.uint8), np.ones((2, 2), np.uint8))
    contours, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    boxes = []
    for contour in contours[:_MOST_LINES]:
        centre, (width, height), angle = cv2.minAreaRect(contour)
        corners = np.asarray(cv2.boxPoints((centre, (width, height), angle)))
        if min(width, height) < _LEAST_SIDE or _mean_inside(found, corners) < _LINE:
            continue
        # A rectangle widened equally on all sides keeps its centre and angle.
        more = 2 * _WIDEN * width * height / (2 * (width + height))
        size = width + more, height + more
        if min(size) >= _LEAST_SIDE + 2:
            boxes.append(np.asarray(cv2.boxPoints((centre, size, angle)), np.float32))
    return boxes


def _mean_inside(found: Any, corners: Any) -> float:
    """Return the mean of a map inside a box."""
    height, width = found.shape
    low = np.clip(np.floor(corners.min(axis=0)), 0, (width - 1, height - 1)).astype(int)
    high = np.clip(np.ceil(corners.max(axis=0)), 0, (width - 1, height - 1)).astype(int)
    mask = np.zeros((high[1] - low[1] + 1, high[0] - low[0] + 1), np.uint8)
    cv2.fillPoly(mask, [(corners - low).astype(np.int32)], 1)
    return float(cv2.mean(found[low[1] : high[1] + 1, low[0] : high[0] + 1], mask)[0])


def in_order(boxes: Sequence[Any]) -> list[Any]:
    """Sort boxes by rows from top to bottom, and from left to right; corners clockwise from the top left."""
    upright = sorted((_clockwise(box) for box in boxes), key=lambda box: float(box[0, 1]))
    rows: list[list[Any]] = []
    for box in upright:
        if rows and box[0, 1] - rows[-1][-1][0, 1] < _SAME_ROW:
            rows[-1].append(box)
        else:
            rows.append([box])
    return [box for row in rows for box in sorted(row, key=lambda box: float(box[0, 0]))]


def _clockwise(box: Any) -> Any:
    by_x = box[np.argsort(box[:, 0], kind="stable")]
    left, right = (half[np.argsort(half[:, 1], kind="stable")] for half in (by_x[:2], by_x[2:]))
    return np.array([left[0], right[0], right[1], left[1]], np.float32)


def cutout(pixels: Pixels, box: Any) -> Pixels | None:
    """Return the content of a box, rotated so that the line is horizontal; None for less than a pixel."""
    width = round(max(np.linalg.norm(box[0] - box[1]), np.linalg.norm(box[3] - box[2])))
    height = round(max(np.linalg.norm(box[0] - box[3]), np.linalg.norm(box[1] - box[2])))
    if width < 1 or height < 1:
        return None
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    matrix = cv2.getPerspectiveTransform(box, target)
    cut: Any = cv2.warpPerspective(
        pixels, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return np.rot90(cut) if height >= 1.5 * width else np.asarray(cut)
