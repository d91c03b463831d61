"""From raw videos in a bucket to a model that trains: the sample pipeline, and the page as it stands."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader

import multiview_set as driver
import sample_inputs
from cli.terminal import reelmill
from footage import frame_number
from reelmill.contract.task import Connection, StoreRef
from reelmill_stages.datasets.chunks import ChunkSamples
from reelmill_stages.store.open import open_store
from servers.processes import Server
from servers.s3_servers import make_bucket

pytestmark = pytest.mark.store
ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs/systems/chunking.md"


def test_the_sample_leads_from_a_bucket_of_videos_to_a_model_that_trains(
    seaweedfs_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = make_bucket(seaweedfs_server)
    endpoint = seaweedfs_server.endpoint
    store = open_store(
        StoreRef(uri=f"s3://{bucket}/raw", connection=Connection(endpoint=endpoint)), env=seaweedfs_server.env
    )
    for key, data in sample_inputs.raw():
        if key.startswith("drive/"):
            store.write(key, data)
    for variable, value in seaweedfs_server.env.items():
        monkeypatch.setenv(variable, value)
    text = (ROOT / "manifests/samples/chunks.yaml").read_text().replace("maxFrames: 1000", "maxFrames: 20")
    path = tmp_path / "chunks.yaml"
    path.write_text(re.sub(r"s3://(raw|datasets)", rf"s3://{bucket}/\1", text))
    said = reelmill("run", path, "--endpoint", endpoint, "-o", "json")
    assert said.code == 0, said.err
    where = f"s3://{bucket}/datasets/driving/chunks"
    exact = ChunkSamples(where, endpoint=endpoint, size=None, scale=False, load_kpt=False, views=["left"])
    clip = exact[1]["video"]["left"][0]
    assert [frame_number(frame.permute(1, 2, 0).numpy()) for frame in clip.transpose(0, 1)][0::7] == [30, 39]
    data = ChunkSamples(where, endpoint=endpoint, size=(16, 24))
    assert len(data) == 6
    loader = DataLoader(data, batch_size=None, shuffle=True, num_workers=2)
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 8 * 16 * 24, 9))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0001)
    epochs = []
    for _ in range(4):
        losses = []
        for sample in loader:
            loss = torch.nn.functional.cross_entropy(model(sample["video"]["front"]), sample["label"])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        epochs.append(sum(losses))
    assert len(losses) == 6
    assert epochs[-1] < epochs[0]


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)


def test_002_f11_and_f14_the_page_leads_from_raw_videos_to_a_model_that_trains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    driver.put_all(tmp_path)
    driver.put_index(tmp_path, [("01", "night_high")], [("01", "day_low")])
    (pipeline,) = blocks("yaml")
    assert "maxFrames: 1000" in pipeline
    Path("driving.yaml").write_text(pipeline.replace("maxFrames: 1000", "maxFrames: 20"))
    (commands,) = blocks("sh")
    for line in commands.splitlines():
        _, *arguments = shlex.split(line, comments=True)
        said = reelmill(*arguments)
        assert said.code == 0, (line, said.err, said.out)
    index = json.loads(Path("out/chunks/chunk_index.json").read_text())
    assert (index["videos"], index["chunks"]) == (2, 6)
    (training,) = blocks("python")
    torch.manual_seed(0)
    space: dict[str, Any] = {}
    exec(training, space)
    assert len(space["losses"]) == 4
    assert space["losses"][-1] < space["losses"][0]
    assert space["correct"] <= space["seen"]
