"""The first page waits for no store: it shows what is known, and its fragment fills it in."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from dashboard.data_sets import Written
from dashboard.markup import Markup
from dashboard.places import wait_until_read
from e2e.workshop import Workshop
from reelmill.cli.commands.curation.dashboard import definition
from reelmill.cli.input.options import AS_NAMED
from reelmill.contract.commands.dashboard import PipelineRow, Pipelines
from reelmill.contract.records.claim import Claim
from reelmill.contract.records.segment import StageRecord
from reelmill.contract.task import StoreRef
from reelmill_stages.dashboard.discovery.file_pipelines import FilePipelines
from reelmill_stages.dashboard.discovery.store_pipelines import StorePipelines
from reelmill_stages.dashboard.index.indexes import Indexes
from reelmill_stages.dashboard.stores import OpenStores
from reelmill_stages.dashboard.views.pipeline_catalog import PipelineCatalog
from reelmill_stages.dashboard.web.app import application
from reelmill_stages.dashboard.web.posters import Posters
from reelmill_stages.records.record_files import dump, load
from reelmill_stages.store import Store

FRAGMENT = {"hx-target": "pipelines"}


class SlowStore:
    """A store that lists folders, and reads records other than claims, only once it is allowed to."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.lists, self.reads = threading.Event(), threading.Event()

    def folders(self, *given: Any) -> Any:
        assert self.lists.wait(120)
        return self._store.folders(*given)

    def read(self, key: str, *given: Any, **more: Any) -> bytes:
        assert "/users/" in key or self.reads.wait(120)
        return self._store.read(key, *given, **more)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


class OneStore(OpenStores):
    """That store, at every address."""

    def __init__(self, store: SlowStore) -> None:
        super().__init__({})
        self._slow: Any = store

    def at(self, ref: StoreRef) -> Store:
        store: Store = self._slow
        return store


@contextmanager
def page(pipelines: Pipelines, stores: OpenStores, scratch: Path) -> Iterator[TestClient]:
    catalog = PipelineCatalog(pipelines, stores, Indexes(scratch), trusted=False, folders=True)
    app = application(catalog, Posters(scratch, {}))
    with TestClient(app, base_url="http://localhost") as client:
        yield client


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[SlowStore]:
    """A store with the data set `clips`, which two pipelines claim."""
    written = Written(tmp_path)
    written.segment([{"v": 1}])
    for uid, name in (("1" * 32, "first"), ("2" * 32, "second")):
        claim = Claim(namespace="team", name=name, uid=uid, data_set="clips", key=written.names.key)
        written.store.write(written.names.user(uid), dump(claim))
    store = SlowStore(written.store)
    yield store
    store.lists.set()
    store.reads.set()


def states(client: TestClient) -> dict[str, str]:
    return {row["name"]: row["state"] for row in client.get("/api/v1/pipelines").json()["rows"]}


def test_a_page_over_a_store_shows_names_before_the_pipelines_are_read(slow: SlowStore, tmp_path: Path) -> None:
    stores = OneStore(slow)
    with page(StorePipelines(StoreRef(uri=str(tmp_path / "store")), stores), stores, tmp_path / "scratch") as client:
        first = client.get("/")
        assert "Reading…" in first.text
        assert 'hx-trigger="load delay:300ms, every 5s"' in first.text
        slow.lists.set()
        end = time.monotonic() + 120
        while states(client) != {"first": "reading", "second": "reading"}:
            assert time.monotonic() < end
        fragment = client.get("/?fill=True", headers=FRAGMENT).text
        assert "2 pipelines, reading…" in Markup(fragment).text
        assert "reading (2)" not in fragment, "a reader may be choosing a state"
        assert "never" not in fragment, "what is unknown is left out"
        slow.reads.set()
        wait_until_read(client)
        assert states(client) == {"first": "complete", "second": "complete"}
        last = client.get("/?fill=True", headers=FRAGMENT).text
        assert 'hx-trigger="every 5s"' in last
        assert "complete (2)" in last, "the filter by state follows"
        assert "complete (2)" not in client.get("/", headers=FRAGMENT).text


def test_names_of_files_are_shown_before_their_stores_are_read(shop: Workshop) -> None:
    one = definition(str(shop.file), AS_NAMED)
    shown: list[Sequence[PipelineRow]] = []
    rows = FilePipelines([one, one.model_copy(update={"name": "other"})], OpenStores({})).rows(shown.append)
    assert [[row.state for row in each] for each in shown] == [["reading"] * 2, ["complete", "reading"]]
    assert [(row.name, row.state) for row in rows] == [("hostile", "complete"), ("other", "complete")]


def test_what_is_shown_early_is_never_wrong(tmp_path: Path) -> None:
    """A pipeline reads the source `raw` of another one, and has not covered its second segment."""
    raw, clips = Written(tmp_path, name="raw"), Written(tmp_path, name="clips")
    for written, segments in ((raw, 2), (clips, 1)):
        for _ in range(segments):
            written.segment([{"v": 1}])
    record = load(clips.store, clips.names.stage_json, StageRecord)
    assert record
    behind = record.model_copy(update={"upstreams": {"raw": raw.names.key}, "coverage": {"raw": 1}})
    clips.store.write(clips.names.stage_json, dump(behind))
    claim = Claim(namespace="team", name="one", uid="1" * 32, data_set="clips", key=clips.names.key)
    clips.store.write(clips.names.user(claim.uid), dump(claim))

    pipelines = StorePipelines(StoreRef(uri=str(tmp_path / "store")), OpenStores({}))
    shown: list[tuple[list[str], int]] = []

    def show(rows: Sequence[PipelineRow]) -> None:
        steps = pipelines.definition("team", "one").task.stages
        shown.append(([row.state for row in rows if row.name == "one"], len(steps)))

    rows = pipelines.rows(show)
    assert shown == [(["reading"], 2)] * 2, "the names, and then without raw"
    assert [row.state for row in rows if row.name == "one"] == ["behind"]
