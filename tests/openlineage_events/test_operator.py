"""Events of the operator: told after the status is written, counted, and never waited for."""

import socket
import threading
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from controller.worker_rig import JOB, PIPELINE, Rig, resource, rigged
from openlineage_events.receiver import must_be_valid, receiver
from reelmill.controller.kube.write_budget import Budget
from reelmill.controller.monitoring.metrics import Metrics
from reelmill.controller.state.cache import Cache
from reelmill.controller.state.concurrency import ConcurrencyLimit
from reelmill.controller.work.lineage import OperatorLineage
from reelmill.controller.work.worker_tasks import Pump
from reelmill.openlineage import emitter as emitters
from reelmill.openlineage.changes import RunChange
from reelmill.openlineage.datasets import Location, location
from reelmill.openlineage.described import DescribedPipeline
from reelmill.openlineage.emitter import LineageEmitter
from reelmill.openlineage.seen import SeenChanges

PATIENCE = 120.0
"""Seconds for the last events to be sent."""


def watching(rig: Rig, emitter: LineageEmitter) -> Rig:
    """Another worker over the same API server, which tells of what it writes."""
    again = Rig(rig.stub, rig.verbs, lineage=OperatorLineage(emitter))
    for path, body in rig.stub.objects.items():
        store = again.cache.pipelines if path == PIPELINE else again.cache.jobs if path.startswith(JOB) else None
        if store is not None:
            store.insert(body)
    return again


def test_a_run_in_a_cluster_is_named_after_namespace_and_pipeline_and_ends_with_its_resource(tmp_path: Path) -> None:
    with receiver() as server:
        emitter = LineageEmitter(server.url, namespace="videos")

        async def test(rig: Rig) -> None:
            first = watching(rig, emitter)
            for _ in range(2):
                await first.a_pass()
            # A restarted operator tells of the same run.
            second = watching(rig, emitter)
            await second.a_pass()
            second.cache.pipelines.remove(rig.stub.objects[PIPELINE])
            await second.a_pass()

        rigged(tmp_path, test)
        emitter.close(PATIENCE)
    for event in server.events:
        must_be_valid(event)
    assert [event["eventType"] for event in server.events] == ["START", "ABORT"]
    assert {(event["job"]["namespace"], event["job"]["name"]) for event in server.events} == {("videos", "team.demo")}
    assert len({event["run"]["runId"] for event in server.events}) == 1
    (read,), (made,) = server.events[0]["inputs"], server.events[0]["outputs"]
    assert (read["namespace"], read["name"]) == ("s3://in", "videos")
    assert made["namespace"] == "s3://out"
    assert made["name"].startswith("demo/clips/")


def test_a_failed_survey_fails_the_run(tmp_path: Path) -> None:
    with receiver() as server:
        emitter = LineageEmitter(server.url, namespace="videos")

        async def test(rig: Rig) -> None:
            again = watching(rig, emitter)
            await again.a_pass()
            failure = '{"step": "survey", "error": "StoreError", "message": "no bucket out", "hint": "create it"}'
            state = {"terminated": {"exitCode": 64, "message": failure, "finishedAt": "2026-01-01T00:00:01Z"}}
            container = {"name": "reelmill", "state": state}
            rig.stub.pods = [{"metadata": {"name": "p"}, "status": {"containerStatuses": [container]}}]
            at = "2026-01-01T00:00:02Z"
            again.job_is(
                conditions=[{"type": "Failed", "status": "True", "message": "exit code 64", "lastTransitionTime": at}]
            )
            await again.a_pass()

        rigged(tmp_path, test)
        emitter.close(PATIENCE)
    assert [event["eventType"] for event in server.events] == ["START", "FAIL"]
    must_be_valid(server.events[1])
    assert "no bucket out; create it" in server.events[1]["run"]["facets"]["errorMessage"]["message"]


def a_change(number: int = 0) -> SeenChanges:
    pipeline = DescribedPipeline("demo", f"uid-{number}", Location("s3://out", "demo"), {}, {})
    return SeenChanges(pipeline, {}, [RunChange("START", datetime(2026, 1, 1, tzinfo=UTC))], datetime.now(UTC))


def test_a_server_that_never_answers_is_not_waited_for_and_what_is_too_much_is_dropped() -> None:
    fates: Counter[str] = Counter()
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        emitter = LineageEmitter(
            f"http://127.0.0.1:{silent.getsockname()[1]}",
            namespace="videos",
            counted=lambda fate, count: fates.update({fate: count}),
        )
        for number in range(emitters.WAITING + 50):
            emitter.tell(a_change(number))
        emitter.close(seconds=0.0)
    assert fates["dropped"] >= 49


def test_events_that_are_lost_at_the_end_are_told() -> None:
    said: list[str] = []
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        emitter = LineageEmitter(f"http://127.0.0.1:{silent.getsockname()[1]}", namespace="videos", say=said.append)
        emitter.tell(a_change())
        emitter.close(seconds=0.1)
    assert len(said) == 1
    assert "has not taken all OpenLineage events in time" in said[0]


