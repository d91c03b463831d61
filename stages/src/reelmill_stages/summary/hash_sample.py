"""A sample chosen by the digests of keys: the same for any order and any shards."""

import hashlib
import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(order=True, frozen=True, slots=True)
class _Pick(Generic[T]):
    """One candidate. The one with the larger digest compares as smaller, so it is removed first."""

    rank: int
    key: str
    value: T = field(compare=False)


class Picks(Generic[T]):
    """At most `count` of all candidates that were added."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._kept: list[_Pick[T]] = []

    def add(self, key: str, value: T) -> None:
        """Add a candidate. Two candidates with the same key are both considered."""
        pick = _Pick(-_digest(key), key, value)
        if len(self._kept) < self._count:
            heapq.heappush(self._kept, pick)
        elif pick > self._kept[0]:
            heapq.heapreplace(self._kept, pick)

    def __iter__(self) -> Iterator[tuple[str, T]]:
        """Keys and values, in order of the keys."""
        for pick in sorted(self._kept, key=lambda pick: pick.key):
            yield pick.key, pick.value


def _digest(key: str) -> int:
    return int.from_bytes(hashlib.blake2b(key.encode(errors="surrogatepass"), digest_size=8).digest())
