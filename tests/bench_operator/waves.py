"""Benchmark of overlapping stages: the same work with one wave and with several."""

from typing import Any

from bench_operator import ours
from bench_operator.load import Load

WORK = 60.0
"""Seconds of work for one pod in each stage."""
STAGES = 2
WAVES = (1, 4)


def run(seconds: float) -> dict[str, Any]:
    """Makespan by the number of waves."""
    found = {}
    for waves in WAVES:
        load = Load(1, stages=STAGES, shards=1, waves=waves, work=WORK)
        found[str(waves)] = round(ours.makespan(load, seconds), 1)
    return {
        "load": {"pipelines": 1, "stages": STAGES, "shards": 1},
        "times": {"makespan": found, "work": WORK},
    }
