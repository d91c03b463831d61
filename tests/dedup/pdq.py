"""PDQ hashes of pictures: 256 bits that change little when a picture is encoded, scaled or coloured anew.

The algorithm is Meta's (ThreatExchange, "PDQ: Perceptual Hashing", 2019): luma, a box filter twice in each direction,
64 by 64 points, the 16 by 16 lowest frequencies of their cosine transform, and one bit for each: whether it is above
the median. Written for numpy, for many pictures at once; bits are in the order of the reference implementation.
"""

from functools import cache
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

BITS = 256
_SIDE = 64
_KEPT = 16
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def luma(pictures: Array) -> Array:
    """Luma of RGB pictures (n, height, width, 3) as float32 (n, height, width), from 0 to 255."""
    found: Array = pictures.astype(np.float32) @ _LUMA
    return found


def pdq(pictures: Array) -> tuple[Array, Array]:
    """(bits as bool (n, 256), quality from 0 to 100 as int (n,)) of lumas (n, height, width)."""
    small = _points(_filtered(_filtered(pictures)))
    transform = _transform()
    frequencies = transform @ small @ transform.T
    return _bits(frequencies), _quality(small)


def mirrored_pdq(pictures: Array) -> Array:
    """Bits of the pictures mirrored left to right: the odd horizontal frequencies change their signs."""
    transform = _transform()
    frequencies = transform @ _points(_filtered(_filtered(pictures))) @ transform.T
    frequencies[:, :, ::2] *= -1  # the transform leaves the frequency 0 out: columns are 1, 2, 3, …
    return _bits(frequencies)


def _bits(frequencies: Array) -> Array:
    flat = frequencies.reshape(len(frequencies), BITS)
    # The reference takes the lower of the two middle values for the median.
    median = np.partition(flat, BITS // 2 - 1, axis=1)[:, BITS // 2 - 1 : BITS // 2]
    found: Array = flat > median
    return found


def _filtered(pictures: Array) -> Array:
    """A box filter along rows, then along columns; at the borders, the mean of what is there."""
    return _box(_box(pictures, 2), 1)


def _box(pictures: Array, axis: int) -> Array:
    length = pictures.shape[axis]
    window = (length + 2 * _SIDE - 1) // (2 * _SIDE)
    half = (window + 2) // 2
    places = np.arange(length)
    first, end = np.maximum(places - (window - half), 0), np.minimum(places + half, length)
    shape = [1, 1, 1]
    shape[axis] = length
    sums = np.concatenate(
        [np.zeros_like(pictures.take([0], axis), np.float64), np.cumsum(pictures, axis, dtype=np.float64)], axis
    )
    found: Array = (sums.take(end, axis) - sums.take(first, axis)) / (end - first).reshape(shape)
    return found


def _points(pictures: Array) -> Array:
    """The 64 by 64 pictures."""
    rows, columns = (((np.arange(_SIDE) + 0.5) * side / _SIDE).astype(int) for side in pictures.shape[1:])
    found: Array = pictures[:, rows][:, :, columns]
    return found


def _quality(small: Array) -> Array:
    """How much a picture of 64 by 64 points has to tell: the sum of its gradients. Flat ones have 0."""
    total = sum(np.trunc(np.abs(np.diff(small, axis=axis)) * 100 / 255).sum(axis=(1, 2)).astype(int) for axis in (1, 2))
    found: Array = np.minimum(total // 90, 100)
    return found


@cache
def _transform() -> Array:
    """Rows 1 to 16 of the discrete cosine transform of 64 points."""
    rows, columns = np.arange(1, _KEPT + 1)[:, None], np.arange(_SIDE)[None]
    found: Array = np.sqrt(2 / _SIDE) * np.cos(np.pi / 2 / _SIDE * rows * (2 * columns + 1))
    return found
