"""How often the page reads: a commit once, a failure again soon; nothing waits for logs that do not come."""

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from cli.pods_that_speak import BASE, Server, speaking
from dashboard.data_sets import Written
from reelmill.cli.cluster.cluster_pipelines import ClusterPipelines
from reelmill.cli.input.options import ClusterOptions
from reelmill.contract.errors import TransientError
from reelmill.contract.records.segment import Counts, Object, ShardCommit
from reelmill_stages.dashboard.views.cached import Cached
from reelmill_stages.dashboard.views.frozen_commits import FrozenCommits
from reelmill_stages.records.record_files import dump


class Counting:
    """A store that counts what is read."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.reads = 0

    def read(self, key: str, **more: Any) -> bytes:
        self.reads += 1
        data: bytes = self._store.read(key, **more)
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def commit(shard: int, failed: int) -> bytes:
    counts = Counts(in_=10, done=10 - failed, failed=failed)
    ledger = Object(key="x", size=1, digest="sha256:0")
    return dump(ShardCommit(shard=shard, of=9, counts=counts, items=None, ledger=ledger, seconds=1.5, bytes=7))


def test_a_commit_is_read_once_and_one_that_was_written_anew_is_read_again(tmp_path: Path) -> None:
    written = Written(tmp_path)
    paths = written.names.segment(1)
    for shard in range(9):
        written.store.write(paths.shard(shard), commit(shard, shard))
    store, commits = Counting(written.store), FrozenCommits()
    for _ in range(3):
        found = [commits.of(store, stat) for stat in written.store.list(paths.shards)]
        assert [each.failed if each else None for each in found] == list(range(9))
    assert store.reads == 9
    written.store.write(paths.shard(4), commit(4, 9))  # another data set was made under the same key
    found = [commits.of(store, stat) for stat in written.store.list(paths.shards)]
    assert found[4]
    assert (found[4].failed, found[4].lost, store.reads) == (9, 9, 10)
    written.store.write(paths.shard(5), b"{")
    (bad,) = (stat for stat in written.store.list(paths.shards) if stat.key == paths.shard(5))
    assert commits.of(store, bad) is None


def test_a_failure_is_forgotten_before_a_value() -> None:
    now = [100.0]
    kept: Cached[str] = Cached(30.0, clock=lambda: now[0])
    answers: list[Any] = [TransientError("away"), "back"]
    asked: list[float] = []

    def read() -> str:
        asked.append(now[0])
        found = answers[0] if len(answers) == 1 else answers.pop(0)
        if isinstance(found, Exception):
            raise found
        return str(found)

    for moment in (100.0, 100.5):
        now[0] = moment
        with pytest.raises(TransientError):
            kept.get("one", read)
    for moment in (102.0, 110.0, 131.0, 133.0):
        now[0] = moment
        assert kept.get("one", read) == "back"
    assert asked == [100.0, 102.0, 133.0]


@pytest.fixture
def silent() -> Any:
    """A cluster with a pipeline of 20 pods whose logs do not come until the test is over."""
    with speaking() as server:
        yield fill(server)
        server.gate.set()


def fill(server: Server) -> Server:
    labels = {"reelmill.dev/uid": "u", "reelmill.dev/stage": "clips", "reelmill.dev/step": "shards"}
    metadata = {"name": "demo", "namespace": "video", "uid": "u"}
    stages = [{"name": "clips", "clip": {}}]
    spec = {"store": {"uri": "s3://o"}, "sources": [{"name": "raw", "files": {"uri": "s3://i/"}}], "stages": stages}
    resource = {"kind": "VideoPipeline", "metadata": metadata, "spec": spec}
    server.objects[f"{BASE}/demo"] = resource
    server.lists["videopipelines"] = [resource]
    server.lists["pods"] = [
        {"metadata": {"name": f"p{number}", "labels": labels}, "status": {"phase": "Running"}} for number in range(20)
    ]
    server.logs = {f"p{number}": [f"line of {number}"] for number in range(20)}
    server.gate.clear()
    return server


def test_the_list_is_read_while_logs_of_20_pods_do_not_come(silent: Server, tmp_path: Path) -> None:
    place = ClusterOptions(kubeconfig=str(silent.kubeconfig(tmp_path)))
    with ClusterPipelines(place, everywhere=False, log_seconds=600) as pipelines:
        told: list[Any] = []
        reader = threading.Thread(target=lambda: told.extend(pipelines.logs("video", "demo", "clips", None)))
        reader.start()
        while len(silent.asked) < 20:  # all of them at the same time
            assert reader.is_alive()
            time.sleep(0.01)
        assert [row.name for row in pipelines.rows()] == ["demo"]
        assert told == []
        silent.gate.set()
        reader.join(120)
        assert sorted(line.line for line in told) == sorted(f"line of {number}" for number in range(20))


@pytest.mark.store
def test_a_pod_whose_log_does_not_come_costs_no_other(silent: Server, tmp_path: Path) -> None:
    silent.waits = {"p3"}
    place = ClusterOptions(kubeconfig=str(silent.kubeconfig(tmp_path)))
    with ClusterPipelines(place, everywhere=False, log_seconds=20) as pipelines:
        lines = {line.pod: line.line for line in pipelines.logs("video", "demo", "clips", None)}
    assert "no answer within 20 s" in lines["p3"]
    assert lines["p4"] == "line of 4"