def test_what_waits_at_the_end_is_sent_though_the_queue_is_full() -> None:
    said: list[str] = []
    with receiver() as server:
        server.may_answer.clear()
        emitter = LineageEmitter(server.url, namespace="videos", say=said.append, waiting=3)
        for number in range(20):
            emitter.tell(a_change(number))
        soon = threading.Timer(0.2, server.may_answer.set)
        soon.start()
        emitter.close(PATIENCE)
        soon.join()
    sent = len(server.events)
    assert 3 <= sent < 20
    (told,) = said
    assert told.startswith(f"{20 - sent} OpenLineage events were dropped")


def test_events_are_counted_in_the_metrics(tmp_path: Path) -> None:
    metrics = Metrics()
    with receiver() as server:
        emitter = LineageEmitter(server.url, namespace="videos", counted=metrics.lineage_events)
        emitter.tell(a_change())
        emitter.close(PATIENCE)
        server.answer = 500
        emitter = LineageEmitter(server.url, namespace="videos", counted=metrics.lineage_events, say=lambda _: None)
        emitter.tell(a_change())
        emitter.close(PATIENCE)

    async def nothing(key: str) -> None:
        pass

    pump = Pump(nothing, metrics, ConcurrencyLimit(1), Budget(1, 1, clock=time.monotonic))
    text = metrics.text(Cache(), pump.queue).decode()
    assert 'reelmill_openlineage_events_total{result="sent"} 1.0' in text
    assert 'reelmill_openlineage_events_total{result="failed"} 1.0' in text


def test_a_server_that_comes_back_is_told_of_once() -> None:
    said: list[str] = []
    failed = threading.Semaphore(0)
    with receiver() as server:
        emitter = LineageEmitter(
            f"{server.url}/api/v1/lineage", namespace="v", say=said.append, counted=lambda *_: failed.release()
        )
        server.answer = 403
        for number in range(3):
            emitter.tell(a_change(number))
        assert all(failed.acquire(timeout=60) for _ in range(3))
        server.answer = 201
        for number in range(2):
            emitter.tell(a_change(number))
        emitter.close(PATIENCE)
        assert server.paths == ["/api/v1/lineage"] * 2
    assert ["cannot be sent" in said[0], "again" in said[1], len(said)] == [True, True, 2]


def test_data_sets_have_the_names_that_others_give_them() -> None:
    assert location("s3://in/a/b/") == Location("s3://in", "a/b")
    assert location("s3://in") == Location("s3://in", "/")
    assert location("az://box/a") == Location("az://box", "a")
    assert location("/films/a") == Location("file", "/films/a")
    assert location("https://me:secret@host/a?sig=1").uri == "https://host/a?…"
    assert location("s3://in/a").uri == "s3://in/a"


def test_a_run_is_told_of_although_the_write_after_its_status_fails(tmp_path: Path) -> None:
    with receiver() as server:
        emitter = LineageEmitter(server.url, namespace="videos")

        async def test(rig: Rig) -> None:
            found = rig.stub.objects[PIPELINE]
            rig.stub.put(PIPELINE, {**found, "spec": {**found["spec"], "onDelete": "Delete"}})
            rig.stub.refusals.append((f"PATCH {PIPELINE}", 409, "the object has been modified", {}))
            again = watching(rig, emitter)
            for _ in range(3):
                await again.a_pass()
            assert rig.stub.refusals == []

        rigged(tmp_path, test)
        emitter.close(PATIENCE)
    assert [event["eventType"] for event in server.events] == ["START"]


def test_the_run_of_a_resource_that_was_replaced_under_its_name_ends(tmp_path: Path) -> None:
    with receiver() as server:
        emitter = LineageEmitter(server.url, namespace="videos")

        async def test(rig: Rig) -> None:
            again = watching(rig, emitter)
            await again.a_pass()
            new = {name: value for name, value in resource().items() if name != "status"}
            again.cache.pipelines.insert(rig.stub.put(PIPELINE, new))
            await again.a_pass()

        rigged(tmp_path, test)
        emitter.close(PATIENCE)
    assert [event["eventType"] for event in server.events] == ["START", "ABORT", "START"]
    first, ended, second = (event["run"]["runId"] for event in server.events)
    assert first == ended != second


def test_a_run_whose_jobs_wait_for_admission_ends_when_its_resource_is_gone(tmp_path: Path) -> None:
    with receiver() as server:
        emitter = LineageEmitter(server.url, namespace="videos")

        async def test(rig: Rig) -> None:
            found = rig.stub.objects[PIPELINE]
            rig.stub.put(PIPELINE, {**found, "spec": {**found["spec"], "queue": {"name": "video"}}})
            again = watching(rig, emitter)
            for _ in range(3):
                await again.a_pass()
                again.wait(20)
            assert again.job()["spec"]["suspend"] is True
            again.cache.pipelines.remove(rig.stub.objects[PIPELINE])
            await again.a_pass()

        rigged(tmp_path, test)
        emitter.close(PATIENCE)
    assert [event["eventType"] for event in server.events] == ["START", "ABORT"]
