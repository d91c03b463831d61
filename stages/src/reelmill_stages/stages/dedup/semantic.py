"""Semantic duplicates: items whose vectors point in nearly the same direction.

Vectors are scaled to length 1 and rounded to 16 bits, and all sums are of integers, so that distances and terms are the
same on every machine. Terms are derived from the sides of fixed random planes on which a vector lies.
"""

import math
import zipfile
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason
from reelmill.contract.records.rows import Item
from reelmill_stages.stage import Input, Terms, Work
from reelmill_stages.stages.dedup import bands
from reelmill_stages.stages.dedup.rule import Match
from reelmill_stages.stages.dedup.videos import media_of
from reelmill_stages.untrusted.arrays import ArrayArchive, ArrayError, read_array
from reelmill_stages.weight import Weight

Array = np.ndarray[Any, np.dtype[Any]]

SCALE = 1 << 14
"""Integer that represents a component of 1."""
MISSED = 0.005
"""Share of pairs at the largest distance that may have no common term."""
_WIDTHS = (24, 20, 16)
_MOST_BANDS = 64
_LONGEST = 1 << 14
"""Maximum number of components of a vector."""


def plan(limit: float) -> tuple[int, int]:
    """Return (bands, bits of a band) for a largest cosine distance: as few candidates as possible, at most 64 bands."""
    equal = 1 - math.acos(1 - limit) / math.pi
    for width in _WIDTHS:
        shared = equal**width
        count = 1 if shared == 1 else math.ceil(math.log(MISSED) / math.log1p(-shared))
        if count <= _MOST_BANDS:
            return max(count + count % 2, 4), width
    return _MOST_BANDS, _WIDTHS[-1]


class SemanticRule:
    """Signature: the sides of the planes, packed to bytes, and the components (int16)."""

    unit = "(cosine)"

    def __init__(self, *, limit: float) -> None:
        self._limit = limit
        self._bands, self._width = plan(limit)
        self._planes = self._bands * self._width
        self._side = self._planes // 8

    def sign(self, given: Sequence[Input], work: Work) -> list[bytes | ItemError]:
        found: list[bytes | ItemError] = []
        for one in given:
            try:
                media = media_of(one.item)
                found.append(self.signature(vector(work.fetch(media), one.item)))
            except ItemError as error:
                found.append(error)
        return found

    def signature(self, vector: Array) -> bytes:
        """Return the signature of a vector with finite components, not all of them 0."""
        return self.signatures(vector[None])[0]

    def signatures(self, vectors: Array) -> list[bytes]:
        """Return signatures of vectors (n, d)."""
        whole = rounded(vectors)
        sides = np.packbits(whole @ planes(vectors.shape[1], self._planes) > 0, axis=1)
        return [side.tobytes() + row.tobytes() for side, row in zip(sides, whole.astype("<i2"), strict=True)]

    def terms(self, signatures: Sequence[bytes]) -> Terms:
        sides = np.frombuffer(b"".join(signature[: self._side] for signature in signatures), np.uint8)
        packed = np.zeros((len(signatures) * self._bands, 8), np.uint8)
        size = -(-self._width // 8)
        if self._width % 8:
            each = np.unpackbits(sides.reshape(-1, self._side), axis=1).reshape(-1, self._width)
            packed[:, :size] = np.packbits(each, axis=1)
        else:
            packed[:, :size] = sides.reshape(-1, size)
        values = packed.view("<u8").reshape(-1, self._bands) | (
            np.arange(self._bands, dtype=np.uint64) << np.uint64(32)
        )
        return values.reshape(-1), np.repeat(np.arange(len(signatures)), self._bands)

    def parse(self, signature: bytes) -> tuple[Array, float]:
        """Return the components, and the square of the length."""
        found: Array = np.frombuffer(signature, "<i2", offset=self._side).astype(np.float64)
        return found, float(found @ found)

    def match(self, one: tuple[Array, float], kept: tuple[Array, float]) -> Match | None:
        if len(one[0]) != len(kept[0]):
            return None
        distance = max(0.0, 1 - float(one[0] @ kept[0]) / math.sqrt(one[1] * kept[1]))
        return Match(distance) if distance <= self._limit else None

    def signature_bytes(self, items: int, weight: Weight) -> int | None:
        return items * (self._side + 2 * 512 + self._bands * 12)


def rounded(vectors: Array) -> Array:
    """Return vectors (n, d) of length 1, as integers."""
    # In two steps, so that the squares of very small and very large components are representable.
    largest = np.abs(vectors).max(axis=1, keepdims=True).astype(np.float64)
    scaled = vectors / largest
    found: Array = np.rint(scaled / np.sqrt((scaled**2).sum(axis=1, keepdims=True)) * SCALE)
    return found


@lru_cache(maxsize=4)
def planes(dimensions: int, count: int) -> Array:
    """Return normals of planes through the origin, of -1 and 1, as columns."""
    name = f"reelmill dedup planes {dimensions} {count}"
    found: Array = bands.random_bits(name, dimensions * count).reshape(dimensions, count) * 2.0 - 1
    return found


def vector(path: Path, item: Item) -> Array:
    """Return the vector in a npz or npy file; with one vector per frame, their mean.

    Raises ItemError with reason `no_vector` or `nan_features`.
    """
    try:
        array = _read_vectors(path)
    except (ArrayError, OSError) as error:
        raise ItemError(ItemReason.NO_VECTOR, f"{path.name}: {error}") from error
    if array.dtype.kind not in "fiu" or array.ndim not in (1, 2) or not array.size:
        raise ItemError(ItemReason.NO_VECTOR, f"{path.name} has {array.dtype} of the shape {array.shape}")
    found = array.astype(np.float64)
    if not np.isfinite(found).all():
        raise ItemError(ItemReason.NAN_FEATURES, f"{path.name} has components that are not numbers")
    if found.ndim == 2:
        found = found.mean(axis=1 if _is_lip(item) else 0)
    if len(found) > _LONGEST:
        raise ItemError(ItemReason.NO_VECTOR, f"{path.name} has {len(found)} components; at most {_LONGEST} are read")
    if not found.any():
        raise ItemError(ItemReason.NO_VECTOR, f"{path.name} has a vector of length 0, which has no direction")
    return found


def _read_vectors(path: Path) -> Array:
    if zipfile.is_zipfile(path):
        with ArrayArchive(path) as archive:
            names = archive.names
            name = "embedding" if "embedding" in names else names[0] if len(names) == 1 else ""
            if not name:
                raise ArrayError(f"it has the arrays {', '.join(names)[:200]}, but none is called embedding")
            return archive.array(name)
    with path.open("rb") as file:
        return read_array(file, path.stat().st_size)


def _is_lip(item: Item) -> bool:
    """Return whether an `embed` stage made the vectors with its lip reader, which writes them as (512, frames)."""
    params = item.provenance.get("params")
    return isinstance(params, dict) and "weights" in params and params.get("model", "lip-resnet18") == "lip-resnet18"
