"""Kubernetes Events about pipelines: one object for each message, with a count of its repetitions."""

import hashlib
from datetime import datetime
from typing import Any

from reelmill.contract.status import cut
from reelmill.controller.kube.api import KubeApi
from reelmill.controller.kube.api_errors import Conflict, ObjectNotFound, Refusal
from reelmill.plan import Event
from reelmill.plan.snapshot import stamp

Json = dict[str, Any]
COMPONENT = "reelmill-operator"
REMEMBERED = 10_000
MESSAGE = 1000
"""Maximum length of a message in characters; the limit of the API server is 1024."""


class EventRecorder:
    """Writes events about pipelines."""

    def __init__(self, verbs: KubeApi, identity: str) -> None:
        self._verbs, self._identity = verbs, identity
        self._counts: dict[tuple[str, str], int] = {}

    async def say(self, pipeline: Json, event: Event, now: datetime) -> None:
        """Write an event, or increase its count. Ignores Refusal, raises NoAnswer."""
        namespace, name = pipeline["metadata"]["namespace"], event_name(pipeline, event)
        key = (namespace, name)
        count = self._counts.get(key, 0) + 1
        try:
            if count > 1 and await self._repeat_event(namespace, name, count, now):
                self._keep_count(key, count)
                return
            try:
                await self._verbs.create_event(self._event_body(pipeline, event, name, now))
            except Conflict:
                await self._repeat_event(namespace, name, None, now)
            self._keep_count(key, 1)
        except Refusal:
            # A namespace that is being deleted accepts no more events.
            return

    async def _repeat_event(self, namespace: str, name: str, count: int | None, now: datetime) -> bool:
        counted = {} if count is None else {"count": count}
        try:
            await self._verbs.patch_event(namespace, name, {"lastTimestamp": stamp(now), **counted})
        except ObjectNotFound:
            return False
        return True

    def _keep_count(self, key: tuple[str, str], count: int) -> None:
        self._counts[key] = count
        while len(self._counts) > REMEMBERED:
            del self._counts[next(iter(self._counts))]

    def _event_body(self, pipeline: Json, event: Event, name: str, now: datetime) -> Json:
        metadata = pipeline["metadata"]
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": metadata["namespace"]},
            "involvedObject": {
                "apiVersion": pipeline.get("apiVersion"),
                "kind": pipeline.get("kind"),
                "name": metadata["name"],
                "namespace": metadata["namespace"],
                "uid": metadata["uid"],
            },
            "type": event.type,
            "reason": event.reason,
            "message": cut(event.text, MESSAGE),
            "firstTimestamp": stamp(now),
            "lastTimestamp": stamp(now),
            "count": 1,
            "source": {"component": COMPONENT},
            "reportingComponent": COMPONENT,
            "reportingInstance": self._identity,
        }


def event_name(pipeline: Json, event: Event) -> str:
    """The name of the event object, equal for equal messages about the same resource."""
    identity = "\0".join((pipeline["metadata"]["uid"], event.type, event.reason, event.text))
    return f"{pipeline['metadata']['name']}.{hashlib.sha256(identity.encode()).hexdigest()[:16]}"
