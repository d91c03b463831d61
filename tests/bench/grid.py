"""Benchmark of grid features on a CPU against the bare model: the overhead of the stage on ViT-B/16, and of feeding.

Weights are seeded random numbers, which cost the same as real ones. Both sides run the same batches in one thread.
"""

import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from bench.row import NotRun, Row, begin, emit
from bench.timing import in_turns, one_core, seconds
from cluster.unavailable import Unavailable
from reelmill.contract.records.rows import Item, Media
from reelmill.contract.spec.stages.grid import GridBlock
from reelmill_stages.stage import Input, Kept, Shard
from reelmill_stages.stages.grid.stage import GridStage
from torch_home import torch_home
from worker_desk import Desk

IMAGES, BATCH = 16, 8
SIZE = (640, 480)
"""Of the images: COCO's."""
LIMIT = 0.05


class Warm(GridStage):
    """The stage with its model loaded, as for all except the first of a shard's thousand images."""

    extractor: Any = None

    def _extractor(self, shard: Shard) -> Any:
        if self.extractor is None:
            self.extractor = super()._extractor(shard)
        return self.extractor


def photos(folder: Path) -> list[Input]:
    """JPEGs of COCO's size with some structure."""
    noise = np.random.default_rng(0)
    found = []
    for number in range(IMAGES):
        path = folder / f"{number}.jpg"
        small = Image.fromarray(noise.integers(0, 256, (48, 64, 3), np.uint8))
        small.resize(SIZE, Image.Resampling.BICUBIC).save(path, quality=90)
        media = Media(str(path), path.stat().st_size)
        found.append(Input(Item(path.name, number, path.name, 1.0, media, fields={"image_id": number}), number))
    return found


def process_images(stage: GridStage, inputs: list[Input], folder: Path) -> list[Kept]:
    """Every image through `process`."""
    kept = []
    for given in inputs:
        (done,) = stage.process([given], Desk(folder))
        kept.append(Kept(given, done))
    return kept


def random_weights(path: Path) -> Path:
    import open_clip
    import torch

    config = open_clip.get_model_config("ViT-B-16")
    torch.manual_seed(0)
    visual = open_clip.CLIP(**config).visual
    torch.save({f"visual.{name}": value for name, value in visual.state_dict().items()}, path)
    return path


def main(rounds: int) -> None:
    try:
        sys.path.append(str(torch_home()))
    except Unavailable as error:
        raise NotRun(str(error)) from error
    import open_clip
    import torch

    one_core()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        weights = random_weights(folder / "weights.pt")
        stage = Warm(GridBlock.model_validate({"weights": {"uri": str(weights)}, "batchSize": BATCH, "device": "cpu"}))
        inputs = photos(folder)
        kept = process_images(stage, inputs, folder)

        visual = open_clip.CLIP(**open_clip.get_model_config("ViT-B-16")).visual.eval()
        visual.load_state_dict({key.removeprefix("visual."): value for key, value in torch.load(weights).items()})
        batches = torch.randn(IMAGES // BATCH, BATCH, 3, 224, 224)

        def bare() -> None:
            with torch.inference_mode():
                for batch in batches:
                    visual(batch)

        def ours() -> None:
            shard = Shard(0, 1, 0, len(kept), 1, folder, Desk(folder).read)
            for made in stage.assemble(kept, shard):
                made.file.path.unlink()

        ours()
        torch.set_num_threads(1)
        times = in_turns(ours, bare, rounds)
        against = "open_clip's image tower alone, the same batches in memory"
        case = f"ViT-B/16, {IMAGES} images in batches of {BATCH}, to gzipped HDF5"
        emit(Row("grid", case, against, *times.medians, "s", times.ratio, times.cpu_ratio, 0.95, rounds=times.rounds))

        feeding = statistics.median(seconds(lambda: process_images(stage, inputs, folder)) for _ in range(rounds))
        _, model = times.medians
        share = feeding / (feeding + model)
        case = f"feeding: {IMAGES} JPEGs of {SIZE[0]}x{SIZE[1]} decoded, resized and handed over"
        against = "feeding and the bare model together"
        emit(Row("grid", case, against, feeding, model, "s", share, None, LIMIT, True, rounds=(rounds, rounds)))


if __name__ == "__main__":
    begin(main, "grid")
