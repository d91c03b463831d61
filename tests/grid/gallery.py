"""Small pictures in a COCO-style folder, and a desk to run the grid stage at. Helpers of the tests of features."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from reelmill.contract.records.rows import Item, Media
from reelmill.contract.records.segment import Counts
from reelmill_stages.stages.grid.containers import container
from reelmill_stages.stages.grid.keys import key

ATTRIBUTES = {
    "format": "reelmill-grids", "format_version": 1, "model": "ViT-B-16", "weights": f"sha256:{0:064x}", "input": 224,
    "fit": "crop", "grid": "7x7", "space": "hidden", "rows": 49, "width": 768, "dtype": "float32", "device": "cpu",
    "versions": "{}",
}  # fmt: skip


def picture(path: Path, seed: int = 0, size: tuple[int, int] = (96, 64), mode: str = "RGB") -> Path:
    """A picture with some structure, different for each seed."""
    noise = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC).convert(mode).save(path)
    return path


def coco(folder: Path, **splits: Sequence[int]) -> Path:
    """A COCO-style folder: ids of each split."""
    for split, ids in splits.items():
        for number in ids:
            picture(folder / split / f"COCO_{split}_{number:012d}.jpg", number)
    return folder


def features(count: int = 3, rows: int = 49, width: int = 768, dtype: str = "float32", first: int = 1):
    """(name, array) of so many images."""
    random = np.random.default_rng(first)
    return [(key(first + n), random.standard_normal((rows, width)).astype(dtype)) for n in range(count)]


def feature_file(path: Path, arrays=None, kind: str = "hdf5", compression: int = 4, **attributes) -> Path:
    """A good file of features, but for what is given."""
    arrays = features() if arrays is None else arrays
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = container(kind).write(path, compression)
    writer.add(arrays)
    counted = {"images": len(arrays), "splits": json.dumps({"": len(arrays)})}
    writer.close({**ATTRIBUTES, **counted, **attributes})
    return path


def image_item(path: Path, number: int, ordinal: int = 0, **fields) -> Item:
    """An item as the images source lists it."""
    media = Media(str(path), path.stat().st_size, source="raw")
    return Item(path.name, ordinal, str(path), float(media.size), media, fields={"image_id": number, **fields})


class Features:
    """A data set of files of features in a folder, as `present` sees it."""

    name = "features"
    totals = Counts()

    def __init__(self, folder: Path, items: Sequence[Item]) -> None:
        self._folder, self._items = folder, items
        self.root = "features/0123456789"
        self.scratch = folder / "scratch"
        self.scratch.mkdir(parents=True, exist_ok=True)

    def items(self) -> Iterator[Item]:
        return iter(self._items)

    def fetch(self, name: str, digest: str = "") -> Path:
        return self._folder / name.removeprefix(f"{self.root}/")
