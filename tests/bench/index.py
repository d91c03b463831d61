"""Checking tars, beside iterating them with webdataset: the structure check of the index stage.

Prints one JSON line a row. Both read the same tar from a memory disk, in turns, five rounds; the ratio is the median.
"""

import json
import random
import statistics
import tempfile
import time
import warnings
from pathlib import Path

import webdataset

from reelmill.contract.record import Item, Media
from reelmill.contract.spec.stages.index import IndexBlock
from reelmill_stages.index.stage import Index
from reelmill_stages.stage import Done, Input
from reelmill_stages.tar.write import TarWriter

ROUNDS = 5
CASES = {
    "16 jpg of 11 kB": (500, 16, 11_000, "jpg"),
    "mp4 of 600 kB": (300, 1, 600_000, "mp4"),
    "npy of 2 MB": (80, 1, 2_000_000, "npy"),
}
"""Samples, parts of each, bytes of each, suffix."""


class Desk:
    """What a worker lends: the tar is here already."""

    gpu = None

    def __init__(self, folder: Path) -> None:
        self.scratch = folder

    def fetch(self, media: Media) -> Path:
        return Path(media.uri)

    def read(self, uri: str, digest: str = "") -> Path:
        return Path(uri)


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
    (result,) = Index(IndexBlock()).process([Input(item, 0)], Desk(path.parent))
    if not isinstance(result, Done):
        raise TypeError(result)
    count: int = result.items[0].fields["samples"]
    return count


def main() -> None:
    warnings.simplefilter("ignore", ResourceWarning)
    memory = Path("/dev/shm")
    for case, shape in CASES.items():
        with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as name:
            path = write(Path(name) / "x.tar", *shape)
            ratios = []
            for _ in range(ROUNDS):
                seconds = []
                for run in (theirs, ours):
                    start = time.perf_counter()
                    counted = run(path)
                    seconds.append(time.perf_counter() - start)
                    if counted != shape[0]:
                        raise ValueError(f"{run.__name__} counted {counted} of {shape[0]}")
                ratios.append(seconds[0] / seconds[1])
        line = {
            "bench": "index",
            "case": f"structure, {case}",
            "ratio": round(statistics.median(ratios), 2),
            "target": 3.0,
        }
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
