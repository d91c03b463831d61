"""Decisions of `dedup`: signatures per second of CPU on one core, and what one percent more costs.

The target of the rates is 100,000 per second; a signature of `perceptual` is that of one frame. Signing, which takes
nearly all of the time of the stage, is not in it.
"""

import os

from bench.row import Row, begin, emit
from endurance.decisions import FRAMES, measured

RATE = 100_000
CASES = {"exact": (300_000, 1), "perceptual": (15_000, FRAMES), "semantic": (100_000, 1)}
"""Signatures, and hashes or vectors of each."""


def main(rounds: int) -> None:
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    for by, (count, each) in CASES.items():
        whole, more = measured(by, count)
        wanted = count * each / RATE
        rate = wanted / whole["cpu"]
        case = f"{by}, {count * each:,}"
        values = (whole["cpu"], wanted, "s CPU", rate, None, 1.0)
        emit(Row("dedup", case, "100,000 per second", *values, rounds=(1, 1)))
        share = more["cpu"] / whole["cpu"]
        values = (more["cpu"], whole["cpu"], "s CPU", share, None, 0.015)
        emit(Row("dedup", f"{by}, one percent more", "the decision about all", *values, at_most=True, rounds=(1, 1)))


if __name__ == "__main__":
    begin(main, "dedup")
