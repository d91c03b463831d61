"""Handles watch events: updates the cache and adds the pipeline concerned to the queue."""

from collections.abc import Callable
from typing import Any, Literal

from reelmill.controller.state.cache import Cache, difference, job_key, pipeline_key
from reelmill.controller.state.queue import Priority

Json = dict[str, Any]
Kind = Literal["pipeline", "job"]

PROGRESS = frozenset({"status.active", "status.ready", "status.startTime", "status.completedIndexes"})
"""Fields of a Job that only show its progress."""


class Intake:
    """Handles watch events. `enqueue` queues a pipeline at once, `later` when its progress may be written."""

    def __init__(self, cache: Cache, enqueue: Callable[[str, Priority], None], later: Callable[[str], None]) -> None:
        self._cache, self._enqueue, self._later = cache, enqueue, later

    def take(self, kind: Kind, type_: str | None, seen: Json) -> None:
        """Handle an event. `type_` is its type; None: the object was listed when a watch started."""
        store = self._cache.pipelines if kind == "pipeline" else self._cache.jobs
        before = store.known(seen)
        changed = store.leave(seen) if type_ == "DELETED" else store.insert(seen)
        key = pipeline_key(seen) if kind == "pipeline" else job_key(seen)
        different = _changed_fields(kind, before, store.known(seen)) if changed else set()
        if not key or not different:
            return
        if different <= (PROGRESS if kind == "job" else {"status"}):
            self._later(key)
        else:
            self._enqueue(key, Priority.CHANGE)


def _changed_fields(kind: Kind, before: Json | None, after: Json | None) -> set[str]:
    """The names of the fields in which two versions of an object differ; of a new Job, only those of its status.

    The operator itself creates Jobs and writes statuses, and a watch may deliver them before the response arrives.
    """
    if kind == "job" and before is None and after is not None:
        return {"status.active"} | {f"status.{name}" for name in after["status"]}
    found = difference(before, after)
    return {part.partition(".")[0] for part in found} if kind == "pipeline" else found
