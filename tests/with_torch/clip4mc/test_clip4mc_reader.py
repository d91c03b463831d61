"""The reader of CLIP4MC samples: what the trainer's loader gives, from folders and buckets, in any worker."""

import json
import multiprocessing
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from reelmill.contract.errors import NotFound, SpecError
from reelmill.contract.task import Connection, StoreRef
from reelmill_stages.datasets.clip4mc import MEAN, STD, Clip4mcSamples
from reelmill_stages.stages.frames.pickles import FRAMES_TAIL, dump_arrays, frames_head
from reelmill_stages.store.open import open_store
from servers.processes import Server
from servers.s3_servers import make_bucket

pytestmark = pytest.mark.store
SHAPE = (32, 16, 24, 3)


def sample(folder: Path, number: int, frames: Any = None, size: Any = None) -> str:
    """A sample whose frame n is filled with n, 100 + n and 200 + n in the stored (BGR) order."""
    if frames is None:
        frames = np.empty(SHAPE, np.uint8)
        for channel, base in enumerate((0, 100, 200)):
            frames[..., channel] = base + np.arange(len(frames))[:, None, None]
    name = f"0001/sample_{number:06d}_abcdefghijk"
    (folder / name).mkdir(parents=True)
    (folder / name / "video_input.pkl").write_bytes(frames_head(frames.shape) + frames.tobytes() + FRAMES_TAIL)
    tokens = np.full(77, number, np.int64)
    (folder / name / "text_input.pkl").write_bytes(dump_arrays({"tokens": tokens}))
    (folder / name / "size.json").write_text(json.dumps([0.01 * number] * 16 if size is None else size))
    return name


def samples(folder: Path, count: int = 6) -> Path:
    names = [sample(folder, number) for number in range(count)]
    (folder / "dataset_info.json").write_text(json.dumps({"train": names, "val": names[:1], "test": names[:2]}))
    return folder


def test_a_sample_is_what_the_trainers_loader_makes_of_it(tmp_path: Path) -> None:
    found = Clip4mcSamples(str(samples(tmp_path)))[3]
    stored = np.asarray(pickle.loads((tmp_path / found.name / "video_input.pkl").read_bytes()))
    # The loader's own steps: channels first, every len/16-th frame, channels reversed, scaled, normalised.
    wanted = torch.from_numpy(stored.transpose(0, 3, 1, 2)[:: len(stored) // 16, ::-1].copy()).float() / 255
    wanted = (wanted - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)
    assert torch.equal(found.video, wanted)
    assert (found.video.shape, found.video.dtype) == ((16, 3, 16, 24), torch.float32)
    assert (found.tokens.tolist(), found.tokens.dtype) == ([3] * 77, torch.int64)
    assert torch.equal(found.size, torch.full((16,), 0.03))


def test_stored_bgr_comes_out_as_rgb(tmp_path: Path) -> None:
    found = Clip4mcSamples(str(samples(tmp_path, 1)))[0]
    red = found.video[1, 0, 0, 0] * STD[0] + MEAN[0]
    assert round(float(red) * 255) == 202


def test_splits_transform_and_lengths(tmp_path: Path) -> None:
    samples(tmp_path)
    assert [len(Clip4mcSamples(str(tmp_path), split)) for split in ("train", "val", "test")] == [6, 1, 2]
    seen = []

    def crop(video: torch.Tensor) -> torch.Tensor:
        seen.append((video.dtype, tuple(video.shape)))
        return video[..., :8, :8]

    assert Clip4mcSamples(str(tmp_path), transform=crop)[0].video.shape == (16, 3, 8, 8)
    assert seen == [(torch.uint8, (16, 3, 16, 24))]
    with pytest.raises(SpecError, match="no split"):
        Clip4mcSamples(str(tmp_path), "dev")


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_workers_share_a_shuffled_set_and_give_each_sample_once(method: str, tmp_path: Path) -> None:
    data = Clip4mcSamples(str(samples(tmp_path)))
    data[0]  # a reader that was used before its workers begin
    context = multiprocessing.get_context(method)
    loader = DataLoader(data, batch_size=2, shuffle=True, num_workers=2, multiprocessing_context=context)
    batches = list(loader)
    assert [batch.video.shape for batch in batches] == [(2, 16, 3, 16, 24)] * 3
    assert sorted(int(tokens[0]) for batch in batches for tokens in batch.tokens) == list(range(6))


def test_samples_are_read_from_a_bucket(seaweedfs_server: Server, tmp_path: Path, monkeypatch: Any) -> None:
    bucket = make_bucket(seaweedfs_server)
    for variable, value in seaweedfs_server.env.items():
        monkeypatch.setenv(variable, value)
    connection = Connection(endpoint=seaweedfs_server.endpoint)
    store = open_store(StoreRef(uri=f"s3://{bucket}/out", connection=connection), env=os.environ)
    for path in (path for path in samples(tmp_path).rglob("*") if path.is_file()):
        store.write(f"samples/0123456789/{path.relative_to(tmp_path)}", path)
    store.write("samples/latest.json", json.dumps({"key": "0123456789" + "f" * 54}).encode())
    there = Clip4mcSamples(f"s3://{bucket}/out/samples", endpoint=seaweedfs_server.endpoint)
    here = Clip4mcSamples(str(tmp_path))
    batches = list(DataLoader(there, batch_size=3, num_workers=2))
    assert torch.equal(torch.cat([batch.video for batch in batches]), torch.stack([one.video for one in here]))
    with pytest.raises(NotFound, match="dataset_info"):
        Clip4mcSamples(f"s3://{bucket}/nothing", endpoint=seaweedfs_server.endpoint)


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ({"frames": np.zeros((31, 4, 4, 3), np.uint8)}, r"frames \(31x4x4x3\)"),
        ({"size": [1, 2]}, "list of 16 floats"),
        ({"size": [0] * 16}, "list of 16 floats"),
    ],
)
def test_a_sample_that_breaks_a_rule_is_named(broken: dict[str, Any], said: str, tmp_path: Path) -> None:
    name = sample(tmp_path, 0, **broken)
    (tmp_path / "dataset_info.json").write_text(json.dumps({"train": [name]}))
    with pytest.raises(SpecError, match=said) as caught:
        Clip4mcSamples(str(tmp_path))[0]
    assert name in caught.value.where


def test_nothing_that_is_not_an_array_is_unpickled(tmp_path: Path) -> None:
    name = sample(tmp_path, 0)
    (tmp_path / name / "video_input.pkl").write_bytes(pickle.dumps(os.system))
    (tmp_path / "dataset_info.json").write_text(json.dumps({"train": [name]}))
    with pytest.raises(SpecError, match="not allowed in a pickle"):
        Clip4mcSamples(str(tmp_path))[0]
