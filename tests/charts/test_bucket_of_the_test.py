"""The bucket that `helm test` brings along keeps what a store must: conditions, ranges, order."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from reelmill.contract.errors import NotFound, PreconditionFailed
from reelmill.contract.task import Connection, StoreRef
from reelmill_stages.store import Store
from reelmill_stages.store.open import open_store
from reelmill_stages.store.probe import probe

FILE = Path(__file__).parents[2] / "charts/reelmill/files/bucket.py"


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bucket_of_the_test", FILE)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def store() -> Iterator[Store]:
    server = load().serve("127.0.0.1", 0)
    connection = Connection(endpoint=f"http://127.0.0.1:{server.server_port}")
    keys = {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any"}
    yield open_store(StoreRef(uri="s3://test/a prefix", connection=connection), env=keys)
    server.shutdown()
    server.server_close()


def test_it_lets_one_of_several_writers_win(store: Store) -> None:
    probe(store, store, store)


def test_objects_are_what_was_written(store: Store, tmp_path: Path) -> None:
    store.write("b/ö 1", b"0123456789", metadata={"digest": "sha256:ä"})
    store.write("a+b", b"")
    assert [stat.key for stat in store.list()] == ["a+b", "b/ö 1"]
    assert [stat.key for stat in store.list("b/")] == ["b/ö 1"]
    assert store.stat("b/ö 1").metadata == {"digest": "sha256:ä"}
    assert store.read("b/ö 1", start=3, length=4) == b"3456"
    assert store.read("b/ö 1", start=30) == b""
    assert store.fetch("b/ö 1", tmp_path).read_bytes() == b"0123456789"
    with pytest.raises(PreconditionFailed):
        store.read("b/ö 1", if_match="another")
    with pytest.raises(PreconditionFailed):
        store.write("b/ö 1", b"x", create=True)
    store.delete("b/ö 1")
    with pytest.raises(NotFound):
        store.read("b/ö 1")
