"""Full lists: once at the start, now and then, and whenever watching began anew. What watches missed ends here."""

import asyncio
import logging
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from reelmill.contract.log import event
from reelmill.controller.kube.api import JOBS, PIPELINES, Kind, KubeApi
from reelmill.controller.kube.api_errors import NoAnswer, Refusal
from reelmill.controller.state.cache import Cache, KindCache, job_key, pipeline_key
from reelmill.controller.state.queue import Priority

Json = dict[str, Any]
_log = logging.getLogger(__name__)
SETTLE_SECONDS = 1.0
"""Watches of several kinds begin anew together: one list answers all of them."""
APART_SECONDS = 15.0
"""Least time between two lists, however often watches begin anew."""
RETRY_SECONDS = 5.0


class Resync:
    """Keeps the cache true. `enqueue` is told the keys of pipelines that need a look."""

    def __init__(
        self,
        cache: Cache,
        verbs: KubeApi,
        namespaces: Sequence[str],
        enqueue: Callable[[str, Priority], None],
        *,
        every: float,
        counted: Callable[[], None] = lambda: None,
    ) -> None:
        self._cache, self._verbs, self._enqueue = cache, verbs, enqueue
        self._namespaces: Sequence[str | None] = namespaces or (None,)
        self._every, self._counted = every, counted
        self._asked = asyncio.Event()
        self._listed = float("-inf")

    def ask(self) -> None:
        """List everything soon."""
        self._asked.set()

    async def begin(self) -> None:
        """The first list: returns when the cache holds everything, however long that takes."""
        await self._until_listed(look_at_all=True)

    async def run(self) -> None:
        """List again and again, until cancelled."""
        while True:
            asked = False
            with suppress(TimeoutError):
                async with asyncio.timeout(self._every * (0.9 + 0.2 * random.random())):  # noqa: S311 - jitter, no secret
                    await self._asked.wait()
                    asked = True
            if asked:
                loop = asyncio.get_running_loop()
                await asyncio.sleep(max(SETTLE_SECONDS, self._listed + APART_SECONDS - loop.time()))
            self._asked.clear()
            await self._until_listed(look_at_all=not asked)

    async def once(self, *, look_at_all: bool) -> None:
        """List all and enqueue the pipelines of what changed, or every one.

        Pipelines are listed before Jobs: then a Job that a status speaks of is either in the list or gone.
        """
        for namespace in self._namespaces:
            for changed in await self._list(PIPELINES, self._cache.pipelines, namespace):
                self._enqueue(pipeline_key(changed), Priority.CHANGE)
            for changed in await self._list(JOBS, self._cache.jobs, namespace):
                if key := job_key(changed):
                    self._enqueue(key, Priority.CHANGE)
        if look_at_all:
            for pipeline in self._cache.pipelines:
                self._enqueue(pipeline_key(pipeline), Priority.LOOK)
        self._counted()
        self._listed = asyncio.get_running_loop().time()

    async def _list(self, kind: Kind, store: KindCache, namespace: str | None) -> list[Json]:
        kept, version = [], 0
        async for page in self._verbs.pages(kind, namespace):
            kept += [store.trim(item) for item in page.items]
            version = page.version
        return store.replace(kept, version, namespace)

    async def _until_listed(self, *, look_at_all: bool) -> None:
        while True:
            try:
                await self.once(look_at_all=look_at_all)
            except (Refusal, NoAnswer) as trouble:
                # A missing definition (404), a missing right (403), a server that is away: all of it may pass.
                event(_log, f"cannot list: {trouble}", level=logging.WARNING, retry_after=RETRY_SECONDS)
                await asyncio.sleep(RETRY_SECONDS)
            else:
                return
