"""Numbers of stages in the operator's metrics: those of the statuses, with bounded labels."""

from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from reelmill.contract.records.usage import Usage, WorkSeconds
from reelmill.controller.monitoring.metrics import Metrics
from reelmill.controller.monitoring.stage_metrics import OUTCOMES, STATES, TYPES
from reelmill.controller.state.cache import Cache
from reelmill.controller.state.queue import WorkQueue
from reelmill.plan.status.serialise import as_json
from simulated_cluster import SimulatedCluster, pipeline
from symbolic_stages import SymbolicStore

STAGES = [
    {"name": "clips", "clip": {"by": "length"}, "failures": {"tolerate": "50%"}},
    {"name": "samples", "frames": {}},
]


def resource(name: str, keys: list[str], failing: str = "", usage: Usage | None = None) -> dict[str, Any]:
    store = SymbolicStore(bucket={"raw": keys}, usage=usage)
    if failing:
        store.failing["clips", f"raw/{failing}"] = ["no_video"] * 9
    cluster = SimulatedCluster(pipeline(STAGES), store)
    cluster.settle()
    metadata = {"name": name, "namespace": "team", "uid": name, "resourceVersion": "1"}
    return {"metadata": metadata, "spec": {}, "status": as_json(cluster.status)}


def samples(*resources: dict[str, Any]) -> dict[tuple[str, ...], float]:
    """Name and values of labels, the last label of the alphabet first -> value, of the metrics about stages."""
    metrics, cache = Metrics(), Cache()
    for one in resources:
        cache.pipelines.insert(one)
    text = metrics.text(cache, WorkQueue(clock=float, chance=float)).decode()
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items(), reverse=True))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if family.name.startswith("reelmill_stage")
    }


def test_the_stages_of_all_pipelines_are_added_up() -> None:
    found = samples(resource("a", ["v1", "v2", "v3"]), resource("b", ["v1", "v2"], failing="v1"))
    assert found["reelmill_stage_items", "clip", "done"] == 4
    assert found["reelmill_stage_items", "clip", "failed"] == 1
    assert found["reelmill_stage_items", "frames", "done"] == 4
    assert found["reelmill_stages", "clip", "done"] == 2


def test_what_stages_used_is_added_up_by_namespace_and_type() -> None:
    usage = Usage(
        cpu_seconds=7.5,
        gpu_seconds=4.0,
        gpu_decoder_seconds=1.5,
        pod_seconds=10.0,
        bytes_read=1000,
        work=WorkSeconds(decode=4.0, store=1.0),
        lost_runs=1,
    )
    found = samples(resource("a", ["v1"], usage=usage), resource("b", ["v1"], usage=usage), resource("c", ["v1"]))
    assert found["reelmill_stage_cpu_seconds", "clip", "team"] == 15
    assert found["reelmill_stage_gpu_seconds", "clip", "team"] == 8
    assert found["reelmill_stage_gpu_decoder_seconds", "clip", "team"] == 3
    assert found["reelmill_stage_pod_seconds", "frames", "team"] == 20
    assert found["reelmill_stage_worker_seconds", "clip", "team", "decode"] == 8
    assert found["reelmill_stage_worker_seconds", "clip", "team", "waiting"] == 0
    assert found["reelmill_stage_store_bytes", "clip", "team", "read"] == 2000
    assert found["reelmill_stage_lost_runs", "clip", "team"] == 2


def test_what_nobody_has_counted_is_absent_and_not_0() -> None:
    found = samples(resource("a", ["v1"], usage=Usage(cpu_seconds=7.5)), resource("b", ["v1"]))
    assert ("reelmill_stage_cpu_seconds", "clip", "team") in found
    assert not [name for name, *_ in found if name in ("reelmill_stage_gpu_seconds", "reelmill_stage_worker_seconds")]


def test_without_pipelines_there_is_nothing_and_no_error() -> None:
    assert samples() == {}
    assert samples({"metadata": {"name": "a", "namespace": "n", "uid": "u", "resourceVersion": "1"}, "spec": {}}) == {}


def test_labels_are_bounded_whatever_a_status_says() -> None:
    strange = {"type": "x" * 300, "state": "y"}
    stages = [strange, {"type": "clip", "state": "z", "totals": {"done": 3, "other": 4}}]
    metadata = {"name": "a", "namespace": "n", "uid": "u", "resourceVersion": "1"}
    found = samples({"metadata": metadata, "spec": {}, "status": {"stages": stages}})
    assert {labels[1] for labels in found} <= TYPES
    assert {labels[2] for labels in found} <= {*OUTCOMES, *STATES, "given", "made"}
    assert found["reelmill_stage_items", "clip", "done"] == 3
