"""Clusters of vectors: k-means by cosine on a sample of the items, deterministic for the same items and seed.

At most `SAMPLE` vectors are in memory. The sample has the items with the smallest hashes, so it does not depend on the
order of the items.
"""

import hashlib
import heapq
from array import array
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

from reelmill.contract.records.rows import Item
from reelmill.contract.spec.view import Factor

SAMPLE = 20_000
"""Maximum number of vectors from which clusters are computed."""
ROUNDS = 30
NONE = -1
"""The cluster of items without a vector."""

Vector = np.ndarray[Any, np.dtype[np.float32]]
ReadVector = Callable[[Item], Vector | None]
"""Returns the vector of an item, float32 (D,), or None if it has none."""


class ClusterBalance:
    """Balances items by clusters of their vectors. A factor of weights."""

    def __init__(self, factor: Factor, seed: int, read: ReadVector) -> None:
        assert factor.clusters is not None
        self._count = factor.clusters
        self._power = factor.power
        self._seed = seed
        self._read = read
        self._sample: list[tuple[int, str, Vector]] = []
        self._centres: Vector | None = None
        self._clusters = array("i")
        """Clusters by ordinal."""
        self._sizes: Counter[int] = Counter()

    def add(self, item: Item) -> None:
        """Consider an item for the sample."""
        vector = unit(self._read(item))
        if vector is None:
            return
        entry = (-_random_rank(item.key, self._seed), item.key, vector)
        if len(self._sample) < SAMPLE:
            heapq.heappush(self._sample, entry)
        elif entry[0] > self._sample[0][0]:
            heapq.heapreplace(self._sample, entry)

    def assign(self, item: Item) -> None:
        """Find the cluster of an item. All items must have been added before."""
        if self._centres is None:
            self._centres = self._fitted()
        vector = unit(self._read(item))
        cluster = NONE
        if vector is not None and len(self._centres) and vector.shape == self._centres[0].shape:
            cluster = int(np.argmax(self._centres @ vector))
        self._clusters.extend([NONE] * (item.ordinal + 1 - len(self._clusters)))
        self._clusters[item.ordinal] = cluster
        self._sizes[cluster] += 1

    def cluster(self, item: Item) -> int:
        """Return the cluster of an assigned item; NONE for an item without a vector."""
        return self._clusters[item.ordinal]

    def of(self, item: Item) -> float:
        """Return the number of items of the same cluster to the power -`power`."""
        return float(self._sizes[self.cluster(item)] ** -self._power)

    def _fitted(self) -> Vector:
        ordered = sorted(self._sample, key=lambda entry: (-entry[0], entry[1]))
        shape = ordered[0][2].shape if ordered else (0,)
        vectors = [vector for _, _, vector in ordered if vector.shape == shape]
        return k_means(np.stack(vectors), self._count, self._seed) if vectors else np.zeros((0, 0), np.float32)


def k_means(vectors: Vector, count: int, seed: int) -> Vector:
    """Compute up to `count` centres of unit vectors (N, D) by cosine: Lloyd's iterations from a k-means++ start."""
    chance = np.random.default_rng(seed)
    centres = [vectors[0]]
    far = 1 - vectors @ centres[0]
    while len(centres) < min(count, len(vectors)):
        weights = np.maximum(far, 0).astype(np.float64) ** 2
        if not weights.sum() > 1e-12:  # all other vectors are equal to a centre
            break
        chosen = vectors[int(chance.choice(len(vectors), p=weights / weights.sum()))]
        centres.append(chosen)
        far = np.minimum(far, 1 - vectors @ chosen)
    found: Vector = np.stack(centres)
    labels = np.full(len(vectors), NONE)
    for _ in range(ROUNDS):
        nearest = np.argmax(vectors @ found.T, axis=1)
        if np.array_equal(nearest, labels):
            break
        labels = nearest
        for number in range(len(found)):
            members = vectors[labels == number]
            mean = unit(members.mean(axis=0)) if len(members) else None
            if mean is not None:
                found[number] = mean
    return found


def unit(vector: Vector | None) -> Vector | None:
    """Return the vector normalized to length 1; None for a zero or non-finite vector."""
    if vector is None:
        return None
    length = float(np.linalg.norm(vector))
    return (vector / length).astype(np.float32) if 0 < length < float("inf") else None


def _random_rank(key: str, seed: int) -> int:
    return int.from_bytes(hashlib.blake2b(f"{seed}:{key}".encode(), digest_size=8).digest(), "big")
