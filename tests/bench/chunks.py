"""Benchmark of chunks of a long video: the last chunk against the first, and memory of reading and writing."""

import multiprocessing
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from bench import films
from bench.row import Row, begin, emit
from bench.timing import in_turns, one_core
from host import peak_memory
from reelmill.contract.records.rows import Item, Media
from reelmill.contract.spec.stages.chunk import ChunkBlock
from reelmill_stages.datasets.files.place import SampleFolder
from reelmill_stages.datasets.files.view_files import ViewFiles
from reelmill_stages.stage import Done, Input
from reelmill_stages.stages.chunk.stage import ChunkStage
from worker_desk import Desk

CASE = "360p GOP 48"
FRAMES, CHUNKS = 900, 4
"""Frames of a chunk; chunks of the film."""
READING = (1.1, 100)
"""Memory limit of reading: (factor of the output, additional MiB)."""
STREAMING = 64
"""Memory limit of writing in MiB."""


def read(path: Path, number: int) -> int:
    """Read one chunk into one array with the chunk reader; returns its size in bytes."""
    files = ViewFiles(SampleFolder("/"), SampleFolder("/"))
    told = {"media": {"uri": str(path)}, "frames": [number * FRAMES, (number + 1) * FRAMES]}
    height, width = files.size(told)
    chunk = np.empty((FRAMES, height, width, 3), np.uint8)
    for frame, pixels in files.pictures(told, range(FRAMES), None):
        chunk[frame] = pixels
    return chunk.nbytes


def write(path: Path) -> int:
    """Write all chunks of a film as arrays; returns their size in bytes."""
    with tempfile.TemporaryDirectory() as scratch:
        given = Input(Item("a", 0, "a", 1.0, Media(str(path), 0)), 0)
        block = ChunkBlock(max_frames=FRAMES, output="npy", width=224, height=224)
        (result,) = ChunkStage(block).process([given], Desk(Path(scratch)))
        assert isinstance(result, Done), result
        return sum(file.path.stat().st_size for item in result.items for file in item.files)


def memory(act: Callable[[], int], path: Path) -> tuple[float, float]:
    """(MiB that a new process needed in addition to decoding one frame, MiB of output)."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_measured, (act, path))


def _measured(act: Callable[[], int], path: Path) -> tuple[float, float]:
    files = ViewFiles(SampleFolder("/"), SampleFolder("/"))
    files.size({"media": {"uri": str(path)}, "frames": [0, 1]})
    before = peak_memory()
    output = act() / 2**20
    return peak_memory() - before, output


def main(rounds: int) -> None:
    path = films.film(CASE)
    one_core()
    last, first = partial(read, path, CHUNKS - 1), partial(read, path, 0)
    times = in_turns(last, first, rounds)
    case = f"{FRAMES} frames of {CASE}, the last of {CHUNKS} chunks"
    ratio, cpu = 1 / times.ratio, 1 / times.cpu_ratio if times.cpu_ratio else None
    emit(Row("chunk k of n", case, "the first one", *times.medians, "s", ratio, cpu, 1.2, True, times.rounds))
    for case, act, bound in (
        ("memory to read one", last, lambda output: READING[0] * output + READING[1]),
        ("memory to write all as arrays", partial(write, path), lambda output: STREAMING),
    ):
        needed, output = memory(act, path)
        against = f"{bound(output):.0f} MiB, with {output:.0f} MiB of output"
        limit = float(bound(output))
        emit(Row("chunk k of n", case, against, needed, limit, "MiB", needed / limit, None, 1.0, True, (1, 1)))


if __name__ == "__main__":
    begin(main, "chunk k of n")
