"""Resources and Jobs that an earlier release left, at every step of a run, are taken to their end by this one."""

import gzip
import json
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from reelmill.contract.status import Status
from simulated_cluster import SimulatedCluster, pipeline
from symbolic_stages import Closed, DataSet, OpenedPass, SymbolicStore

RELEASES = sorted((Path(__file__).parent / "data").glob("*-resources.json.gz"))


def recorded(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(gzip.decompress(path.read_bytes()))
    return found


MOMENTS = [
    pytest.param(path, number, id=f"{path.name.partition('-')[0]}-{number}")
    for path in RELEASES
    for number in range(len(recorded(path)["moments"]))
]


def continued(stages: list[dict[str, Any]], moment: dict[str, Any]) -> SimulatedCluster:
    """The cluster as it was, with the planner of this release, and images of the stages of the earlier one."""
    kept = moment["store"]
    store = SymbolicStore(bucket=kept["bucket"], follows_up=False)
    store.failing = {pair(key): value for key, value in kept["failing"].items()}
    store.sources = {pair(key): value for key, value in kept["sources"].items()}
    store.stages = {pair(key): data_set(value) for key, value in kept["stages"].items()}
    store.tried = Counter(kept["tried"])
    return SimulatedCluster(
        pipeline(stages),
        store,
        status=Status.model_validate(moment["status"]),
        jobs=moment["jobs"],
        reports=moment["reports"],
        posted=set(moment["posted"]),
        tries={(name, index): count for name, index, count in moment["tries"]},
        now=datetime.fromisoformat(moment["now"]),
    )


def pair(key: str) -> tuple[str, str]:
    first, second = key.split(" ")
    return first, second


def data_set(value: dict[str, Any]) -> DataSet:
    opened = value["open"]
    if opened:
        opened = OpenedPass(**{**opened, "outcomes": {int(shard): each for shard, each in opened["outcomes"].items()}})
    return DataSet([Closed(**each) for each in value["closed"]], opened, value["view"])


def test_there_are_moments_of_the_first_release() -> None:
    assert "0.1.0" in {path.name.partition("-")[0] for path in RELEASES}
    assert len(MOMENTS) > 20


@pytest.mark.parametrize(("path", "number"), MOMENTS)
def test_a_run_that_an_earlier_operator_began_is_completed_and_nothing_is_done_twice(path: Path, number: int) -> None:
    found = recorded(path)
    one = continued(found["stages"], found["moments"][number])
    one.settle()
    assert one.status.holds("Complete")
    assert one.store.tried == Counter(found["moments"][-1]["store"]["tried"])
    one.store.bucket["raw"].append("later")
    one.annotations["reelmill.dev/refresh"] = "again"
    one.settle()
    assert one.status.holds("Complete")
    worked = [name.partition("/")[0] for name in one.store.tried.elements() if name.endswith("/later")]
    assert sorted(worked) == sorted(stage["name"] for stage in found["stages"])
