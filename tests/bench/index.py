"""Benchmark of the index stage's structure check of tars, against iterating over them with webdataset.

Both read the same tar from a RAM disk.
"""

import random
import tempfile
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path

import webdataset

from bench.row import Row, begin, emit
from bench.timing import in_turns
from reelmill.contract.records.rows import Item, Media
from reelmill.contract.spec.stages.index import IndexBlock
from reelmill_stages.stage import Done, Input
from reelmill_stages.stages.index.stage import IndexStage
from reelmill_stages.tar.write import TarWriter
from worker_desk import Desk

CASES = {
    "16 jpg of 11 kB": (500, 16, 11_000, "jpg"),
    "mp4 of 600 kB": (300, 1, 600_000, "mp4"),
    "npy of 2 MB": (80, 1, 2_000_000, "npy"),
}
"""Samples, parts of each, bytes of each, suffix."""


def write(path: Path, count: int, parts: int, size: int, suffix: str) -> Path:
    """A tar of random payload."""
    noise = random.Random(0)
    with TarWriter(path) as tar:
        for number in range(count):
            tar.add(f"{number:09d}.json", b'{"caption": "a caption"}')
            for part in range(parts):
                tar.add(
                    f"{number:09d}.{part}.{suffix}" if parts > 1 else f"{number:09d}.{suffix}", noise.randbytes(size)
                )
    return path


def theirs(path: Path) -> int:
    return sum(1 for _ in webdataset.WebDataset([str(path)], shardshuffle=False, empty_check=False))


def ours(path: Path) -> int:
    item = Item("x", 0, "x", 1.0, Media(str(path), path.stat().st_size))
    (result,) = IndexStage(IndexBlock()).process([Input(item, 0)], Desk(path.parent))
    if not isinstance(result, Done):
        raise TypeError(result)
    count: int = result.items[0].fields["samples"]
    return count


def all_of(count: int, read: Callable[[Path], int], path: Path) -> None:
    """Raises ValueError if samples are missing."""
    if (found := read(path)) != count:
        raise ValueError(f"{read.__name__} counted {found} of {count}")


def main(rounds: int) -> None:
    warnings.simplefilter("ignore", ResourceWarning)
    memory = Path("/dev/shm")
    for case, shape in CASES.items():
        with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as name:
            path = write(Path(name) / "x.tar", *shape)
            times = in_turns(partial(all_of, shape[0], ours, path), partial(all_of, shape[0], theirs, path), rounds)
        against = "webdataset iteration over the same tar"
        values = (*times.medians, "s", times.ratio, None, 3.0)
        emit(Row("index check", f"structure, {case}", against, *values, rounds=times.rounds))


if __name__ == "__main__":
    begin(main, "index check")
