"""Every sample manifest, applied with kubectl and run to its end on nodes; a new sample is taken up by itself."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import sample_inputs
from cluster.nodes import Cluster
from cluster.pods import RESTRICTED
from images import built
from images.derived import derive
from nodes.cluster_s3 import ClusterS3
from nodes.pipeline_inputs import demo
from nodes.place import Place
from nodes.release import Release
from nodes.same_outputs import totals
from nodes.sample_pipelines import SAMPLES, Json, blocks, buckets, fitted, paths, pipelines

pytestmark = [pytest.mark.nodes, pytest.mark.timeout(1200)]
ALL = [str(path.relative_to(SAMPLES)) for path in paths()]
TORCH = {"embed", "grid"}
"""Blocks whose models need torch and weights: gigabytes that these nodes do not get."""
SERVERS = {"caption", "transcribe"}
"""Blocks that ask a server with a model, which these nodes do not have."""
NAMES = [name for name in ALL if not (TORCH | SERVERS) & blocks(SAMPLES / name)]
DEMO = "demo/pipeline.yaml"


@pytest.fixture(scope="module")
def applied(
    stocked: Cluster, s3: ClusterS3, release: Release, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Place, dict[str, Json]]]:
    """All of them, at work side by side."""
    documents = {name: fitted(one, s3.endpoint) for name in NAMES for one in pipelines(SAMPLES / name)}
    for uri, data in (*_inputs(documents), *demo("s3://demo")):
        s3.put(uri, data)
    with stocked.client.namespace(labels=RESTRICTED) as namespace:
        place = Place(stocked, namespace, s3)
        for name, document in documents.items():
            if (dockerfile := (SAMPLES / name).with_name("Dockerfile")).exists():
                _load(stocked, dockerfile, document, tmp_path_factory.mktemp("image"))
            for bucket in buckets(document):
                s3.make_bucket(bucket)
            place.apply(document)
        yield place, documents


@pytest.mark.parametrize("path", NAMES)
def test_a_sample_is_applied_and_runs_to_its_end(path: str, applied: tuple[Place, dict[str, Json]]) -> None:
    place, documents = applied
    document = documents[path]
    name = document["metadata"]["name"]
    place.complete(name)
    stages = [stage["name"] for stage in document["spec"]["stages"]]
    for stage, counts in totals(place.s3.store(document["spec"]["store"]["uri"]), stages).items():
        assert counts["done"], f"{stage}: {counts}"
        # The demo has a broken video on purpose.
        assert not counts["failed"] or path == DEMO, f"{stage}: {counts}"


def test_no_sample_is_left_out_but_for_torch_and_servers() -> None:
    assert DEMO in NAMES
    assert all((TORCH | SERVERS) & blocks(SAMPLES / name) for name in set(ALL) - set(NAMES))


def _inputs(documents: dict[str, Json]) -> Iterator[tuple[str, bytes]]:
    """For the samples that read from the bucket `raw`, and for those that came from a folder and have a bucket now."""
    folders = {one["metadata"]["name"] for name, one in documents.items() if name != DEMO} & {
        bucket for one in documents.values() for bucket in buckets(one)
    }
    for key, data in sample_inputs.raw():
        yield from ((f"s3://{bucket}/{key}", data) for bucket in ("raw", *sorted(folders)))


def _load(cluster: Cluster, dockerfile: Path, document: Json, folder: Path) -> None:
    """Give the nodes the image that a sample's own Dockerfile makes, by the name that the sample calls it."""
    (image,) = {stage["run"]["image"] for stage in document["spec"]["stages"] if "run" in stage}
    cluster.load(derive(built.archive("stages-cpu"), dockerfile, image, folder / "image.tar"))
