"""What watches bring: into the cache, and the pipeline that it is about into the queue. Nothing else happens here."""

from collections.abc import Callable
from typing import Any, Literal

from reelmill.controller.state.cache import Cache, job_key, pipeline_key
from reelmill.controller.state.queue import Priority

Json = dict[str, Any]
Kind = Literal["pipeline", "job"]


class Intake:
    """Takes up events."""

    def __init__(self, cache: Cache, enqueue: Callable[[str, Priority], None]) -> None:
        self._cache, self._enqueue = cache, enqueue

    def take(self, kind: Kind, type_: str | None, seen: Json) -> None:
        """One event. `type_` is the watch's word; None: the object was listed when a watch began."""
        store = self._cache.pipelines if kind == "pipeline" else self._cache.jobs
        changed = store.remove(seen) if type_ == "DELETED" else store.insert(seen)
        key = pipeline_key(seen) if kind == "pipeline" else job_key(seen)
        if changed and key:
            self._enqueue(key, Priority.CHANGE)
