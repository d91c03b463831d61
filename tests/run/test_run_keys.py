"""Where the pods of a stage of one's own run, and what of it is in its key."""

from typing import Any

import pytest

from reelmill.contract.spec.pipeline import Spec
from reelmill.plan.definition.graph import resolve
from reelmill.plan.definition.keys import keys
from simulated_cluster import SimulatedCluster, pipeline
from symbolic_stages import SymbolicStore

DIGEST = f"sha256:{'a' * 64}"
RUN = {"image": f"registry.example/facts:1@{DIGEST}", "entrypoint": "facts:Facts", "params": {"minWidth": 64}}


def key(**run: Any) -> str:
    spec = Spec.model_validate(
        {
            "store": {"uri": "s3://out"},
            "sources": [{"name": "raw", "files": {"uri": "s3://in/"}}],
            "stages": [{"name": "facts", "run": {**RUN, **run}}],
        }
    )
    return keys(spec, resolve(spec))["facts"]


@pytest.mark.parametrize(
    "edit",
    [{"image": f"registry.example/facts@sha256:{'b' * 64}"}, {"entrypoint": "facts:Other"}, {"params": {}}],
    ids=lambda edit: next(iter(edit)),
)
def test_image_digest_class_and_parameters_are_in_the_key(edit: dict[str, Any]) -> None:
    assert key(**edit) != key()


def test_an_image_with_a_digest_is_identified_by_it_alone() -> None:
    assert key(image=f"mirror.example/copies/facts@{DIGEST}") == key()
    assert key(image="facts:1") != key(image="facts:2")


@pytest.mark.parametrize(("shards", "steps"), [(1, {"whole"}), (2, {"open", "shards", "commit"})])
def test_all_steps_of_the_stage_run_in_its_image_and_no_others_do(shards: int, steps: set[str]) -> None:
    stages: list[dict[str, Any]] = [
        {"name": "facts", "run": RUN, "image": "registry.example/other:1", "shards": shards},
        {"name": "clips", "clip": {"by": "length"}, "shards": shards},
    ]
    cluster = SimulatedCluster(pipeline(stages), SymbolicStore(bucket={"raw": ["a", "b"]}))
    cluster.store.closes = False
    cluster.settle()
    images: dict[tuple[str, str], str] = {}
    for job in cluster.jobs.values():
        labels = job["metadata"]["labels"]
        (container,) = job["spec"]["template"]["spec"]["containers"]
        images[labels.get("reelmill.dev/stage", ""), labels["reelmill.dev/step"]] = container["image"]
    own = {step for (stage, step), image in images.items() if stage == "facts" and image == RUN["image"]}
    assert own == steps
    assert not [step for (stage, step), image in images.items() if stage != "facts" and image == RUN["image"]]
