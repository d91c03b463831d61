"""Growth of costs with shards, items and segments, measured at growing sizes, with the exponent of the power law.

Costs are CPU seconds and peak memory of a process, so other work on the machine does not count. The exponents predict
the costs of sizes that do not fit on the disk.
"""

import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from endurance.trend import exponent
from reelmill.contract.ranges import format_ranges
from reelmill.contract.records.segment import Pass, Segment, ShardPlan, Slice
from reelmill.contract.task import StageDef, Step, Task
from reelmill.controller.state.cache import trimmed_job
from reelmill.plan.status.serialise import size
from simulated_cluster import SimulatedCluster, pipeline
from symbolic_stages import SymbolicStore

sys.path.insert(0, str(Path(__file__).parents[1] / "runtime"))

import toy_line as toy
from committed_shards import commit_shards
from peak_memory import peak_of

Json = dict[str, Any]
MIB = 2**20
ROWS_PER_PART = 1000
MEASURE = """
import os, resource, sys, time
from pathlib import Path
from reelmill.contract.records.segment import Pass, Segment
data = Path(sys.argv[2]).read_bytes()
began = time.process_time()
kept = {"Pass": Pass, "Segment": Segment}[sys.argv[1]].model_validate_json(data)
Path(sys.argv[3]).write_text(str(time.process_time() - began))
"""


@dataclass(frozen=True)
class Measured:
    """One cost at growing sizes."""

    name: str
    unit: str
    of: str
    samples: list[tuple[float, float]]

    def line(self) -> str:
        figures = "  ".join(f"{count:.0e}: {value:.3g}" for count, value in self.samples)
        grown = exponent(self.samples) if len(self.samples) > 2 and all(value > 0 for _, value in self.samples) else 0
        return f"{self.name:44} {self.unit:6} by {self.of:8} n^{grown:.2f}  {figures}"


