"""The samples whose stages run models, in pods of the image that holds torch; what they make is what one machine makes.

The image is several GB, so `make test` leaves this out: `make test-models` runs it.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.nodes import Cluster
from cluster.pods import RESTRICTED
from grid.gallery import coco
from images import built
from lip_crops import lip_set
from nodes.cluster_s3 import ClusterS3
from nodes.place import Place
from nodes.release import Release
from nodes.same_outputs import Json, run_here, same, totals
from nodes.sample_pipelines import SAMPLES, fitted, pipelines
from torch_home import torch_home

pytestmark = [pytest.mark.nodes, pytest.mark.timeout(1800)]
NAMES = {"lips": "lips/pipeline.yaml", "coco-grids": "grid/pipeline.yaml"}
WEIGHTS = """
from pathlib import Path
from with_torch.embed.lip_desk import save_weights
from with_torch.grid.tiny_clip import full_weights
save_weights(Path("lrw_resnet18_mstcn_adamw_s3.pth.tar"))
Path("clip").mkdir()
full_weights(Path("clip/ViT-B-16-openai.pt"))
"""
"""Seeded, at the places below `s3://models/` that the samples name."""


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is in the buckets `models` and `raw`, as folders."""
    folder = tmp_path_factory.mktemp("inputs")
    (folder / "models").mkdir()
    path = os.pathsep.join([str(Path(__file__).parents[1]), str(torch_home())])
    subprocess.run(
        [sys.executable, "-c", WEIGHTS], cwd=folder / "models", env={**os.environ, "PYTHONPATH": path}, check=True
    )
    lip_set(folder / "raw/LRS2")
    coco(folder / "raw/coco/images", train2014=(9, 25, 30), val2014=(42, 73))
    return folder


@pytest.fixture(scope="module")
def applied(stocked: Cluster, s3: ClusterS3, release: Release, inputs: Path) -> Iterator[tuple[Place, dict[str, Json]]]:
    """Both samples at work, on the node with GPUs, which are none: what is chosen is the CPU."""
    stocked.nodes["reel-gpu"].load(built.archive("stages-embed"))
    repository, _, tag = built.reference("stages-embed").rpartition(":")
    release.install(stages={**release.values["stages"], "embedImage": {"repository": repository, "tag": tag}})
    for file in sorted(path for path in inputs.rglob("*") if path.is_file()):
        s3.put(f"s3://{file.relative_to(inputs).as_posix()}", file)
    s3.make_bucket("datasets")
    documents = {name: fitted(one, s3.endpoint) for name, path in NAMES.items() for one in pipelines(SAMPLES / path)}
    with stocked.client.namespace(labels=RESTRICTED) as namespace:
        place = Place(stocked, namespace, s3)
        for document in documents.values():
            document["spec"]["control"] = {"nodeSelector": {"kubernetes.io/hostname": "reel-gpu"}}
            place.apply(document)
        yield place, documents


@pytest.mark.parametrize("name", NAMES)
def test_a_model_in_pods_gives_the_bytes_of_a_run_on_one_machine(
    name: str, applied: tuple[Place, dict[str, Json]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, documents = applied
    document = documents[name]
    place.complete(name, 1200)
    store = place.s3.store(document["spec"]["store"]["uri"])
    (stage,) = document["spec"]["stages"]
    counts = totals(store, [stage["name"]])[stage["name"]]
    assert counts["done"] == counts["in"]
    monkeypatch.setenv("PYTHONPATH", str(torch_home()))
    same(store, run_here(document, place.s3, tmp_path, monkeypatch), document)
    nodes = {pod["spec"]["nodeName"] for pod in place.pods(name, stage["name"], "shards")}
    assert nodes == {"reel-gpu"}
