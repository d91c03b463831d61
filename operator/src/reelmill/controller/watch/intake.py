"""Handles watch events: updates the cache and adds the pipeline concerned to the queue."""

from collections.abc import Callable
from typing import Any, Literal

from reelmill.controller.state.cache import Cache, difference, job_key, pipeline_key
from reelmill.controller.state.queue import Priority

Json = dict[str, Any]
Kind = Literal["pipeline", "job"]

PROGRESS = frozenset({"status.active", "status.ready", "status.startTime", "status.completedIndexes"})
"""Fields of a Job that only tell how far it is."""
PROGRESS_SECONDS = 5.0
"""How long a pipeline waits for further changes when its Jobs have only made progress."""


class Intake:
    """Handles watch events. `enqueue` adds a pipeline to the queue at once, `later` after a number of seconds."""

    def __init__(
        self, cache: Cache, enqueue: Callable[[str, Priority], None], later: Callable[[str, float], None]
    ) -> None:
        self._cache, self._enqueue, self._later = cache, enqueue, later

    def take(self, kind: Kind, type_: str | None, seen: Json) -> None:
        """Handle an event. `type_` is its type; None: the object was listed when a watch started."""
        store = self._cache.pipelines if kind == "pipeline" else self._cache.jobs
        before = store.known(seen)
        changed = store.remove(seen) if type_ == "DELETED" else store.insert(seen)
        key = pipeline_key(seen) if kind == "pipeline" else job_key(seen)
        different = difference(before, store.known(seen)) if changed else set()
        if not key or not different:
            return
        if kind == "job" and different <= PROGRESS:
            self._later(key, PROGRESS_SECONDS)
        else:
            self._enqueue(key, Priority.CHANGE)
