"""Where samples lie in a movie, looked up in tables that are read in parts."""

import struct
from dataclasses import dataclass
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelmill_stages.media.container.boxes import Box
from reelmill_stages.media.container.movie_index import Track
from reelmill_stages.media.container.sample_places import SamplePlaces

CHUNKS = st.lists(
    st.tuples(st.lists(st.integers(0, 40), min_size=1, max_size=4), st.integers(0, 30)), min_size=1, max_size=30
)
"""Sizes of the samples of each chunk, and bytes of other tracks before it."""


@dataclass
class Movie:
    """The tables of a track, as bytes, and where every byte of its samples lies."""

    sizes: list[int]
    tables: bytes
    track: Track
    places: list[int]

    def read(self, wanted: range) -> bytes:
        return self.tables[wanted.start : wanted.stop]


def movie(chunks: list[tuple[list[int], int]], *, wide: bool, description: int = 1) -> Movie:
    ends = list(accumulate(before + sum(sizes) for sizes, before in chunks))
    offsets = [end - sum(sizes) for end, (sizes, _) in zip(ends, chunks, strict=True)]
    runs = [
        (number, len(sizes), description)
        for number, (sizes, _) in enumerate(chunks, 1)
        if number == 1 or len(sizes) != len(chunks[number - 2][0])
    ]
    stsc = struct.pack(">II", 0, len(runs)) + b"".join(struct.pack(">III", *run) for run in runs)
    kind = "Q" if wide else "I"
    stco = struct.pack(">II", 0, len(offsets)) + struct.pack(f">{len(offsets)}{kind}", *offsets)
    whole = Box(b"trak", 0, 0, len(stsc) + len(stco))
    tables = {
        b"stsc": Box(b"stsc", 0, 0, len(stsc)),
        b"co64" if wide else b"stco": Box(b"stco", len(stsc), len(stsc), len(stsc) + len(stco)),
    }
    places = [
        place
        for offset, (sizes, _) in zip(offsets, chunks, strict=True)
        for place in range(offset, offset + sum(sizes))
    ]
    return Movie([size for sizes, _ in chunks for size in sizes], stsc + stco, Track(whole, b"vide", tables), places)


@given(CHUNKS, st.booleans(), st.data())
def test_every_byte_of_a_track_is_found_where_it_lies(
    chunks: list[tuple[list[int], int]], wide: bool, data: st.DataObject
) -> None:
    made = movie(chunks, wide=wide)
    found = SamplePlaces(made.track, made.sizes, made.read)
    assert found.size == len(made.places)
    start = data.draw(st.integers(0, found.size))
    stop = data.draw(st.integers(start, found.size))
    extents = list(found.extents(range(start, stop)))
    assert [place for extent in extents for place in extent] == made.places[start:stop]


def test_samples_with_several_descriptions_are_refused() -> None:
    made = movie([([5, 5], 3)], wide=False, description=2)
    with pytest.raises(ValueError, match="several descriptions"):
        list(SamplePlaces(made.track, made.sizes, made.read).extents(range(3)))


def test_samples_in_chunks_that_are_not_listed_are_refused() -> None:
    made = movie([([5], 0), ([5], 0)], wide=False)
    with pytest.raises(ValueError, match="not listed"):
        list(SamplePlaces(made.track, [5, 5, 5], made.read).extents(range(11, 12)))
