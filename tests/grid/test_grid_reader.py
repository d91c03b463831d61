"""The reader by image id: what RSTNet's gives, in any worker, and no noise for what is not there."""

import json
import multiprocessing
import pickle
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest

from grid.broken_grids import labelled, labels
from grid.gallery import feature_file, features
from reelmill.contract.errors import NotFound, SpecError
from reelmill_stages.datasets.grids import GridFeatures
from reelmill_stages.store.local.store import LocalStore

ARRAYS = dict(features(4))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    feature_file(tmp_path / "grids.hdf5", list(ARRAYS.items()))
    return tmp_path


def rstnet(path: Path, image: int, max_detections: int) -> np.ndarray:
    """The steps of RSTNet's own reader, on a file opened where it lies."""
    with h5py.File(path, "r") as file:
        found = file[f"{image:d}_grids"][()]
    missing = max_detections - found.shape[0]
    if missing > 0:
        found = np.concatenate([found, np.zeros((missing, found.shape[1]))], axis=0)
    return found[:max_detections].astype(np.float32)


@pytest.mark.parametrize("rows", [20, 49, 60])
def test_004_f12_features_come_by_image_id_padded_and_cut_as_rstnets_reader_does(rows: int, folder: Path) -> None:
    reader = GridFeatures(str(folder), max_detections=rows)
    for image in (1, 2, 3, 4):
        sample = reader.of(image)
        assert sample.image_id == image
        assert sample.features.dtype == np.float32
        assert np.array_equal(sample.features, rstnet(folder / "grids.hdf5", image, rows))
    assert len(reader) == 4
    assert [reader[index].image_id for index in range(4)] == [1, 2, 3, 4]


def test_004_f12_an_image_is_found_by_its_coco_name_too(folder: Path) -> None:
    reader = GridFeatures(str(folder))
    found = reader.of("coco/images/train2014/COCO_train2014_000000000003.jpg")
    assert np.array_equal(found.features, ARRAYS["3_grids"])
    assert found.labels.shape == (0,)


def test_004_f12_labels_come_from_a_file_of_their_own(tmp_path: Path) -> None:
    labelled(tmp_path, labels(1, 2, 3))
    for where in (True, str(tmp_path), str(tmp_path / "labels.hdf5")):
        sample = GridFeatures(str(tmp_path), where).of(2)
        assert (sample.labels.dtype, sample.labels.shape) == (np.float32, (196,))
        assert np.array_equal(sample.labels, np.arange(196))


def test_an_image_that_is_not_there_is_an_error_and_never_noise(folder: Path) -> None:
    reader = GridFeatures(str(folder / "grids.hdf5"))
    with pytest.raises(NotFound, match="99_grids not found"):
        reader.of(99)


def test_a_copy_of_the_folder_of_a_stage_is_read_under_any_name(folder: Path, tmp_path: Path) -> None:
    key = "0123456789" * 6 + "abcd"
    store = LocalStore(tmp_path / "data")
    store.write("features/latest.json", json.dumps({"key": key}).encode())
    store.write(f"features/{key[:10]}/grids.hdf5", folder / "grids.hdf5")
    shutil.copytree(tmp_path / "data/features", tmp_path / "fast")  # with extended attributes
    assert GridFeatures(str(tmp_path / "fast")).ids == GridFeatures(str(folder)).ids


def test_a_folder_without_features_and_a_file_of_another_kind_are_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"grids\.hdf5 .* not found"):
        GridFeatures(str(tmp_path))
    with pytest.raises(NotFound):
        GridFeatures(str(tmp_path / "gone.hdf5"))
    (tmp_path / "x.hdf5").write_bytes(b"no HDF5")
    with pytest.raises(SpecError, match="not a file of features"):
        GridFeatures(str(tmp_path / "x.hdf5"))


@pytest.mark.parametrize("kind", ["npz", "lmdb"])
def test_other_containers_give_the_same(kind: str, tmp_path: Path) -> None:
    feature_file(tmp_path / f"grids.{kind}", list(ARRAYS.items()), kind)
    reader = GridFeatures(str(tmp_path))
    assert all(np.array_equal(reader.of(int(name.split("_")[0])).features, array) for name, array in ARRAYS.items())


def test_float16_comes_out_as_float32(tmp_path: Path) -> None:
    path = feature_file(tmp_path / "grids.hdf5", features(1, dtype="float16"), dtype="float16")
    assert GridFeatures(str(path)).of(1).features.dtype == np.float32


@pytest.mark.store
@pytest.mark.parametrize("kind", ["hdf5", "npz", "lmdb"])
def test_two_readers_of_one_file_live_side_by_side_and_across_a_fork(kind: str, tmp_path: Path) -> None:
    feature_file(tmp_path / f"grids.{kind}", list(ARRAYS.items()), kind)
    one, other = GridFeatures(str(tmp_path)), GridFeatures(str(tmp_path))
    expected = [one[index].features for index in range(4)]
    with multiprocessing.get_context("fork").Pool(2) as pool:
        found = [*pool.map(one.__getitem__, range(4)), *pool.map(other.__getitem__, range(4))]
    found += [other[index] for index in range(4)]
    del other
    found += [one[index] for index in range(4)]
    assert all(np.array_equal(sample.features, expected[sample.image_id - 1]) for sample in found)


@pytest.mark.parametrize("start", ["fork", pytest.param("spawn", marks=pytest.mark.store)])
def test_workers_read_with_handles_of_their_own(start: str, folder: Path) -> None:
    reader = GridFeatures(str(folder))
    expected = reader[2].features
    with multiprocessing.get_context(start).Pool(2) as pool:
        found = pool.map(reader.__getitem__, [2, 2, 2, 2])
    assert all(np.array_equal(sample.features, expected) for sample in found)
    assert np.array_equal(pickle.loads(pickle.dumps(reader))[2].features, expected)
