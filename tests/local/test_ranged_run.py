"""Runs whose films are in a bucket: whatever a server does to ranges ends in the outputs of whole files, or in one row.

In both ways of starting steps and workers.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import footage
from reelmill.contract.task import Connection, StoreRef
from reelmill.local import RunResult, run
from reelmill.processes.start_method import ENV, StartMethod
from reelmill_stages.store import Store
from reelmill_stages.store.open import open_store
from servers.faults import FaultProxy, Handler, cut, fault_proxy
from servers.processes import Server
from servers.s3_servers import make_bucket
from simulated_cluster import pipeline

pytestmark = pytest.mark.store
LARGE = (
    *("-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "50"),
    *("-b:v", "30M", "-x264-params", "nal-hrd=cbr", "-maxrate", "30M", "-bufsize", "5M"),
)
FILM = "film.mp4"


@dataclass
class Films:
    """A large film and a small one in a bucket behind a proxy."""

    proxy: FaultProxy
    store: Store
    uri: str
    folder: Path

    def run(self, name: str) -> RunResult:
        """Four frames of each film, in a new store."""
        made = pipeline(
            [{"name": "pictures", "frames": {"count": 4, "layout": "jpg"}, "failures": {"tolerate": "1"}}],
            store={"uri": str(self.folder / name)},
            sources=[
                {"name": "raw", "files": {"uri": self.uri}, "s3": {"endpoint": f"http://127.0.0.1:{self.proxy.port}"}}
            ],
        )
        return run(made)

    def pictures(self, name: str) -> dict[str, bytes]:
        root = self.folder / name
        return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*.jpg"))}


@pytest.fixture(params=list(StartMethod), ids=str)
def films(
    request: pytest.FixtureRequest, minio_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Films]:
    monkeypatch.setenv(ENV, request.param)
    for name, value in minio_server.env.items():
        monkeypatch.setenv(name, value)
    bucket = make_bucket(minio_server)
    store = open_store(
        StoreRef(uri=f"s3://{bucket}", connection=Connection(endpoint=minio_server.endpoint)), env=os.environ
    )
    store.write(FILM, footage.video(seconds=12, size=(640, 384), options=LARGE))
    store.write("small.mp4", footage.video(seconds=2.0))
    with fault_proxy(minio_server.port) as proxy:
        yield Films(proxy, store, f"s3://{bucket}/", tmp_path)


def whole_object(handler: Handler, body: bytes) -> None:
    """A server that knows no ranges: it answers as if none was asked for."""
    code, headers, answer = handler.forward(body)
    others = [pair for pair in headers if pair[0].lower() != "content-range"]
    handler.answer(200 if code == 206 else code, others, answer)


def other_bytes(handler: Handler, body: bytes) -> None:
    """A server that lies: the range is the right one by its header, and its bytes are others."""
    code, headers, answer = handler.forward(body)
    handler.answer(code, headers, bytes(len(answer)) if code == 206 else answer)


def test_a_broken_or_lying_server_costs_nothing_but_time(films: Films) -> None:
    good = films.run("good")
    assert (good.exit_code, good.status.stage("pictures").totals.done) == (0, 2)
    assert films.proxy.sent < footage.video(seconds=12, size=(640, 384), options=LARGE).stat().st_size // 2
    for number, fault in enumerate((whole_object, other_bytes, cut(1000))):
        films.proxy.fault(fault, method="GET", path=FILM, times=12)
        outcome = films.run(f"faulty {number}")
        films.proxy.faults.clear()
        assert (outcome.exit_code, outcome.status.stage("pictures").totals.done) == (0, 2)
        assert films.pictures(f"faulty {number}") == films.pictures("good")


def test_a_film_that_is_replaced_while_it_is_read_is_one_row_and_costs_no_other(films: Films) -> None:
    requests = 6
    left = iter(range(requests))

    def replaced(handler: Handler, body: bytes) -> None:
        if next(left, None) is None:
            films.store.write(FILM, b"another film")
        handler.answer(*handler.forward(body))

    films.proxy.fault(replaced, method="GET", path=FILM, times=requests + 1)
    totals = films.run("replaced").status.stage("pictures")
    assert (totals.totals.done, totals.totals.failed) == (1, 1)
    assert totals.reasons == {"failed:changed": 1}
