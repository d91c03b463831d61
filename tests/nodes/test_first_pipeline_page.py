"""The page about a first pipeline: its commands as they stand, on a cluster that has the images and the operator.

What needs docker, a registry or another client of S3 is done by the tests' own means: kind's cluster, the images, the
server's pod and the copying of videos.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from cluster.kubectl import find
from cluster.nodes import Cluster
from nodes.cluster_s3 import ENV, SEAWEEDFS, ClusterS3
from nodes.pipeline_inputs import film
from nodes.release import Release
from repo.pages import blocks
from servers.processes import free_ports

pytestmark = [pytest.mark.nodes, pytest.mark.timeout(900)]
PAGE = "docs/first-pipeline-on-kind.md"
NAMESPACE = "video"


@pytest.fixture
def s3(stocked: Cluster, release: Release) -> Iterator[ClusterS3]:
    """A server where the page has one, with videos in it."""
    release.ready()
    server = ClusterS3(stocked, SEAWEEDFS, NAMESPACE).start()
    for number in range(2):
        server.put(f"s3://raw/videos/film{number}.mp4", film())
    server.make_bucket("out")
    yield server
    stocked.client.delete("v1/Namespace", NAMESPACE)


class Desk:
    """A shell with the page's programs on its PATH; what is exported stays."""

    def __init__(self, folder: Path, config: Path) -> None:
        self.folder = folder
        # The context is changed on the way: in a kubeconfig of one's own.
        mine = folder / "kubeconfig"
        mine.write_text(config.read_text())
        path = [str(Path(sys.executable).parent), str(find().parent), os.environ["PATH"]]
        self.environment = {**os.environ, "KUBECONFIG": str(mine), "PATH": os.pathsep.join(path)}
        (self.port,) = free_ports(1)

    def run(self, command: str) -> str:
        """What it prints, both streams together. The page's port on this machine may be taken: another is."""
        command = command.replace("localhost:9000", f"localhost:{self.port}")
        done = subprocess.run(
            ["bash", "-euc", command],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert done.returncode == 0, f"{command}: {done.stdout}"
        return done.stdout


def test_the_commands_of_the_page_lead_from_a_bucket_to_training_data(
    stocked: Cluster, s3: ClusterS3, tmp_path: Path
) -> None:
    desk = Desk(tmp_path, stocked.kubeconfig)
    (operator,) = blocks(PAGE, "sh", "Install the operator")
    # Other tests share the cluster, and pipelines that they leave may be on their way out.
    before = stocked.client.list("VideoPipeline")
    table = desk.run(f"{operator.splitlines()[1]} 2>&1")
    if before:
        for left in stocked.client.list("VideoPipeline"):
            place = left["metadata"]
            assert re.search(rf"^{place['namespace']} +{place['name']} ", table, re.MULTILINE)
    else:
        assert "no pipelines found" in table

    server, keys, videos = blocks(PAGE, "sh", "Create a bucket")
    forwarding = server.splitlines()[-1].replace(" 9000 &", f" {desk.port}:9000")
    assert forwarding.startswith(f"kubectl -n {NAMESPACE} port-forward service/s3 ")
    export, secret = keys.split("\n", 1)
    assert export.startswith("export AWS_ACCESS_KEY_ID=")
    desk.environment |= ENV
    desk.run(secret)
    assert "s3://raw/videos" in videos

    with subprocess.Popen(["bash", "-c", f"exec {forwarding}"], env=desk.environment, stdout=subprocess.PIPE) as tunnel:
        try:
            assert tunnel.stdout
            assert tunnel.stdout.readline().startswith(b"Forwarding from")
            (pipeline,) = blocks(PAGE, "yaml", "Submit a pipeline")
            (tmp_path / "pipeline.yaml").write_text(pipeline)
            (submit,) = blocks(PAGE, "sh", "Submit a pipeline")
            assert desk.run(submit).splitlines()[-1].endswith("first: complete")
            assert "It has been complete" in desk.run("kubectl reelmill why first")

            (look,) = blocks(PAGE, "sh", "Read the results")
            (leave,) = blocks(PAGE, "sh", "Clean up")
            said = desk.run(look)
            assert "clips" in said
            assert "pictures" in said
            before = len(list((tmp_path / "out").rglob("*.jpg")))
            assert before == 2 * 2 * 4  # two films of 3 s give a clip of 2 s and one of 1 s each, four frames a clip

            s3.put("s3://raw/videos/film9.mp4", film())
            desk.run("kubectl reelmill refresh first -w")
            desk.run(look.splitlines()[1].replace(" out ", " more "))
            assert len(list((tmp_path / "more").rglob("*.jpg"))) == before + 2 * 4
            desk.run(leave.splitlines()[0])
        finally:
            tunnel.terminate()
    assert yaml.safe_load(pipeline)["spec"]["store"]["endpoint"] == s3.endpoint
