"""A pipeline with its store in Azure or Google Cloud: runs, growth, verification, versions, lineage and removal."""

import json
import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
import yaml

import footage
from reelmill.contract.task import Connection, StoreRef
from reelmill_stages.store.open import open_store
from servers.azurite import Azurite
from servers.gcs import GcsServer

pytestmark = pytest.mark.store

PIPELINE = """\
apiVersion: reelmill.dev/v1alpha1
kind: VideoPipeline
metadata: {{name: small}}
spec:
  store: {{uri: {prefix}/data, endpoint: "{endpoint}"}}
  sources: [{{name: raw, files: {{uri: {prefix}/videos}}}}]
  stages:
  - {{name: clips, clip: {{by: length, length: 1s, preset: ultrafast}}}}
  - {{name: packs, pack: {{samplesPerTar: 2}}}}
"""


@pytest.fixture(params=["azurite", "gcs"])
def folder(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A pipeline over two videos in the store's account."""
    server: Azurite | GcsServer = request.getfixturevalue(f"{request.param}_server")
    root = f"az://{server.container}" if isinstance(server, Azurite) else f"gs://{server.bucket}"
    prefix = f"{root}/{uuid.uuid4().hex}"
    video = footage.video(seconds=2.0, size=(64, 48), audio=False, codec="libx264", options=("-preset", "ultrafast"))
    text = PIPELINE.format(prefix=prefix, endpoint=server.endpoint)
    (tmp_path / "pipeline.yaml").write_text(text)
    (tmp_path / "env.json").write_text(json.dumps(server.env))
    for name in ("a.mp4", "b.mp4"):
        add(tmp_path, video, name)
    return tmp_path


def add(folder: Path, video: Path, name: str) -> None:
    """A video of the source."""
    source = yaml.safe_load((folder / "pipeline.yaml").read_text())["spec"]
    ref = StoreRef(
        uri=source["sources"][0]["files"]["uri"], connection=Connection(endpoint=source["store"]["endpoint"])
    )
    open_store(ref, env=json.loads((folder / "env.json").read_text())).write(name, video)


def objects(folder: Path) -> dict[str, bytes]:
    """All objects of the pipeline's store."""
    ref = yaml.safe_load((folder / "pipeline.yaml").read_text())["spec"]["store"]
    store = open_store(
        StoreRef(uri=ref["uri"], connection=Connection(endpoint=ref["endpoint"])),
        env=json.loads((folder / "env.json").read_text()),
    )
    return {stat.key: store.read(stat.key) for stat in store.list()}


def reelmill(folder: Path, *arguments: str, code: int = 0) -> str:
    environment = {**os.environ, **json.loads((folder / "env.json").read_text())}
    command = [sys.executable, "-m", "reelmill.cli", *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    return done.stdout


def test_018_f07_a_pipeline_lives_in_a_bucket_of_a_cloud(folder: Path) -> None:
    reelmill(folder, "run", "pipeline.yaml", "-q")
    assert '"done": 4' in reelmill(folder, "status", "pipeline.yaml", "-o", "json")
    reelmill(folder, "freeze", "pipeline.yaml", "v1")
    add(folder, footage.video(seconds=1.0, size=(64, 48), audio=False, codec="libx264"), "c.mp4")
    reelmill(folder, "run", "pipeline.yaml", "-q")
    assert '"done": 5' in reelmill(folder, "status", "pipeline.yaml", "-o", "json")
    reelmill(folder, "check", "pipeline.yaml", "--deep", "--read-all")
    reelmill(folder, "export", "pipeline.yaml", "packs", "out")
    assert len(list((folder / "out").rglob("*.tar"))) == 3
    assert json.loads(reelmill(folder, "prune", "pipeline.yaml", "-o", "json")) == []
    added = json.loads(reelmill(folder, "diff", "pipeline.yaml", "-s", "clips", "--from", "@v1", "-r", "-o", "json"))
    assert {row["key"][:5] for row in added} == {"c.mp4"}
    edited = (folder / "pipeline.yaml").read_text().replace("length: 1s", "length: 2s")
    (folder / "pipeline.yaml").write_text(edited)
    reelmill(folder, "run", "pipeline.yaml", "-q")
    reelmill(folder, "freeze", "pipeline.yaml", "v1", "--delete")
    pruned = json.loads(reelmill(folder, "prune", "pipeline.yaml", "--trash", "-o", "json"))
    assert {row["name"] for row in pruned} == {"clips", "packs"}


def test_a_sample_of_a_cloud_is_traced_and_made_again_and_a_forgotten_one_leaves_nothing(folder: Path) -> None:
    reelmill(folder, "run", "pipeline.yaml", "-q")
    traced = json.loads(reelmill(folder, "trace", "pipeline.yaml", "b.mp4@0.000-1.000", "-s", "clips", "-o", "json"))
    assert [(row["way"], row["item"]) for row in traced[:2]] == [("origin", "b.mp4"), ("item", "b.mp4@0.000-1.000")]
    assert {row["stage"] for row in traced} == {"raw", "clips", "packs"}
    (clip,) = traced[1]["files"]
    for stage in ("clips", "packs"):
        reelmill(folder, "card", "pipeline.yaml", stage, f"cards/{stage}")
    made = objects(folder)
    assert any("a.mp4" in key or b"a.mp4" in content for key, content in made.items())

    reelmill(folder, "forget", "pipeline.yaml", "a.mp4", "--yes")
    left = objects(folder)
    assert not [key for key, content in left.items() if "a.mp4" in key or b"a.mp4" in content]
    reelmill(folder, "run", "pipeline.yaml", "-q")
    reelmill(folder, "check", "pipeline.yaml", "--forgotten")
    reelmill(folder, "check", "pipeline.yaml", "--deep", "--read-all")
    assert '"done": 2' in reelmill(folder, "status", "pipeline.yaml", "-o", "json")

    (folder / "pipeline.yaml").unlink()
    reelmill(folder, "rebuild", "cards/clips", "--sample", "b.mp4@0.000-1.000", "--to", "again")
    (again,) = (path.read_bytes() for path in (folder / "again").rglob("*.mp4"))
    assert again == made[clip["key"]]