def run(most_shards: int, most_items: int) -> int:
    """Measure everything up to these sizes, and print a line for each cost."""
    for part in (planner(most_shards), records(most_shards), commits(most_shards // 10), steps(most_items)):
        for measured in part:
            print(measured.line(), flush=True)
    return 0


def sizes(most: int, first: int = 1000) -> list[int]:
    """1000, 10,000, and so on."""
    found = [first]
    while found[-1] * 10 <= most:
        found.append(found[-1] * 10)
    return found


def planner(most: int) -> Iterator[Measured]:
    """A stage whose shards finish in the worst order: every other one failed."""
    found: dict[str, list[tuple[float, float]]] = {}
    for shards in sizes(most):
        cluster = _at_work(shards)
        (job,) = [each for each in cluster.visible.values() if not each["status"].get("conditions")]
        for name, value in {
            "status": size(cluster.status),
            "reconcile, nothing changed": _seconds(cluster.plan),
            "Job in the operator's cache": len(json.dumps(trimmed_job(job))),
            "Job in a list": len(json.dumps(job)),
        }.items():
            found.setdefault(name, []).append((shards, value))
    units = {"status": "bytes", "reconcile, nothing changed": "CPU s"}
    for name, samples in found.items():
        yield Measured(name, units.get(name, "bytes"), "shards", samples)
    segments = [(count, _seconds(_finished(count).plan)) for count in (10, 100, 1000)]
    yield Measured("reconcile, nothing changed", "CPU s", "segments", segments)
    statuses = [(count, float(size(_finished(count).status))) for count in (10, 100, 1000)]
    yield Measured("status", "bytes", "segments", statuses)


def records(most: int) -> Iterator[Measured]:
    """The plan of a pass, which each of its shards reads, and the closed segment, which later stages read."""
    with TemporaryDirectory() as temporary:
        for kind, made in (("Pass", _pass), ("Segment", _segment)):
            file, report_file = Path(temporary) / kind, Path(temporary) / "told"
            bytes_, seconds, memory = [], [], []
            for shards in sizes(most):
                file.write_bytes(made(shards))
                peak = peak_of([sys.executable, "-c", MEASURE, kind, str(file), str(report_file)])
                bytes_.append((float(shards), float(file.stat().st_size)))
                seconds.append((float(shards), float(report_file.read_text())))
                memory.append((float(shards), peak / MIB))
            yield Measured(f"{kind}: size", "bytes", "shards", bytes_)
            yield Measured(f"{kind}: reading it", "CPU s", "shards", seconds)
            yield Measured(f"{kind}: peak of a process that reads it", "MiB", "shards", memory)


def commits(most: int) -> Iterator[Measured]:
    """The commit step of a pass whose shards have ten items each."""
    found: dict[str, list[tuple[float, float]]] = {"CPU s": [], "MiB": []}
    for shards in sizes(most, first=100):
        with TemporaryDirectory() as temporary:
            line, stage = _line(Path(temporary), 10 * shards, shards)
            line.survey()
            line.open(stage)
            commit_shards(line, stage)
            for (_, unit), value in _step("commit", line.task(Step.COMMIT, stage, segment=1)):
                found[unit].append((shards, value))
    for unit, samples in found.items():
        yield Measured("commit", unit, "shards", samples)


def steps(most: int) -> Iterator[Measured]:
    """Survey, open and commit as processes: CPU seconds and peak memory; 1000 items a shard."""
    found: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for items in sizes(most):
        with TemporaryDirectory() as temporary:
            for (name, unit), value in _steps(Path(temporary), items):
                found.setdefault((name, unit), []).append((items, value))
    for (name, unit), samples in found.items():
        yield Measured(name, unit, "items", samples)


def _steps(root: Path, items: int) -> Iterator[tuple[tuple[str, str], float]]:
    line, stage = _line(root, items, max(items // ROWS_PER_PART, 1))
    yield from _step("survey", line.task(Step.SURVEY))
    yield from _step("open", line.open_task(stage))
    commit_shards(line, stage)
    yield from _step("commit", line.task(Step.COMMIT, stage, segment=1))
    # Cost of a small growth of a large data set.
    file = line.rows[0]["file"]
    line.rows += [{"key": f"more-{number:09d}", "file": file, "_source": "raw"} for number in range(100)]
    line.write_rows("raw")
    yield from _step("survey of 100 more", line.task(Step.SURVEY))
    line.shard_count = 1
    yield from _step("open of 100 more", line.open_task(stage))
    commit_shards(line, stage, 2)
    yield from _step("commit of 100 more", line.task(Step.COMMIT, stage, segment=2))
    shutil.rmtree(root / "store")


def _line(root: Path, items: int, shards: int) -> tuple[toy.Line, StageDef]:
    """A source with `items` items, and a stage that divides them into `shards` shards."""
    line = toy.Line(root, shard_count=shards)
    line.put("item")
    file = line.rows[0]["file"]
    line.rows = [{"key": f"item-{number:09d}", "file": file, "_source": "raw"} for number in range(items)]
    line.write_rows("raw")
    return line, line.stage("upper")


def _step(name: str, task: Task) -> Iterator[tuple[tuple[str, str], float]]:
    before = _children()
    environment = {"REELMILL_TASK": task.model_dump_json(by_alias=True), "REELMILL_REPORT": os.devnull}
    peak = peak_of([sys.executable, "-m", "reelmill_stages"], **environment)
    yield (name, "CPU s"), _children() - before
    yield (name, "MiB"), peak / MIB


def _children() -> float:
    times = os.times()
    return times.children_user + times.children_system


def _seconds(work: Callable[[], object]) -> float:
    """Minimum CPU seconds of several calls."""
    best = 1e9
    for _ in range(5):
        began = time.process_time()
        work()
        best = min(best, time.process_time() - began)
    return best


def _at_work(shards: int) -> SimulatedCluster:
    stage = {"name": "clips", "clip": {"by": "length"}, "shards": shards, "parallelism": min(shards, 10_000)}
    store = SymbolicStore(bucket={"raw": [f"v{number}" for number in range(shards)]})
    cluster = SimulatedCluster(pipeline([stage]), store)
    for _ in range(3):
        cluster.deliver_all()
        cluster.reconcile()
        for name in cluster.live():
            if not name.rpartition("-")[2].startswith("s"):
                cluster.advance(name)
    cluster.deliver_all()
    cluster.reconcile()
    (job,) = cluster.live()
    cluster.jobs[job]["status"] = {
        "active": 5,
        "completedIndexes": format_ranges(range(0, shards, 2)),
        "failedIndexes": format_ranges(range(1, shards // 10, 2)),
    }
    cluster.deliver_all()
    cluster.reconcile()
    cluster.now += timedelta(seconds=60)
    return cluster


def _finished(segments: int) -> SimulatedCluster:
    """A pipeline with `segments` segments; the planner gets two numbers per stage about them."""
    cluster = SimulatedCluster(
        pipeline([{"name": "clips", "clip": {"by": "length"}}, {"name": "samples", "frames": {}}])
    )
    cluster.store.bucket["raw"] = ["v0"]
    cluster.settle()
    stages = [
        stage.replace(segments=segments, coverage=dict.fromkeys(stage.coverage, segments), items=segments)
        for stage in cluster.status.stages
    ]
    sources = [source.replace(segments=segments, items=segments) for source in cluster.status.sources]
    cluster.status = cluster.status.replace(stages=stages, sources=sources)
    return cluster


def _pass(shards: int) -> bytes:
    rows, digest = f"raw/{'b' * 10}/0001/_reelmill/items/00000-1-4e0f65ec.jsonl", f"sha256:{'a' * 64}"
    plans = (
        ShardPlan(
            slices=(Slice(upstream="raw", rows=rows, first=10 * shard, count=10, ordinal=10 * shard, digest=digest),),
            count=10,
            weight=1.0,
        )
        for shard in range(shards)
    )
    made = Pass.model_validate(
        {
            "stage": "clips",
            "key": "f" * 64,
            "segment": 1,
            "kind": "cover",
            "in": 10 * shards,
            "firstOrdinal": 0,
            "shards": tuple(plans),
            "definition": {},
            "runner": {"uid": "u", "name": "n", "run": 1},
        }
    )
    return made.model_dump_json(by_alias=True).encode()


def _segment(shards: int) -> bytes:
    def rows(kind: str, shard: int) -> Json:
        key = f"clips/{'f' * 10}/0001/_reelmill/{kind}/{shard:05d}-3-092e6483.jsonl"
        return {"key": key, "size": 1000, "digest": f"sha256:{'a' * 64}"}

    parts = [
        {"items": rows("items", shard), "ledger": rows("ledger", shard), "count": 10, "weight": 1.0, "firstOrdinal": 0}
        for shard in range(shards)
    ]
    head = {"state": "committed", "stage": "clips", "key": "f" * 64, "segment": 1, "kind": "cover", "counts": {}}
    more = {"totals": {}, "items": 10 * shards, "nextOrdinal": 10 * shards, "parts": parts}
    return Segment.model_validate({**head, **more}).model_dump_json(by_alias=True).encode()
