"""Handles watch events: updates the cache and adds the pipeline concerned to the queue."""

from collections.abc import Callable
from typing import Any, Literal

from reelmill.controller.state.cache import Cache, job_key, pipeline_key
from reelmill.controller.state.queue import Priority

Json = dict[str, Any]
Kind = Literal["pipeline", "job"]


class Intake:
    """Handles watch events."""

    def __init__(self, cache: Cache, enqueue: Callable[[str, Priority], None]) -> None:
        self._cache, self._enqueue = cache, enqueue

    def take(self, kind: Kind, type_: str | None, seen: Json) -> None:
        """Handle an event. `type_` is its type; None: the object was listed when a watch started."""
        store = self._cache.pipelines if kind == "pipeline" else self._cache.jobs
        changed = store.remove(seen) if type_ == "DELETED" else store.insert(seen)
        key = pipeline_key(seen) if kind == "pipeline" else job_key(seen)
        if changed and key:
            self._enqueue(key, Priority.CHANGE)
