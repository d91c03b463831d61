"""Which image a stage's pods run in: the resource's own word, else the one that holds what the stage needs."""

import pytest

from reelmill.contract.spec.block import StageBlock
from reelmill.contract.spec.file import FileRef
from reelmill.contract.spec.stages.clip import ClipBlock
from reelmill.contract.spec.stages.embed import EmbedBlock
from reelmill.contract.spec.stages.grid import GridBlock
from reelmill.contract.spec.stages.pack import PackBlock
from reelmill.plan.settings import PlannerSettings
from simulated_cluster import SimulatedCluster, pipeline
from symbolic_stages import SymbolicStore

SETTINGS = PlannerSettings(image="stages:1", embed_image="stages:1-embed")
WEIGHTS = FileRef(uri="s3://models/w.pth")


@pytest.mark.parametrize(
    ("block", "image"),
    [
        (ClipBlock(), "stages:1"),
        (PackBlock(), "stages:1"),
        (None, "stages:1"),
        (EmbedBlock(weights=WEIGHTS), "stages:1-embed"),
        (GridBlock(weights=WEIGHTS), "stages:1-embed"),
    ],
)
def test_stages_that_run_a_model_get_the_image_that_holds_torch(block: StageBlock | None, image: str) -> None:
    assert SETTINGS.image_of(block) == image


def test_the_pods_of_an_embed_stage_run_in_that_image_in_every_step() -> None:
    stage = {"name": "embeddings", "embed": {"weights": {"uri": "s3://models/w.pth"}}}
    cluster = SimulatedCluster(pipeline([stage]), SymbolicStore(bucket={"raw": [f"v{n}" for n in range(8)]}))
    cluster.store.closes = False
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
