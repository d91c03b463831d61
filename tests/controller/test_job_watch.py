"""The watch of Jobs: it goes on from the version that it has come to, and begins anew where that is forgotten."""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from typing import Any, cast

import pytest

from reelmill.controller.kube.api_errors import NoAnswer
from reelmill.controller.kube.connection import ApiConnection
from reelmill.controller.watch.job_watch import JobWatch

Json = dict[str, Any]


class Script:
    """An API server whose watches end as the script says: with events, then an exception or the end of the response."""

    def __init__(self, *watches: list[Json | Exception]) -> None:
        self._watches = list(watches)
        self.asked: list[tuple[str, Mapping[str, str]]] = []
        self.over = asyncio.Event()

    async def lines(self, path: str, *, query: Mapping[str, str]) -> AsyncGenerator[str, None]:
        self.asked.append((path, query))
        for watch_event in self._watches.pop(0) if self._watches else []:
            if isinstance(watch_event, Exception):
                raise watch_event
            yield json.dumps(watch_event)
        if not self._watches:
            self.over.set()
            await asyncio.sleep(60)


def happened(type_: str, version: int, name: str = "a") -> Json:
    return {"type": type_, "object": {"metadata": {"name": name, "resourceVersion": str(version)}}}


def watched(*watches: list[Json | Exception], namespaces: tuple[str, ...] = ()) -> tuple[Script, list[object], int]:
    """(the server, what was taken, restarts) of a watch that ran until the script was over."""
    taken: list[object] = []
    restarts: list[None] = []

    async def main() -> Script:
        server = Script(*watches)
        watch = JobWatch(
            cast(ApiConnection, server),
            namespaces,
            take=lambda kind, type_, seen: taken.append((kind, type_, seen["metadata"]["name"])),
            sign=lambda namespace: None,
            restarted=lambda: restarts.append(None),
        )
        running = asyncio.ensure_future(watch.run())
        await server.over.wait()
        running.cancel()
        await asyncio.wait([running])
        return server

    return asyncio.run(main()), taken, len(restarts)


def test_it_goes_on_from_the_last_version_that_it_has_seen() -> None:
    server, taken, restarts = watched([happened("ADDED", 5), happened("MODIFIED", 7), happened("BOOKMARK", 9)], [])
    assert taken == [("job", "ADDED", "a"), ("job", "MODIFIED", "a")]
    assert [query.get("resourceVersion") for _, query in server.asked] == [None, "9"]
    assert restarts == 0


def test_it_starts_anew_when_the_server_has_forgotten_the_version() -> None:
    gone = {"type": "ERROR", "object": {"kind": "Status", "code": 410, "message": "too old resource version"}}
    server, taken, restarts = watched([happened("ADDED", 5)], [gone], [happened("ADDED", 8, "b")], [])
    assert [query.get("resourceVersion") for _, query in server.asked] == [None, "5", None, "8"]
    assert taken == [("job", "ADDED", "a"), ("job", "ADDED", "b")]
    assert restarts == 0


def test_a_version_that_the_server_does_not_know_yet_is_given_up_after_some_failures() -> None:
    early = NoAnswer("504: Too large resource version: 90, current: 5")
    server, taken, restarts = watched([happened("ADDED", 90)], [early], [early], [happened("ADDED", 6, "b")])
    assert [query.get("resourceVersion") for _, query in server.asked] == [None, "90", "90", None]
    assert taken == [("job", "ADDED", "a"), ("job", "ADDED", "b")]
    assert restarts == 2


def test_a_server_that_forgets_every_version_is_not_asked_without_pause() -> None:
    gone = {"type": "ERROR", "object": {"kind": "Status", "code": 410, "message": "too old resource version"}}
    server, _, restarts = watched([gone], [])
    assert [query.get("resourceVersion") for _, query in server.asked] == [None, None]
    assert restarts == 1


@pytest.mark.parametrize("response", ["no event", {"type": "ADDED", "object": {"metadata": {}}}], ids=str)
def test_a_response_that_is_no_event_is_counted_and_the_watch_continues(response: Any) -> None:
    server, taken, restarts = watched([happened("ADDED", 5), response], [happened("DELETED", 6)])
    assert taken == [("job", "ADDED", "a"), ("job", "DELETED", "a")]
    assert [query.get("resourceVersion") for _, query in server.asked] == [None, "5"]
    assert restarts == 1


def test_a_connection_that_breaks_costs_no_event_and_is_counted() -> None:
    server, taken, restarts = watched([happened("ADDED", 5), NoAnswer("reset by peer")], [happened("DELETED", 6)])
    assert taken == [("job", "ADDED", "a"), ("job", "DELETED", "a")]
    assert [query.get("resourceVersion") for _, query in server.asked] == [None, "5"]
    assert restarts == 1


def test_each_served_namespace_has_its_watch() -> None:
    server, _, _ = watched([], [], namespaces=("one", "two"))
    assert {path for path, _ in server.asked} == {f"/apis/batch/v1/namespaces/{name}/jobs" for name in ("one", "two")}
    assert {query["labelSelector"] for _, query in server.asked} == {"app.kubernetes.io/managed-by=reelmill"}
