"""One cluster for the session: the images on its nodes, S3 servers in pods, the operator installed by helm.

Nothing of it is undone between tests: each has a namespace and buckets of its own.
"""

import os
from collections.abc import Iterator

import pytest

from cluster.existing import Existing
from cluster.nodes import Cluster
from cluster.pods import RESTRICTED
from cluster.unavailable import Unavailable
from images import built
from nodes.cluster_s3 import MINIO, SEAWEEDFS, ClusterS3
from nodes.place import Place
from nodes.release import Release

collect_ignore_glob = [] if os.environ.get("REELMILL_MODELS") else ["test_models_on_nodes.py"]


@pytest.fixture(scope="session")
def stocked(cluster: Cluster | Existing) -> Cluster:
    """The cluster with the product's images on both nodes."""
    if isinstance(cluster, Existing):
        pytest.skip("a cluster of somebody else's has neither our images nor our S3 servers")
    try:
        for key in ("operator", "stages-cpu"):
            cluster.load(built.archive(key))
    except Unavailable as problem:
        required = "nodes" in os.environ.get("REELMILL_REQUIRE", "")
        (pytest.fail if required else pytest.skip)(str(problem))
    return cluster


@pytest.fixture(scope="session")
def s3(stocked: Cluster) -> ClusterS3:
    """MinIO, where the samples look for their server."""
    return _started(stocked, MINIO, "storage")


@pytest.fixture(scope="session", params=[MINIO, SEAWEEDFS])
def each_s3(request: pytest.FixtureRequest, stocked: Cluster) -> ClusterS3:
    """MinIO and SeaweedFS, in turn."""
    if request.param == MINIO:
        found: ClusterS3 = request.getfixturevalue("s3")
        return found
    return _started(stocked, request.param, f"storage-{request.param}")


@pytest.fixture(scope="session")
def release(stocked: Cluster) -> Release:
    """The operator, for the whole cluster."""
    return Release(stocked).install()


@pytest.fixture
def place(stocked: Cluster, s3: ClusterS3, release: Release) -> Iterator[Place]:
    """A fresh namespace for pipelines on MinIO."""
    release.ready()
    with stocked.client.namespace(labels=RESTRICTED) as namespace:
        yield Place(stocked, namespace, s3)


def _started(cluster: Cluster, kind: str, namespace: str) -> ClusterS3:
    try:
        return ClusterS3(cluster, kind, namespace).start()
    except Unavailable as problem:
        required = "nodes" in os.environ.get("REELMILL_REQUIRE", "")
        (pytest.fail if required else pytest.skip)(str(problem))
