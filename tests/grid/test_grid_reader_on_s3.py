"""The reader over a bucket: only what is asked for is transferred, and workers have connections of their own."""

import json
import multiprocessing
import pickle
from pathlib import Path

import numpy as np
import pytest

from grid.gallery import feature_file, features
from reelmill.contract.errors import NotFound, PreconditionFailed, StoreError
from reelmill.contract.task import Connection, StoreRef
from reelmill_stages.datasets.grids import GridFeatures
from reelmill_stages.store import Store
from reelmill_stages.store.open import open_store
from reelmill_stages.store.ranges.ranged_media import ranged
from servers.faults import Handler, fault_proxy, status
from servers.processes import Server
from servers.s3_servers import make_bucket

pytestmark = pytest.mark.store
ARRAYS = features(40)
KEY = "0123456789" * 6 + "abcd"


@pytest.fixture(scope="module")
def bucket(seaweedfs_server: Server, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A bucket with a stage's data set as a run leaves it, in three containers."""
    name = make_bucket(seaweedfs_server)
    folder = tmp_path_factory.mktemp("features")
    store = opened(seaweedfs_server, name)
    for kind in ("hdf5", "npz", "lmdb"):
        path = feature_file(folder / f"grids.{kind}", ARRAYS, kind)
        store.write(f"{kind}/latest.json", json.dumps({"key": KEY}).encode())
        store.write(f"{kind}/{KEY[:10]}/grids.{kind}", path)
    return name


def opened(server: Server, bucket: str) -> Store:
    return open_store(StoreRef(uri=f"s3://{bucket}", connection=Connection(endpoint=server.endpoint)), env=server.env)


@pytest.fixture
def reader_of(bucket: str, seaweedfs_server: Server, monkeypatch: pytest.MonkeyPatch):
    for variable, value in seaweedfs_server.env.items():
        monkeypatch.setenv(variable, value)
    return lambda name, endpoint="": GridFeatures(
        f"s3://{bucket}/{name}", endpoint=endpoint or seaweedfs_server.endpoint
    )


@pytest.mark.parametrize("kind", ["hdf5", "npz", "lmdb"])
def test_004_f12_the_newest_data_set_of_a_stage_is_read_from_a_bucket(kind: str, reader_of) -> None:
    reader = reader_of(kind)
    assert len(reader) == 40
    for name, array in ARRAYS[::13]:
        assert np.array_equal(reader.of(int(name.split("_")[0])).features, array)
    with pytest.raises(NotFound):
        reader.of(41)


def test_a_file_can_be_opened_directly_and_a_missing_one_is_reported(reader_of) -> None:
    assert len(reader_of(f"hdf5/{KEY[:10]}/grids.hdf5")) == 40
    with pytest.raises(NotFound, match=r"grids\.hdf5 .* not found"):
        reader_of("nothing")


def test_workers_have_connections_of_their_own(reader_of) -> None:
    reader = reader_of("hdf5")
    expected = reader[5].features
    with multiprocessing.get_context("fork").Pool(2) as pool:
        found = pool.map(reader.__getitem__, [5] * 6)
    assert all(np.array_equal(sample.features, expected) for sample in found)


def test_an_object_is_a_file_that_can_be_sought_in(bucket: str, seaweedfs_server: Server, tmp_path: Path) -> None:
    store = opened(seaweedfs_server, bucket)
    data = bytes(range(256)) * 5000
    store.write("bytes", data)
    with ranged(store, "bytes", tmp_path).open() as file:
        assert file.read(10) == data[:10]
        file.seek(700_000)
        assert file.read(300_000) == data[700_000:1_000_000]
        assert (file.seek(0, 2), file.read()) == (len(data), b"")
        file.seek(-5, 2)
        assert file.read(100) == data[-5:]


def whole_object(handler: Handler, body: bytes) -> None:
    """A server that knows no ranges: it answers as if none was asked for."""
    code, headers, answer = handler.forward(body)
    others = [pair for pair in headers if pair[0].lower() != "content-range"]
    handler.answer(200 if code == 206 else code, others, answer)


@pytest.mark.parametrize("kind", ["hdf5", "npz"])
def test_a_server_without_ranges_gives_the_whole_file(kind: str, reader_of, seaweedfs_server: Server) -> None:
    with fault_proxy(seaweedfs_server.port) as proxy:
        proxy.fault(whole_object, method="GET", path=r"grids", times=99)
        reader = reader_of(kind, f"http://127.0.0.1:{proxy.port}")
        name, array = ARRAYS[7]
        assert np.array_equal(reader.of(int(name.split("_")[0])).features, array)


@pytest.mark.parametrize("kind", ["hdf5", "npz"])
def test_an_error_of_the_server_is_reported_and_the_next_read_works(
    kind: str, reader_of, seaweedfs_server: Server
) -> None:
    with fault_proxy(seaweedfs_server.port) as proxy:
        reader = reader_of(kind, f"http://127.0.0.1:{proxy.port}")
        forked = pickle.loads(pickle.dumps(reader))
        proxy.fault(status(403, "AccessDenied"), method="GET", path=r"grids", times=99)
        with pytest.raises(StoreError, match="no permission"):
            forked[0]
        proxy.faults.clear()
        name, array = ARRAYS[7]
        assert np.array_equal(forked.of(int(name.split("_")[0])).features, array)


@pytest.mark.parametrize("kind", ["hdf5", "npz"])
def test_a_file_that_is_replaced_while_it_is_read_is_reported(kind: str, reader_of, seaweedfs_server: Server) -> None:
    with fault_proxy(seaweedfs_server.port) as proxy:
        reader = reader_of(kind, f"http://127.0.0.1:{proxy.port}")
        forked = pickle.loads(pickle.dumps(reader))
        proxy.fault(status(412, "PreconditionFailed"), method="GET", path=r"grids", times=99)
        with pytest.raises(PreconditionFailed):
            forked[0]
