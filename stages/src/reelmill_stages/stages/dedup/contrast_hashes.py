"""Hashes of pictures by local contrast: 256 bits that change little when a picture is encoded, scaled or cropped again.

A picture is averaged to 22 by 22 cells. Each of the inner 16 by 16 cells gives one bit: whether it is brighter than the
mean of the 7 by 7 cells around it. Overall brightness cancels out, a logo changes only the bits near it, and a mirrored
picture has the mirrored bits.
"""

from functools import lru_cache
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

SIDE = 16
BITS = SIDE * SIDE
_AROUND = 3
_CELLS = SIDE + 2 * _AROUND
_WINDOW = 2 * _AROUND + 1
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def luma(pictures: Array) -> Array:
    """Return the luma of RGB pictures (…, 3), float32, from 0 to 255."""
    found: Array = pictures.astype(np.float32) @ _LUMA
    return found


def hashes(pictures: Array) -> tuple[Array, Array]:
    """Return (packed bits, uint8 (n, 32), share of cells that differ from those around by one level or more (n,)).

    `pictures` are lumas (n, height, width).
    """
    rows, columns = (_average_weights(side) for side in pictures.shape[1:])
    cells = rows @ pictures.astype(np.float64) @ columns.T
    sums = np.zeros((len(cells), _CELLS + 1, _CELLS + 1))
    sums[:, 1:, 1:] = cells.cumsum(1).cumsum(2)
    around = (
        sums[:, _WINDOW:, _WINDOW:] - sums[:, :-_WINDOW, _WINDOW:] - sums[:, _WINDOW:, :-_WINDOW]
        + sums[:, :-_WINDOW, :-_WINDOW]
    ) / _WINDOW**2  # fmt: skip
    contrast = (cells[:, _AROUND:-_AROUND, _AROUND:-_AROUND] - around).reshape(len(cells), BITS)
    return np.packbits(contrast > 0, axis=1), (np.abs(contrast) >= 1).mean(axis=1)


def mirrored(codes: Array) -> Array:
    """Return packed hashes (n, 32) of the pictures mirrored left to right."""
    rows = codes.reshape(-1, SIDE, SIDE // 8)[:, :, ::-1]
    found: Array = _REVERSED[rows].reshape(-1, BITS // 8)
    return found


_REVERSED = np.packbits(np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1)[:, ::-1], axis=1)[:, 0]
"""Byte -> byte with its bits reversed."""


@lru_cache(maxsize=64)
def _average_weights(length: int) -> Array:
    """Return weights (22, length) of the points of a line in the mean of each cell; points on edges count for both."""
    edges = np.linspace(0, length, _CELLS + 1)
    points = np.arange(length)
    inside = np.minimum(edges[1:, None], points + 1) - np.maximum(edges[:-1, None], points)
    weights = inside.clip(0)
    found: Array = weights / weights.sum(axis=1, keepdims=True)
    return found
