"""What is asked for while the rows of a data set are still being read: it is never denied, only not known yet."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from dashboard.data_sets import Written
from dashboard.places import wait_until_read
from reelmill.contract.errors import StoreDamaged
from reelmill.contract.task import StoreRef
from reelmill_stages.dashboard.discovery.store_pipelines import StorePipelines
from reelmill_stages.dashboard.index.indexes import Indexes
from reelmill_stages.dashboard.stores import OpenStores
from reelmill_stages.dashboard.views.pipeline_catalog import PipelineCatalog
from reelmill_stages.dashboard.web.app import application
from reelmill_stages.dashboard.web.posters import Posters
from reelmill_stages.store import Store

CLIPS = "/api/v1/pipelines/-/unclaimed/stages/clips"


class Gate:
    """A store whose whole files come only while it is open; `damaged`, they cannot be read."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.open = threading.Event()
        self.damaged = False

    def list(self, *given: Any, **more: Any) -> Any:
        if self.damaged and given and "forgotten" in given[0]:
            raise StoreDamaged("the list of forgotten items cannot be read")
        return self._store.list(*given, **more)

    def fetch(self, key: str, folder: Path) -> Path:
        assert self.open.wait(120)
        return self._store.fetch(key, folder)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


class Gated(OpenStores):
    """One store, behind a gate."""

    def __init__(self, gate: Gate) -> None:
        super().__init__({})
        self._gate: Any = gate

    def at(self, ref: StoreRef) -> Store:
        store: Store = self._gate
        return store


@pytest.fixture
def written(tmp_path: Path) -> Written:
    return Written(tmp_path)


@pytest.fixture
def gate(written: Written) -> Gate:
    return Gate(written.store)


@pytest.fixture
def indexes(tmp_path: Path) -> Indexes:
    return Indexes(tmp_path / "scratch", patience=0.01)  # most answers are given before the rows are read


@pytest.fixture
def client(written: Written, gate: Gate, indexes: Indexes, tmp_path: Path) -> Iterator[TestClient]:
    stores = Gated(gate)
    pipelines = StorePipelines(StoreRef(uri=str(tmp_path / "store")), stores)
    catalog = PipelineCatalog(pipelines, stores, indexes, trusted=False, folders=True)
    app = application(catalog, Posters(tmp_path / "scratch", {}))
    with TestClient(app, base_url="http://localhost", raise_server_exceptions=False) as found:
        yield found
        gate.open.set()


def item(client: TestClient, number: int) -> Any:
    """An item, once its rows are read."""
    end = time.monotonic() + 120
    while (answer := client.get(f"{CLIPS}/items/{number}")).status_code == 503:
        assert time.monotonic() < end, answer.text
    return answer.json()


def test_an_item_that_is_not_read_yet_is_not_said_to_be_missing(
    written: Written, gate: Gate, client: TestClient
) -> None:
    written.segment([{"v": 1}, {"v": 2}])
    for path in ("items/1", "items?where=v>=1", "items?sort=v", "count?where=v>=1", "histogram?field=v"):
        answer = client.get(f"{CLIPS}/{path}")
        assert (answer.status_code, answer.headers.get("retry-after")) == (503, "2"), path
        assert "its rows are still being read; try again in a few seconds" in answer.json()["error"]
    assert client.get(f"{CLIPS}/items").json()["is_reading"] is True
    assert client.get(f"{CLIPS}/count").json() == {"items": 0, "exact": False}
    assert client.get(f"{CLIPS}/items/-1").status_code == 404
    page = client.get("/pipelines/-/unclaimed/stages/clips/items/1")
    assert (page.status_code, page.headers.get("retry-after")) == (503, "2")
    assert "Not available now" in page.text
    gate.open.set()
    wait_until_read(client)
    assert item(client, 1)["key"] == "k1"
    assert client.get(f"{CLIPS}/items/2").status_code == 404
    assert client.get(f"{CLIPS}/items?where=w>=1").status_code == 400
    assert client.get(f"{CLIPS}/count?where=v>=2").json() == {"items": 1, "exact": True}


def test_an_item_of_a_new_segment_comes_when_its_rows_are_read(
    written: Written, gate: Gate, indexes: Indexes, client: TestClient
) -> None:
    written.segment([{"v": 1}])
    gate.open.set()
    wait_until_read(client)
    assert item(client, 0)["unread"] == []
    gate.open.clear()
    written.segment([{"v": 2}])
    store: Any = gate
    with indexes.open(store, written.names) as (_, index):
        index.looked = 0.0
    end = time.monotonic() + 120
    while client.get(f"{CLIPS}/items").json()["items"] < 2:  # the new segment is not seen yet
        assert time.monotonic() < end
    assert client.get(f"{CLIPS}/items/0").json()["unread"] == ["clips"]
    assert client.get(f"{CLIPS}/items/1").status_code == 503
    assert client.get(f"{CLIPS}/count").json() == {"items": 1, "exact": False}
    assert "may be incomplete" in client.get("/pipelines/-/unclaimed/stages/clips/items/0").text
    gate.open.set()
    wait_until_read(client)
    assert item(client, 1)["unread"] == []


def test_a_store_that_cannot_be_read_denies_no_item_either(written: Written, gate: Gate, client: TestClient) -> None:
    written.segment([{"v": 1}])
    gate.damaged = True
    gate.open.set()
    wait_until_read(client)
    answer = client.get(f"{CLIPS}/items/0")
    assert answer.status_code == 503
    assert "the list of forgotten items cannot be read" in answer.json()["error"]
    assert client.get(f"{CLIPS}/count").json() == {"items": 0, "exact": False}
