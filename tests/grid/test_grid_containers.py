"""Containers of features: what goes in comes out, bytes repeat, and attributes are in nobody's way."""

import json
import time
from pathlib import Path

import h5py
import lmdb
import numpy as np
import pytest

from grid.gallery import ATTRIBUTES, feature_file, features
from reelmill.contract.errors import SpecError
from reelmill_stages.stages.grid.containers import container, kind_of, opened
from reelmill_stages.stages.grid.containers.hdf5 import Hdf5
from reelmill_stages.stages.grid.keys import key, parsed

KINDS = {"hdf5": ".hdf5", "npz": ".npz", "lmdb": ".lmdb"}


@pytest.mark.parametrize("kind", KINDS)
def test_004_f11_arrays_come_out_of_every_container_as_they_went_in(kind: str, tmp_path: Path) -> None:
    arrays = features(5)
    reader = opened(feature_file(tmp_path / f"x{KINDS[kind]}", arrays, kind))
    assert sorted(reader.names()) == sorted(name for name, _ in arrays)
    for name, array in arrays:
        assert name in reader
        found = reader.array(name)
        assert found.dtype == array.dtype
        assert np.array_equal(found, array)
    assert reader.attributes["model"] == "ViT-B-16"
    assert reader.attributes["images"] == 5
    assert "7_grids" not in reader
    with pytest.raises(KeyError):
        reader.array("7_grids")
    reader.close()


@pytest.mark.store
def test_equal_arrays_are_equal_bytes_at_any_time(tmp_path: Path) -> None:
    first = [feature_file(tmp_path / f"one{suffix}", kind=kind) for kind, suffix in KINDS.items()]
    time.sleep(1.1)
    for one, (kind, suffix) in zip(first, KINDS.items(), strict=True):
        assert one.read_bytes() == feature_file(tmp_path / f"other{suffix}", kind=kind).read_bytes()


@pytest.mark.parametrize("kind", KINDS)
def test_a_name_is_written_once(kind: str, tmp_path: Path) -> None:
    writer = container(kind).write(tmp_path / f"x{KINDS[kind]}", 4)
    with pytest.raises(ValueError, match=r"exist|there already"):
        writer.add([*features(1), *features(1)])
    writer.discard()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", KINDS)
def test_d27_parts_that_were_written_apart_become_one_file(kind: str, tmp_path: Path) -> None:
    suffix = KINDS[kind]
    parts = [feature_file(tmp_path / f"{n}{suffix}", features(2, first=1 + 2 * n), kind) for n in range(3)]
    named = [(part.name, part) for part in parts]
    assert container(kind).merge(named, tmp_path / f"all{suffix}", lambda: {**ATTRIBUTES, "images": 6}, 4) == 6
    for part in parts:
        part.unlink()
    merged = opened(tmp_path / f"all{suffix}")
    for n in range(3):
        for name, array in features(2, first=1 + 2 * n):
            assert np.array_equal(merged.array(name), array)
    assert merged.attributes["images"] == 6
    merged.close()


def test_004_f05_gzip_levels_are_what_the_file_has_and_9_is_the_most(tmp_path: Path) -> None:
    arrays = [(key(n), np.tile(np.arange(768, dtype=np.float32) / 7, (49, 1))) for n in range(3)]
    sizes = {}
    for level in (0, 1, 9):
        path = feature_file(tmp_path / f"{level}.hdf5", arrays, compression=level)
        sizes[level] = path.stat().st_size
        with h5py.File(path) as file:
            found = file["1_grids"].compression, file["1_grids"].compression_opts
            assert found == (("gzip", level) if level else (None, None))
            assert np.array_equal(file["1_grids"][()], arrays[1][1])
    assert sizes[9] <= sizes[1] < sizes[0]


def test_004_f07_one_array_is_read_without_the_others(tmp_path: Path) -> None:
    path = feature_file(tmp_path / "x.hdf5", features(40), compression=0)
    with path.open("rb", buffering=0) as raw:
        counted = Counting(raw)
        with h5py.File(counted, "r") as file:
            assert np.array_equal(file["7_grids"][()], features(40)[6][1])
    assert counted.bytes < path.stat().st_size / 10


