"""Every sample pipeline runs to its end on a real S3 server, on small inputs of the kind that it is for."""

import json
import re
from pathlib import Path

import pytest

import sample_inputs
from cli.terminal import reelmill
from reelmill.contract.task import Connection, StoreRef
from reelmill_stages.store.open import open_store
from servers.processes import Server
from servers.s3_servers import make_bucket

pytestmark = pytest.mark.store
SAMPLES = Path(__file__).resolve().parents[2] / "manifests/samples"
ITEMS = {
    "clip4mc.yaml": {"clips": 2, "samples": 2},
    "webdataset.yaml": {"shards": 1, "listing": 1},
    "scenes.yaml": {},
    "measures.yaml": {"tars": 1},
    "dedup.yaml": {},
    "select.yaml": {},
    "chunks.yaml": {"chunks": 2},
    "normalise.yaml": {"shaped": 1, "clips": 2},
    "write.yaml": {"clips": 2, "train": 1},
}


@pytest.fixture(scope="module")
def bucket(seaweedfs_server: Server) -> str:
    """A bucket with what the samples read below raw/."""
    name = make_bucket(seaweedfs_server)
    connection = Connection(endpoint=seaweedfs_server.endpoint)
    store = open_store(StoreRef(uri=f"s3://{name}/raw", connection=connection), env=seaweedfs_server.env)
    for key, data in sample_inputs.raw():
        store.write(key, data)
    return name


@pytest.mark.parametrize("name", sorted(path.name for path in SAMPLES.glob("*.yaml")))
def test_a_sample_runs_to_its_end(
    name: str, bucket: str, seaweedfs_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, value in seaweedfs_server.env.items():
        monkeypatch.setenv(variable, value)
        monkeypatch.setenv(f"RAW_{variable}", value)
    text = re.sub(r"s3://(raw|datasets)", rf"s3://{bucket}/\1", (SAMPLES / name).read_text())
    path = tmp_path / name
    path.write_text(re.sub(r"endpoint: \S+", f"endpoint: {seaweedfs_server.endpoint}", text))
    said = reelmill("run", path, "--endpoint", seaweedfs_server.endpoint, "-o", "json")
    assert said.code == 0, said.err
    stages = {stage["name"]: stage for stage in json.loads(said.out)["stages"]}
    assert all(stage["items"] and not stage["totals"]["failed"] for stage in stages.values()), stages
    assert {stage: stages[stage]["items"] for stage in ITEMS[name]} == ITEMS[name]
    last = list(stages)[-1]
    made = reelmill("export", path, last, tmp_path / "out", "--endpoint", seaweedfs_server.endpoint, "-o", "json")
    assert json.loads(made.out)["mode"] == "download"
    for stage in stages:
        judged = reelmill("check", path, "--stage", stage, "--endpoint", seaweedfs_server.endpoint)
        assert judged.code == 0, judged.out + judged.err
    assert reelmill("plan", path, "--endpoint", seaweedfs_server.endpoint, "-o", "json").out.count('"cached"') == len(
        stages
    )


def test_a_missing_bucket_wrong_keys_and_a_missing_endpoint_are_reported_before_any_work(
    bucket: str, seaweedfs_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "videos").mkdir()
    text = reelmill("init", "-").out.replace("./videos", str(tmp_path / "videos"))
    path = tmp_path / "pipeline.yaml"
    path.write_text(text)
    for variable, value in seaweedfs_server.env.items():
        monkeypatch.setenv(variable, value)
    endpoint = seaweedfs_server.endpoint
    missing = reelmill("run", path, "--store", "s3://there-is-none/x", "--endpoint", endpoint)
    assert (missing.code, "there-is-none" in missing.err) == (2, True)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    wrong = reelmill("run", path, "--store", f"s3://{bucket}/x", "--endpoint", endpoint)
    assert (wrong.code, bucket in wrong.err) == (2, True)
    assert "Traceback" not in missing.err + wrong.err
