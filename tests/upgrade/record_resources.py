"""Writes what a release's planner leaves in a resource at every step of a run: `python record_resources.py FILE`.

Run it once for each release, with its packages, and with the folder `tests` of its checkout on PYTHONPATH. A moment is
the status and the Jobs after one reconciliation, with the reports of pods and the symbolic store that belong to it.
"""

import gzip
import json
import sys
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from simulated_cluster import SimulatedCluster, pipeline
from symbolic_stages import SymbolicStore

STAGES: list[dict[str, Any]] = [
    {"name": "clips", "clip": {"by": "length"}, "shards": 3, "failures": {"tolerate": "50%"}},
    {"name": "samples", "frames": {}, "shards": 2},
    {"name": "shards", "from": ["clips"], "pack": {}, "shards": 1},
]


def run() -> list[dict[str, Any]]:
    """All moments of a run in which one item fails."""
    store = SymbolicStore(bucket={"raw": [f"v{number}" for number in range(6)]})
    store.failing["clips", "v1"] = ["truncated", "truncated"]
    one = SimulatedCluster(pipeline(STAGES), store)
    moments = []
    for turn in range(200):
        one.deliver_all()
        plan = one.reconcile()
        moments.append(json.dumps(moment(one)))  # as it is now
        live = [name for name in one.live() if not one.jobs[name]["spec"]["suspend"]]
        if live:
            one.advance(live[turn % len(live)])
        elif not plan.actions:
            if not one.status.holds("Reconciling"):
                return [json.loads(each) for each in moments]
            one.now += timedelta(seconds=plan.wake_after or 1)
    raise AssertionError("no end")


def moment(one: SimulatedCluster) -> dict[str, Any]:
    """Everything about a moment, as JSON values. Keys that are pairs are joined by a blank."""
    store = {
        "bucket": one.store.bucket,
        "failing": _named(one.store.failing),
        "sources": _named(one.store.sources),
        "stages": _named({key: asdict(data) for key, data in one.store.stages.items()}),
        "tried": dict(one.store.tried),
    }
    return {
        "status": one.status.model_dump(mode="json", by_alias=True),
        "jobs": one.jobs,
        "reports": one.reports,
        "posted": sorted(one.posted),
        "tries": [[*key, count] for key, count in one.tries.items()],
        "now": one.now.isoformat(),
        "store": store,
    }


def _named(value: dict[tuple[str, str], Any]) -> dict[str, Any]:
    return {" ".join(key): each for key, each in value.items()}


if __name__ == "__main__":
    with gzip.GzipFile(sys.argv[1], "wb", mtime=0) as file:
        file.write(json.dumps({"stages": STAGES, "moments": run()}).encode())