class Counting:
    """A file that counts what is read of it."""

    def __init__(self, raw) -> None:
        self._raw, self.bytes = raw, 0

    def readinto(self, buffer) -> int:
        found = self._raw.readinto(buffer)
        self.bytes += found
        return found

    def seek(self, *to) -> int:
        return self._raw.seek(*to)

    def tell(self) -> int:
        return self._raw.tell()

    def read(self, size: int = -1) -> bytes:
        found = self._raw.read(size)
        self.bytes += len(found)
        return found


def test_004_f02_no_name_but_those_of_images_is_in_the_file(tmp_path: Path) -> None:
    with h5py.File(feature_file(tmp_path / "x.hdf5")) as file:
        assert sorted(file) == ["1_grids", "2_grids", "3_grids"]
    with np.load(feature_file(tmp_path / "x.npz", kind="npz")) as file:
        assert sorted(file) == ["1_grids", "2_grids", "3_grids"]
    feature_file(tmp_path / "x.lmdb", kind="lmdb")
    with lmdb.open(str(tmp_path / "x.lmdb"), subdir=False, readonly=True, lock=False) as file, file.begin() as reading:
        assert [name for name, _ in reading.cursor()] == [b"1_grids", b"2_grids", b"3_grids", b"__attributes__"]


def test_lmdb_grows_beyond_its_first_address_space(tmp_path: Path) -> None:
    arrays = features(130)
    path = feature_file(tmp_path / "x.lmdb", arrays, "lmdb")
    assert path.stat().st_size > 16 << 20
    reader = opened(path)
    assert np.array_equal(reader.array("130_grids"), arrays[-1][1])
    reader.close()


def test_004_p1_links_into_parts_are_dead_in_a_copy_and_a_real_copy_is_not(tmp_path: Path) -> None:
    part = feature_file(tmp_path / "set/0001/features-000000000.hdf5")
    named = [("0001/features-000000000.hdf5", part)]
    Hdf5().link(named, tmp_path / "set/linked.hdf5", lambda: ATTRIBUTES)
    Hdf5().merge(named, tmp_path / "set/real.hdf5", lambda: ATTRIBUTES, 4)
    with h5py.File(tmp_path / "set/linked.hdf5") as there:
        assert np.array_equal(there["1_grids"][()], features()[0][1])
    for name in ("linked", "real"):
        (tmp_path / f"{name}.hdf5").write_bytes((tmp_path / f"set/{name}.hdf5").read_bytes())
    with h5py.File(tmp_path / "linked.hdf5") as copied, pytest.raises(KeyError):
        copied["1_grids"]
    with h5py.File(tmp_path / "real.hdf5") as copied:
        assert np.array_equal(copied["1_grids"][()], features()[0][1])


@pytest.mark.parametrize("name", ["9_grids", "0_grids", "123287_labels"])
def test_004_p6_names_are_written_without_leading_zeros(name: str) -> None:
    number, kind = parsed(name)
    assert key(number, kind) == name == f"%d_{kind}" % number
    assert parsed(f"0{name}") is None


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    for suffix in KINDS.values():
        (tmp_path / f"x{suffix}").write_bytes(b"no container" * 1000)
        with pytest.raises((OSError, ValueError)):
            opened(tmp_path / f"x{suffix}")
    with pytest.raises(SpecError, match="not a file of features"):
        kind_of(tmp_path / "x.h5")


def test_attributes_are_texts_and_integers_again(tmp_path: Path) -> None:
    for kind, suffix in KINDS.items():
        reader = opened(feature_file(tmp_path / f"x{suffix}", kind=kind))
        assert {name: reader.attributes[name] for name in ATTRIBUTES} == ATTRIBUTES
        assert json.loads(reader.attributes["splits"]) == {"": 3}
        reader.close()
