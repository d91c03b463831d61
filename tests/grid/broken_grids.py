"""Files of features that look right and are not: one for each rule, made by hand."""

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np

from grid.gallery import ATTRIBUTES, feature_file, features
from reelmill_stages.stages.grid.containers.hdf5 import Hdf5

GRIDS = "grids.hdf5"


def changed(folder: Path, change: Callable[[h5py.File], object], name: str = GRIDS) -> None:
    """A file that was fine before something in it changed."""
    with h5py.File(feature_file(folder / name), "r+") as file:
        change(file)


def replaced(array: np.ndarray) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        del file["2_grids"]
        file["2_grids"] = array

    return change


def spoilt(value: float, rows: slice = slice(3, 4)) -> Callable[[h5py.File], None]:
    array = features()[1][1].copy()
    array[rows] = value
    return replaced(array)


def labels(*ids: int, array: np.ndarray | None = None):
    return [(f"{n}_labels", np.arange(196, dtype=np.int64) if array is None else array) for n in ids]


def labelled(folder: Path, arrays) -> None:
    feature_file(folder / GRIDS)
    feature_file(folder / "labels.hdf5", arrays)


def linked(folder: Path) -> None:
    part = feature_file(folder / "0001/features-000000000.hdf5")
    Hdf5().link([("0001/features-000000000.hdf5", part)], folder / GRIDS, lambda: {**ATTRIBUTES, "images": 3})


def virtual(folder: Path) -> None:
    part = feature_file(folder / "0001/features-000000000.hdf5")
    with h5py.File(feature_file(folder / GRIDS, features(2)), "r+") as file:
        layout = h5py.VirtualLayout((49, 768), np.float32)
        layout[:] = h5py.VirtualSource(str(part), "3_grids", (49, 768))
        file.create_virtual_dataset("3_grids", layout)
        file.attrs["images"] = 3


BROKEN: dict[str, Callable[[Path], object]] = {
    "suffix": lambda folder: feature_file(folder / GRIDS).rename(folder / "grids.h5"),
    "opens": lambda folder: (folder / GRIDS).write_bytes(feature_file(folder / GRIDS).read_bytes()[:5000]),
    "key_name": lambda folder: changed(folder, lambda file: file.move("2_grids", "COCO_train2014_2_grids")),
    "leading_zeros": lambda folder: changed(folder, lambda file: file.move("2_grids", "000000000002_grids")),
    "one_kind": lambda folder: changed(folder, lambda file: file.create_dataset("2_labels", data=np.arange(196))),
    "provenance": lambda folder: changed(folder, lambda file: file.attrs.__delitem__("weights")),
    "count": lambda folder: changed(folder, lambda file: file.__delitem__("2_grids")),
    "physical": linked,
    "shape": lambda folder: changed(folder, replaced(features(1, rows=196)[0][1])),
    "dtype": lambda folder: changed(folder, replaced(features(1, dtype="float64")[0][1])),
    "finite": lambda folder: changed(folder, spoilt(np.nan)),
    "zero_rows": lambda folder: changed(folder, spoilt(0.0)),
    "value_range": lambda folder: changed(folder, spoilt(1e6)),
    "labels": lambda folder: labelled(folder, [*labels(1, 2), *labels(3, array=np.zeros((14, 14), np.int64))]),
    "same_images": lambda folder: labelled(folder, labels(1, 2, 4)),
}
"""Rule -> a folder that breaks it."""

MORE: list[tuple[str, Callable[[Path], object]]] = [
    ("physical", virtual),
    ("finite", lambda folder: changed(folder, spoilt(np.inf))),
    ("opens", lambda folder: (folder / GRIDS).write_bytes(b"")),
    ("opens", lambda folder: (folder / "grids.npz").write_bytes(b"PK")),
    ("opens", lambda folder: (folder / "grids.lmdb").write_bytes(b"x" * 9000)),
    ("shape", lambda folder: feature_file(folder / GRIDS, features(), rows=196)),
    ("dtype", lambda folder: feature_file(folder / GRIDS, features(), dtype="float16")),
    ("provenance", lambda folder: feature_file(folder / GRIDS, features(), format="somebody's")),
    ("count", lambda folder: feature_file(folder / GRIDS, [])),
    ("labels", lambda folder: labelled(folder, labels(1, 2, 3, array=np.full(196, -1)))),
    ("labels", lambda folder: labelled(folder, labels(1, 2, 3, array=np.zeros(196, np.float32)))),
    ("finite", lambda folder: changed(folder, spoilt(np.nan), "0001/features-000000000.hdf5")),
]
"""The same rules in other ways."""
