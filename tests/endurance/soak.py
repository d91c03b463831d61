"""Soak test with an hour of churn on a real API server: the operator's memory and writes stay flat.

Pipelines are created, grown, edited, suspended and deleted, while their number stays constant. Samples are judged by a
least squares line, after a warm-up in which caches fill.
"""

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench_operator.process import Controller, controller
from cluster import launch
from cluster.control_plane import ControlPlane
from control_plane.operators import account
from control_plane.pipelines import KIND, holds
from control_plane.symbolic_kubelet import SymbolicKubelet
from endurance.churn import Churn
from endurance.symbolic_stores import SymbolicStores
from endurance.trend import Trend, fit
from reelmill.controller.kube import event_recorder
from reelmill.controller.state import cache
from reelmill.schema import crd

Json = dict[str, Any]
TESTS = Path(__file__).parents[1]
NAMESPACE = "soak"
BOUNDS = {"KindCache._gone": 2 * cache.REMEMBERED, "EventRecorder._counts": event_recorder.REMEMBERED}
"""Containers that fill up to a bound -> maximum number of entries."""
SHARE = 0.05
"""Maximum rise over the samples that counts as flat, as a share of the mean, unless chance explains it.

For containers, whose size depends on running work, one entry per pipeline is also flat: a leak of every change would be
a hundred times as large.
"""
LAG = 8
"""If more than one in this number of pipelines wait in the queue, nothing is changed."""
WARM = 0.5
"""Share of the time in which caches and connection pools fill; its samples are not judged."""


@dataclass(frozen=True)
class Judged:
    """One line of the table."""

    name: str
    trend: Trend
    flat: bool
    bound: int = 0

    @property
    def word(self) -> str:
        if self.bound:
            return f"bounded by {self.bound}" if self.flat else f"beyond {self.bound}"
        return "flat" if self.flat else "GROWS"


def run(minutes: float, pipelines: int, period: float, seed: int, every: float) -> int:
    """Run for `minutes`, print the samples and the judgement; returns the exit code."""
    with _operated(every) as (plane, operator, samples):
        stores = SymbolicStores()
        kubelet = SymbolicKubelet(plane.client, NAMESPACE, stores, every=0.5)
        churn = Churn(plane.client, NAMESPACE, stores, pipelines, seed)
        with kubelet:
            told, rows = 0, []
            end, due = time.monotonic() + 60 * minutes, time.monotonic()
            while time.monotonic() < end:
                operator.alive()
                if kubelet.problem:
                    break
                # An overloaded operator gets no more work; otherwise, the samples would show its backlog.
                if not rows or rows[-1]["containers"].get("WorkQueue._ready", 0) <= pipelines / LAG:
                    churn.step()
                due = max(due + period, time.monotonic())
                time.sleep(max(due - time.monotonic(), 0.0))
                lines = samples.read_text().splitlines() if samples.exists() else []
                for line in lines[told:]:
                    rows.append({**json.loads(line), "deeds": churn.deeds.total(), "pods": stores.executed})
                    _tell(rows, every=max(round(60 / every), 1))
                told = len(lines)
            churn.calm()
            wrong = _unfinished(plane, churn, 300)
    judged = judge(rows, pipelines)
    print(f"\nchanges: {', '.join(f'{name} {count}' for name, count in sorted(churn.deeds.items()))}")
    print(f"steps run: {stores.executed}; pipelines made: {churn.deeds['make']}; seed {seed}\n")
    print(table(judged))
    for name in wrong:
        print(f"not Complete at the end: {name}")
    return int(bool(wrong) or not all(each.flat for each in judged))


