"""Benchmark of the transfer overhead of a decode-bound stage: videos from a local MinIO, and samples back to it.

The frames stage works on virtual clips of a 120 s video with local files. Then the same data is transferred through the
S3 store in one thread, without overlap. The share is an upper bound, because MinIO uses the same machine.
"""

import statistics
import tempfile
import uuid
from collections.abc import Sequence
from pathlib import Path

from bench import films
from bench.bucket import Bucket, bucket
from bench.fused import SPANS, ours
from bench.row import Row, begin, emit
from bench.timing import one_core, seconds

CASES = ("720p GOP 250", "720p GOP 48")
LIMIT = 0.05


def move(it: Bucket, video: str, files: Sequence[Path]) -> None:
    """The video down, the samples up."""
    it.store.fetch(video, it.folder).unlink()
    run = uuid.uuid4()
    for number, file in enumerate(files):
        it.store.write(f"{run}/{number}", file, create=True)


def measure(it: Bucket, case: str, rounds: int) -> None:
    path = films.film(case, sound=True)
    video = f"{uuid.uuid4()}.mp4"
    it.store.write(video, path)
    working, moving = [], []
    for _ in range(rounds + 1):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            working.append(seconds(lambda: ours(path, folder)))  # noqa: B023
            files = [file for file in folder.rglob("*") if file.is_file()]
            moving.append(seconds(lambda: move(it, video, files)))  # noqa: B023
    del working[0], moving[0]
    share = statistics.median(move / (work + move) for work, move in zip(working, moving, strict=True))
    medians = statistics.median(moving), statistics.median(working)
    against = "the frames stage on the same video, with local files"
    case = f"{len(SPANS)} clips of a {case}"
    emit(Row("transfer share", case, against, *medians, "s", share, None, LIMIT, True, rounds=(rounds, rounds)))


def main(rounds: int) -> None:
    with bucket() as it:
        one_core()
        for case in CASES:
            measure(it, case, rounds)


if __name__ == "__main__":
    begin(main, "transfer share")
