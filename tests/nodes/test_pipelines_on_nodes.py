"""From a bucket to training data on real pods, with each S3 server: what `reelmill run` makes of the same file."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.nodes import Cluster
from cluster.pods import RESTRICTED
from nodes import pipeline_inputs
from nodes.cluster_s3 import ClusterS3
from nodes.place import Place
from nodes.release import Release
from nodes.same_outputs import Json, run_here, same
from nodes.sample_pipelines import on_cpu, sample

pytestmark = [pytest.mark.nodes, pytest.mark.timeout(1200)]
INPUTS = {"demo": pipeline_inputs.demo, "clip4mc-train": pipeline_inputs.clip4mc}
GPU = {"count": 1, "products": ["NVIDIA-A100-SXM4-80GB", "NVIDIA-L4"]}


@pytest.fixture(scope="module")
def applied(stocked: Cluster, each_s3: ClusterS3, release: Release) -> Iterator[tuple[Place, dict[str, Json]]]:
    """The demo and a clip4mc pipeline, at work side by side; `clips` without and `samples` with a GPU."""
    bucket = each_s3.make_bucket()
    documents = {}
    with stocked.client.namespace(labels=RESTRICTED) as namespace:
        place = Place(stocked, namespace, each_s3)
        for name, path in {"demo": "demo/pipeline.yaml", "clip4mc-train": "clip4mc.yaml"}.items():
            document = sample(path, each_s3.endpoint, bucket)
            stages = {stage["name"]: stage for stage in document["spec"]["stages"]}
            on_cpu(stages["clips"])
            stages["samples"]["gpu"] = GPU
            for uri, data in INPUTS[name](f"s3://{bucket}/{name}/in"):
                each_s3.put(uri, data)
            place.apply(document)
            documents[name] = document
        yield place, documents


@pytest.mark.parametrize("name", ["demo", "clip4mc-train"])
def test_a_pipeline_on_two_nodes_gives_the_bytes_and_the_ledger_of_a_run_on_one_machine(
    name: str, applied: tuple[Place, dict[str, Json]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, documents = applied
    document = documents[name]
    here = run_here(document, place.s3, tmp_path, monkeypatch)
    place.complete(name)
    same(place.s3.store(document["spec"]["store"]["uri"]), here, document)
    nodes = {
        stage: {pod["spec"]["nodeName"] for pod in place.pods(name, stage, "shards")} for stage in ("clips", "samples")
    }
    assert nodes == {"clips": {"reel-cpu"}, "samples": {"reel-gpu"}}
    for pod in place.pods(name, "samples", "shards"):
        assert pod["spec"]["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == "1"
    steps = [job["metadata"]["name"] for job in place.jobs(name)]
    assert len(steps) == len(set(steps)) <= 1 + 3 * len(document["spec"]["stages"])
    assert place.tries(name) == {1}


def test_a_pipeline_applied_again_finds_its_work_in_the_bucket(applied: tuple[Place, dict[str, Json]]) -> None:
    place, documents = applied
    place.complete("demo")
    before = place.jobs("demo")
    place.kubectl("delete", "videopipeline", "demo", "--wait")
    place.apply(documents["demo"])
    place.complete("demo")
    assert {stage["state"] for stage in place.get("demo")["status"]["stages"]} == {"cached"}
    uids = {job["metadata"]["uid"] for job in before}
    place.cluster.client.wait(
        lambda: not uids & {job["metadata"]["uid"] for job in place.jobs("demo")}, 120, "the old Jobs to go"
    )
