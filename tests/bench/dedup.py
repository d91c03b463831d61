"""Benchmark of `dedup` decisions: signatures per CPU second on one core, and the cost of one percent more.

The target rate is 100,000 per second; a `perceptual` signature is that of one frame. Signing, which takes nearly all of
the stage's time, is not included. A tenth of all signatures are duplicates, and half of the additional percent. CPU
seconds are the median of several passes.
"""

import os

from bench.row import Row, begin, emit
from endurance.decisions import FRAMES, measured

RATE = 100_000
CASES = {"exact": (1_000_000, 1), "perceptual": (15_000, FRAMES), "semantic": (200_000, 1)}
"""Method -> (number of signatures, hashes or vectors per signature)."""
GROWTHS = 5
"""Number of passes with one percent more."""


def main(rounds: int) -> None:
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    for by, (count, each) in CASES.items():
        whole, more = measured(by, count, rounds=GROWTHS)
        wanted = count * each / RATE
        rate = wanted / whole["cpu"]
        case = f"{by}, {count * each:,}"
        values = (whole["cpu"], wanted, "s CPU", rate, None, 1.0)
        emit(Row("dedup", case, "100,000 per second", *values, rounds=(1, 1)))
        share = more["cpu"] / whole["cpu"]
        values = (more["cpu"], whole["cpu"], "s CPU", share, None, 0.015)
        case, rounds = f"{by}, one percent more", (GROWTHS, 1)
        emit(Row("dedup", case, "the decision about all", *values, at_most=True, rounds=rounds))


if __name__ == "__main__":
    begin(main, "dedup")