def series(rows: list[Json]) -> dict[str, list[tuple[float, float]]]:
    """Name -> samples (hours, value). Writes and lists are counted per change that was made."""
    found: dict[str, list[tuple[float, float]]] = {}
    began = rows[0]["at"]

    def add(name: str, row: Json, value: float) -> None:
        found.setdefault(name, []).append(((row["at"] - began) / 3600, value))

    for row in rows:
        add("resident memory, MiB", row, row["rss"] / 2**20)
        for name in ("files", "threads", "tasks", "objects"):
            add(name, row, row[name])
        for name, size in row["containers"].items():
            add(name, row, size)
    width = max(len(rows) // 20, 1)
    for before, row in zip(rows, rows[width:], strict=False):
        deeds = row["deeds"] - before["deeds"]
        if deeds:
            asked = {name: row["requests"].get(name, 0) - before["requests"].get(name, 0) for name in row["requests"]}
            reads = asked.pop("GET", 0)
            add("writes per change", row, sum(asked.values()) / deeds)
            add("reads per change", row, reads / deeds)
            add("CPU seconds per change", row, (row["cpu"] - before["cpu"]) / deeds)
    return found


def judge(rows: list[Json], pipelines: int) -> list[Judged]:
    """Judge every series after the warm-up, with `pipelines` pipelines at a time; empty containers are left out."""
    judged, hours = [], (rows[-1]["at"] - rows[0]["at"]) / 3600
    for name, samples in series(rows).items():
        late = [(at, value) for at, value in samples if at >= WARM * hours]
        if not any(value for _, value in late):
            continue
        trend, bound = fit(late), BOUNDS.get(name, 0)
        room = pipelines if name in rows[-1]["containers"] else 2.0
        flat = max(value for _, value in late) <= bound if bound else trend.flat(max(SHARE * trend.mean, room))
        judged.append(Judged(name, trend, flat, bound))
    return judged


def table(judged: list[Judged]) -> str:
    """Aligned columns: mean, slope per hour, its standard error, the rise over the judged samples, the judgement."""
    lines = [["what", "mean", "slope/h", "error", "rise", "judged"]]
    for each in judged:
        trend = each.trend
        numbers = [f"{value:.4g}" for value in (trend.mean, trend.slope, trend.error, trend.rise)]
        lines.append([each.name, *numbers, each.word])
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)


def _tell(rows: list[Json], every: int) -> None:
    if len(rows) % every == 1 or every == 1:
        row = rows[-1]
        minutes = (row["at"] - rows[0]["at"]) / 60
        writes = sum(count for method, count in row["requests"].items() if method != "GET")
        delayed = row["containers"].get("WorkQueue._delayed", 0)
        print(
            f"{minutes:5.1f} min  {row['rss'] / 2**20:6.1f} MiB  {row['files']:3} files  {row['threads']:2} threads  "
            f"{row['tasks']:3} tasks  {row['objects']:7} objects  {delayed:5} delayed  {writes:6} writes  "
            f"{row['deeds']:5} changes  {row['pods']:6} steps",
            flush=True,
        )


def _unfinished(plane: ControlPlane, churn: Churn, seconds: float) -> list[str]:
    """Pipelines that do not become Complete although nothing prevents it."""
    end = time.monotonic() + seconds
    wanted = {one.name for one in churn.alive}
    while time.monotonic() < end:
        found = [each for each in plane.client.list(KIND, NAMESPACE) if each["metadata"]["name"] in wanted]
        late = sorted(each["metadata"]["name"] for each in found if not holds(each, "Complete"))
        if not late:
            return []
        time.sleep(2)
    return late


@contextmanager
def _operated(every: float) -> Iterator[tuple[ControlPlane, Controller, Path]]:
    """A control plane, an operator that records its memory, and the file with its samples."""
    with launch.control_plane() as plane, TemporaryDirectory() as temporary:
        folder, client = Path(temporary), plane.client
        client.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
        client.wait(lambda: client.find("ServiceAccount", "default", NAMESPACE), 60, "the service account")
        definition = crd()
        client.apply(definition)
        kind, name = "apiextensions.k8s.io/v1/CustomResourceDefinition", definition["metadata"]["name"]
        client.wait_for(kind, name, "", lambda found: holds(found, "Established"), 60)
        config = account(client, NAMESPACE, folder)
        samples = folder / "samples.jsonl"
        command = [sys.executable, "-m", "endurance.observed_operator", config, samples, str(every)]
        env = {
            "PYTHONPATH": os.pathsep.join(filter(None, [str(TESTS), os.environ.get("PYTHONPATH", "")])),
            "REELMILL_NAMESPACES": NAMESPACE,
            "REELMILL_LISTEN": "",
            "REELMILL_RESYNC_SECONDS": "120",
            # As few connections as possible, because the number of open ones depends on the load of the machine.
            "REELMILL_WORKERS": "4",
        }
        with controller([str(word) for word in command], env, folder / "log") as operator:
            yield plane, operator, samples
