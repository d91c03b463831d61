"""A worker whose sources are in a bucket: large videos are read by ranges, and every fault of the server ends in the
result of the whole file or in one clear row.
"""

import json
import multiprocessing
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

import footage
from reelmill.contract.records.rows import Item, Media, Outcome, Span
from reelmill.contract.spec.stages.clip import ClipBlock
from reelmill.contract.spec.stages.frames import FramesBlock
from reelmill.contract.task import Connection, SourceDef, StageDef, StoreRef
from reelmill_stages.runtime.workers.messages import Finished, Job, WorkerConfig
from reelmill_stages.runtime.workers.worker_main import WorkerState
from reelmill_stages.stage import Input
from reelmill_stages.store.local.store import LocalStore
from reelmill_stages.store.open import open_location
from servers.faults import FaultProxy, Handler, fault_proxy, status
from servers.processes import Server
from servers.s3_servers import make_bucket

pytestmark = pytest.mark.store
X264 = (
    *("-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "50"),
    *("-b:v", "30M", "-x264-params", "nal-hrd=cbr", "-maxrate", "30M", "-bufsize", "5M"),
)
FRAMES = ("frames", FramesBlock(layout="jpg"))
CLIP = ("clip", ClipBlock(by="metadata", mode="copy"))
VIRTUAL = ("clip", ClipBlock(by="metadata", mode="virtual"))


@dataclass
class Bench:
    """A film of some 30 MB in a bucket behind a proxy, and a folder as the pipeline's store."""

    folder: Path
    proxy: FaultProxy
    film: Media
    local: Media
    write: Callable[[bytes], object]

    def run(self, name: str, block: Any, film: Media | None = None) -> Finished:
        """What a worker makes of the film, or of another one."""
        endpoint = Connection(endpoint=f"http://127.0.0.1:{self.proxy.port}")
        folder = self.folder / name
        config = WorkerConfig(
            store=StoreRef(uri=str(folder / "store")),
            sources=(SourceDef(name="raw", key="k", type="files", params={}, connection=endpoint),),
            stage=StageDef(
                name="made",
                key="0" * 64,
                type=block[0],
                data_version=1,
                params=block[1].params(),
                definition={},
                upstreams=(),
            ),
            run="1-00000000",
            segment=1,
            pins={},
            folder=folder / "worker",
            index=0,
            level="INFO",
        )
        ours, theirs = multiprocessing.Pipe()
        with ours, theirs:
            state = WorkerState(config, ours)
            fields = {"start": 4.0, "end": 7.0, "vid": "a", "name": "a"}
            media = replace(film or self.film, span=Span(4.5, 5.5) if block[0] == "frames" else None)
            given = Input(Item("a", 0, "a", 12.0, media, fields=fields), 0)
            return state.run(Job([given], folder / "job"))

    def files(self, name: str) -> dict[str, bytes]:
        root = self.folder / name / "store"
        found = (path for path in sorted(root.rglob("*")) if path.is_file() and "_reelmill" not in path.parts)
        return {str(path.relative_to(root)): path.read_bytes() for path in found}


@pytest.fixture
def bench(s3_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    for name, value in s3_server.env.items():
        monkeypatch.setenv(name, value)
    bucket = make_bucket(s3_server)
    path = footage.video(seconds=12, size=(640, 384), options=X264)
    assert path.stat().st_size > 16 << 20
    uri = f"s3://{bucket}/film.mp4"
    with fault_proxy(s3_server.port) as proxy:
        direct = open_location(uri, Connection(endpoint=s3_server.endpoint), os.environ)._store  # type: ignore[attr-defined]
        stat = direct.write("film.mp4", path)
        film = Media(uri, stat.size, stat.etag, source="raw")

        local = LocalStore(Path("/")).stat(str(path).lstrip("/"))
        yield Bench(
            tmp_path,
            proxy,
            film,
            Media(str(path), local.size, local.etag, source="raw"),
            lambda data: direct.write("film.mp4", data),
        )


@pytest.mark.parametrize("block", [FRAMES, CLIP, VIRTUAL], ids=["frames", "copied clip", "virtual clip"])
def test_a_part_of_a_large_film_is_made_of_a_part_of_its_bytes(bench: Bench, block: Any) -> None:
    (ranged,) = bench.run("ranged", block).results
    sent = bench.proxy.sent
    assert sent < bench.film.size // 2
    (whole,) = bench.run("whole", block, bench.local).results
    assert bench.proxy.sent == sent
    assert ranged.outcome == whole.outcome == Outcome.DONE
    assert bench.files("ranged") == bench.files("whole")
    assert _without_source(ranged.items) == _without_source(whole.items)
    assert ranged.counters == whole.counters


def _without_source(rows: Any) -> list[dict[str, Any]]:
    """Rows without the address and the etag of the film."""
    told = [{name: value for name, value in json.loads(row.at(0)).items() if name != "media"} for row in rows]
    for row in told:
        row["provenance"] = {name: value for name, value in row["provenance"].items() if name != "source"}
    return told


def whole_object(handler: Handler, body: bytes) -> None:
    """A server that knows no ranges: it answers as if none was asked for."""
    code, headers, answer = handler.forward(body)
    handler.answer(
        200 if code == 206 else code, [pair for pair in headers if pair[0].lower() != "content-range"], answer
    )


def another_range(handler: Handler, body: bytes) -> None:
    code, headers, answer = handler.forward(body)
    others = [(name, "bytes 7-9/10" if name.lower() == "content-range" else value) for name, value in headers]
    handler.answer(code, others, answer)


def short(handler: Handler, body: bytes) -> None:
    code, headers, answer = handler.forward(body)
    handler.answer(code, headers, answer[:-10] if code == 206 else answer)


@pytest.mark.parametrize("fault", [whole_object, another_range, short])
def test_a_server_without_true_ranges_costs_nothing_but_time(bench: Bench, fault: Callable) -> None:
    bench.proxy.fault(fault, method="GET", times=99)
    (found,) = bench.run("faulty", FRAMES).results
    assert found.outcome == Outcome.DONE
    bench.run("whole", FRAMES, bench.local)
    assert bench.files("faulty") == bench.files("whole")


@pytest.mark.parametrize("requests", [1, 2, 3, 4])
def test_a_film_that_is_replaced_in_the_middle_is_one_row_that_says_so(bench: Bench, requests: int) -> None:
    left = iter(range(requests))

    def replaced(handler: Handler, body: bytes) -> None:
        if next(left, None) is None:
            bench.write(b"another film")
        handler.answer(*handler.forward(body))

    bench.proxy.fault(replaced, method="GET", times=requests + 1)
    (found,) = bench.run("replaced", CLIP).results
    assert (found.outcome, found.reason) == (Outcome.FAILED, "changed")
    assert "film.mp4 has changed since it was listed" in found.message
    assert not bench.files("replaced")


def test_a_film_that_may_not_be_read_is_one_row_that_says_so(bench: Bench) -> None:
    bench.proxy.fault(status(403, "AccessDenied"), method="GET", times=99)
    (found,) = bench.run("refused", FRAMES).results
    assert (found.outcome, found.reason) == (Outcome.FAILED, "unreadable")
