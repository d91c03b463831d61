"""Which image a stage's pods run in: the resource's own word, else the one that holds what the stage needs."""

import pytest

from reelmill.plan.settings import PlannerSettings
from simulated_cluster import SimulatedCluster, pipeline
from symbolic_stages import SymbolicStore

SETTINGS = PlannerSettings(image="stages:1", embed_image="stages:1-embed")


@pytest.mark.parametrize(
    ("stage", "image"),
    [
        ("clip", "stages:1"),
        ("pack", "stages:1"),
        ("", "stages:1"),
        ("embed", "stages:1-embed"),
        ("grid", "stages:1-embed"),
    ],
)
def test_stages_that_run_a_model_get_the_image_that_holds_torch(stage: str, image: str) -> None:
    assert SETTINGS.image_of(stage) == image


def test_the_pods_of_an_embed_stage_run_in_that_image_in_every_step() -> None:
    stage = {"name": "embeddings", "embed": {"weights": {"uri": "s3://models/w.pth"}}}
    cluster = SimulatedCluster(pipeline([stage]), SymbolicStore(bucket={"raw": [f"v{n}" for n in range(8)]}))
    cluster.settle()
    images = {
        (job["metadata"]["labels"]["reelmill.dev/step"]): job["spec"]["template"]["spec"]["containers"][0]["image"]
        for job in cluster.jobs.values()
    }
    assert images == {
        "survey": "reelmill-stages",
        "open": "reelmill-stages:embed",
        "shards": "reelmill-stages:embed",
        "commit": "reelmill-stages:embed",
    }
