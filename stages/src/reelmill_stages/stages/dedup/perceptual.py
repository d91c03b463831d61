"""Perceptual duplicates: videos with many frames whose hashes are nearly equal, in the same order.

A video with a black border is hashed with and without it, so that letterboxed copies are found. Frames with very little
contrast are left out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from reelmill.contract.errors import ItemError
from reelmill_stages.media.decoding.decode import decode
from reelmill_stages.media.decoding.picture import Turned, render
from reelmill_stages.media.timeline import item_span
from reelmill_stages.media.timeline.timeline import read_timeline
from reelmill_stages.stage import Input, Terms, Work
from reelmill_stages.stages.dedup import bands
from reelmill_stages.stages.dedup.contrast_hashes import BITS, hashes, luma, mirrored
from reelmill_stages.stages.dedup.frame_alignment import longest_rising
from reelmill_stages.stages.dedup.rule import Match
from reelmill_stages.stages.dedup.videos import clock, media_of, sampled
from reelmill_stages.weight import Weight

Array = np.ndarray[Any, np.dtype[Any]]

BANDS = 16
"""Number of terms of one hash."""
_SIDE = 256
"""Width and height to which frames are scaled."""
_CONTRAST = 0.5
"""Minimum share of cells with contrast in a frame."""
_BLACK = 24
"""Maximum luma of a border."""
_LEAST = _SIDE // 4
"""Minimum side of the picture within a border, in pixels."""
_AT_ONCE = 32
_CODE = BITS // 8


def frame_type(codes: int) -> np.dtype[Any]:
    """Return the type of a frame in a signature: its time in seconds from the beginning of the item, and its hashes."""
    return np.dtype([("seconds", "<f4"), ("codes", "u1", (codes, _CODE))])


@dataclass(frozen=True, slots=True)
class Frames:
    """A parsed signature: times (n,), and for each way of hashing the packed bits, uint8 (n, 32)."""

    seconds: Array
    codes: tuple[Array, ...]


class PerceptualRule:
    """Signature: the number of hashes of a frame (one byte; 2 if there is a border), and the frames."""

    unit = "of 256 bits"

    def __init__(self, *, fps: float, limit: float, overlap: float, mirror: bool) -> None:
        self._fps = fps
        self._limit = limit
        self._overlap = overlap
        self._mirror = mirror

    def sign(self, given: Sequence[Input], work: Work) -> list[bytes | ItemError]:
        found: list[bytes | ItemError] = []
        for one in given:
            try:
                found.append(self._sign(one, work))
            except ItemError as error:
                found.append(error)
        return found

    def terms(self, signatures: Sequence[bytes]) -> Terms:
        found = [self._terms(signatures, codes) for codes in (1, 2)]
        values, owners = (np.concatenate(each) for each in zip(*found, strict=True))
        return values, owners

    def parse(self, signature: bytes) -> Frames:
        frames = np.frombuffer(signature, frame_type(signature[0]), offset=1)
        return Frames(
            frames["seconds"], tuple(np.ascontiguousarray(frames["codes"][:, each]) for each in range(signature[0]))
        )

    def match(self, one: Frames, kept: Frames) -> Match | None:
        for ours, theirs in product(one.codes, kept.codes):
            if found := self._match(one, ours, kept, theirs, ""):
                return found
            if self._mirror and (found := self._match(one, mirrored(ours), kept, theirs, " mirrored")):
                return found
        return None

    def signature_bytes(self, items: int, weight: Weight) -> int | None:
        if weight.duration is None:
            return None
        frames = weight.duration * self._fps
        return int(frames * (4 + _CODE + BANDS * 12 * (1 + self._mirror))) + items * 64

    def _terms(self, signatures: Sequence[bytes], codes: int) -> tuple[Array, Array]:
        """Return the terms of the signatures with `codes` hashes per frame."""
        numbers = [number for number, signature in enumerate(signatures) if signature[0] == codes]
        data = b"".join(memoryview(signatures[number])[1:] for number in numbers)
        dtype = frame_type(codes)
        packed = np.frombuffer(data, dtype)["codes"].reshape(-1, _CODE)
        counts = [(len(signatures[number]) - 1) // dtype.itemsize * codes * BANDS for number in numbers]
        owners = np.repeat(np.array(numbers, np.int64), counts)
        values = bands.terms(packed, BANDS).reshape(-1)
        if not self._mirror:
            return values, owners
        return np.concatenate([values, bands.terms(mirrored(packed), BANDS).reshape(-1)]), np.tile(owners, 2)

    def _match(self, one: Frames, ours: Array, kept: Frames, theirs: Array, how: str) -> Match | None:
        if not len(ours) or not len(theirs):
            return None
        distances = _distances(ours, theirs)
        near = distances <= self._limit
        wanted = self._overlap * len(ours) - 1e-9
        if near.any(axis=1).sum() < wanted:
            return None
        rows, columns = longest_rising(near)
        if len(rows) < wanted:
            return None
        mean = float(distances[rows, columns].mean())
        here, there = clock(one.seconds[rows].tolist()), clock(kept.seconds[columns].tolist())
        return Match(mean, f"{here} is {there} of it{how}")

    def _sign(self, given: Input, work: Work) -> bytes:
        path = work.open(media_of(given.item))
        timeline = read_timeline(path)
        chosen = sampled(timeline, item_span.span(given.item), self._fps)
        turned = Turned(timeline.shape)
        lumas: dict[int, Array] = {}
        for picture in decode(path, timeline, chosen.indices):
            pixels = render(picture.frame, width=_SIDE, height=_SIDE, turned=turned.of(picture.frame))
            lumas[picture.index] = luma(pixels).round().astype(np.uint8)
        inner = content(np.max(list(lumas.values()), axis=0))
        whole = (slice(0, _SIDE), slice(0, _SIDE))
        parts = [whole] if inner == whole else [whole, inner]
        frames = np.zeros(len(chosen.indices), frame_type(len(parts)))
        frames["seconds"] = chosen.seconds
        is_distinctive = np.ones(len(frames), bool)
        for batch in _batch_slices(len(frames)):
            pictures = np.stack([lumas[index] for index in chosen.indices[batch]])
            for number, part in enumerate(parts):
                frames["codes"][batch, number], contrast = hashes(pictures[:, *part])
                is_distinctive[batch] &= contrast >= _CONTRAST
        return bytes([len(parts)]) + bytes(frames[is_distinctive].tobytes())


def content(brightest: Array) -> tuple[slice, slice]:
    """Return (rows, columns) of a picture without its black borders; the whole picture if too little would remain."""
    found = []
    for axis in (1, 0):
        lit = np.flatnonzero(brightest.max(axis=axis) > _BLACK)
        first, end = (int(lit[0]), int(lit[-1]) + 1) if len(lit) else (0, _SIDE)
        found.append(slice(first, end) if end - first >= _LEAST else slice(0, _SIDE))
    return found[0], found[1]


def _batch_slices(count: int) -> Iterator[slice]:
    for first in range(0, count, _AT_ONCE):
        yield slice(first, first + _AT_ONCE)


def _distances(ours: Array, theirs: Array) -> Array:
    """Return the numbers of different bits, (n, m), of packed hashes."""
    apart = ours.view("<u8")[:, None] ^ theirs.view("<u8")[None]
    if hasattr(np, "bitwise_count"):  # numpy 2
        counts: Array = np.bitwise_count(apart)
    else:
        counts = _ONES[apart.view(np.uint8)]
    found: Array = counts.sum(axis=2, dtype=np.uint16)
    return found


_ONES = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).sum(axis=1, dtype=np.uint8)
"""Byte -> number of its bits that are 1."""
