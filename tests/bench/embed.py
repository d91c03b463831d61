"""Benchmark of embedding on a CPU, against the bare models: the lip front end, a CLIP image tower, and feeding.

Weights are seeded noise, because the time does not depend on them. torch is that of the tests unless installed.
"""

import json
import sys
import tempfile
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from bench.row import Row, begin, emit
from bench.timing import Times, in_turns, one_core
from reelmill.contract.records.rows import Item, Media
from reelmill.contract.spec.stages.embed import EmbedBlock
from reelmill_stages.models.device import Device
from reelmill_stages.models.preparation import Preparation
from reelmill_stages.stage import Done, Input
from reelmill_stages.stages.embed.stage import EmbedStage, write_embedding
from torch_home import torch_home
from worker_desk import Desk

CLIPS, FRAMES = 4, 50
TOWER = {"image_size": 224, "layers": 4, "width": 768, "patch_size": 32}
"""A ViT-B-32 of four layers: a clip in seconds, not minutes."""
CPU = Device("cpu")


def crops(folder: Path) -> list[Input]:
    """Clips of 50 mouth crops."""
    found = []
    for number in range(CLIPS):
        path = folder / f"{number}.npz"
        data = np.random.default_rng(number).integers(0, 256, (FRAMES, 96, 96), dtype=np.uint8)
        np.savez_compressed(path, data=data)
        found.append(Input(Item(path.name, number, path.name, 2.0, Media(str(path), path.stat().st_size)), number))
    return found


def read(uri: str, digest: str = "") -> Path:
    return Path(uri)


def feed(block: EmbedBlock, inputs: list[Input], features: list[np.ndarray[Any, Any]]) -> None:
    """Run the stage without the model: decode, prepare, pass on, write."""
    with tempfile.TemporaryDirectory() as temporary:
        stage = EmbedStage(block)
        for one, found in zip(inputs, features, strict=True):
            folder = Path(temporary) / str(one.number)
            folder.mkdir()
            (result,) = stage.process([one], Desk(folder))
            assert isinstance(result, Done), result
            np.array(np.load(result.payload[0].path, mmap_mode="r"))
            write_embedding(folder / "embedding.npz", found)


def model_of(block: EmbedBlock) -> Any:
    from reelmill_stages.stages.embed.family import family

    return family(block).model(read, CPU, precision="float32")


def naive_lips(weights: Path) -> Any:
    """The authors' own modules, one clip at a time."""
    import torch

    from with_torch.embed.lip_reference import reference

    model = reference()
    torch.save(model.state_dict(), weights)

    def run(clips: list[np.ndarray[Any, Any]]) -> None:
        with torch.no_grad():
            for clip in clips:
                model(torch.from_numpy(clip)[None, None])

    return run


def bare_clip(config: Path, weights: Path) -> Any:
    """The image tower alone, on prepared pixels."""
    import torch
    from open_clip.model import _build_vision_tower

    torch.manual_seed(0)
    tower = _build_vision_tower(512, dict(TOWER)).eval()
    config.write_text(json.dumps({"embed_dim": 512, "vision_cfg": TOWER}))
    torch.save({f"visual.{name}": value for name, value in tower.state_dict().items()}, weights)

    def run(clips: list[np.ndarray[Any, Any]]) -> None:
        with torch.inference_mode():
            for clip in clips:
                tower(torch.from_numpy(clip))

    return run


def row(bench: str, case: str, against: str, target: float, times: Times) -> None:
    ours, peer = times.medians
    emit(Row(bench, case, against, ours, peer, "s", times.ratio, times.cpu_ratio, target, rounds=times.rounds))


def feeding(case: str, times: Times) -> None:
    """The share of a clip's time that is not spent in the model."""
    ours, peer = times.medians
    share = 1 / (1 + times.ratio)
    emit(
        Row(
            "embed, feeding",
            case,
            "the model on the same clips",
            ours,
            peer,
            "s",
            share,
            None,
            0.05,
            True,
            times.rounds,
        )
    )


def main(rounds: int) -> None:
    if find_spec("torch") is None:
        sys.path.append(str(torch_home()))
    import torch

    one_core()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        naive = naive_lips(folder / "lips.pth")
        block = EmbedBlock.model_validate({"weights": {"uri": str(folder / "lips.pth")}, "device": "cpu"})
        inputs, model = crops(folder), model_of(block)
        clips = [np.random.default_rng(n).normal(size=(FRAMES, 88, 88)).astype(np.float32) for n in range(CLIPS)]
        times = in_turns(partial(model, clips), partial(naive, clips), rounds)
        row("embed, lips", f"{CLIPS} clips of {FRAMES} frames", "the authors' modules, clip by clip", 1.15, times)
        feeding("lips", in_turns(partial(feed, block, inputs, model(clips)), partial(model, clips), rounds))
        bare = bare_clip(folder / "config.json", folder / "clip.pth")
        asked = {"model": "ViT-B-32", "weights": {"uri": str(folder / "clip.pth")}, "device": "cpu"}
        block = EmbedBlock.model_validate({**asked, "config": {"uri": str(folder / "config.json")}})
        pixels = [np.random.default_rng(n).integers(0, 256, (8, 224, 224, 3), dtype=np.uint8) for n in range(CLIPS)]
        ready = [Preparation().normalised(clip) for clip in pixels]
        times = in_turns(partial(model_of(block), pixels), partial(bare, ready), rounds)
        row("embed, CLIP", "ViT-B-32 of 4 layers, 4 clips of 8 frames", "the bare image tower", 0.95, times)


if __name__ == "__main__":
    begin(main, "embed")
