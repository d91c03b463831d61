"""Videos to write in a format, and what must not change when a trainer reads the folder."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import footage
from reelmill.contract.records.rows import Item
from write.desk import digests, item

COUNT = 7


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@cache
def films() -> list[Item]:
    """Seven videos of different lengths, with fields of several types."""
    made = [footage.video(seconds=0.5 + number / 10, fps=10, size=(64, 48)) for number in range(COUNT)]
    return [
        item(film, number, place=number, text=f"film {number} 夜", luma=16.5 + number, lists={"places": [0.5, number]})
        for number, film in enumerate(made)
    ]


@contextmanager
def unchanged_by(folder: Path) -> Iterator[None]:
    """Fails if a file of the folder is another afterwards."""
    before = digests(folder)
    yield
    assert digests(folder) == before, "the reader wrote into the folder"
