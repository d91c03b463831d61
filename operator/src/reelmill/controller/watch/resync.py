"""Full lists at the start, periodically, and after a restart of the watches, to find changes that watches missed."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from reelmill.contract.backoff import chance
from reelmill.contract.log import event
from reelmill.controller.kube.api import JOBS, PIPELINES, Kind, KubeApi
from reelmill.controller.kube.api_errors import Forbidden, NoAnswer, Refusal
from reelmill.controller.state.cache import Cache, KindCache, job_key, pipeline_key
from reelmill.controller.state.queue import Priority

Json = dict[str, Any]
_log = logging.getLogger(__name__)
SETTLE_SECONDS = 1.0
"""Seconds to wait before a list, because watches of several kinds restart together."""
APART_SECONDS = 15.0
"""Minimum time in seconds between two lists, however often watches restart."""
RETRY_SECONDS = 5.0


class StateWentBack(Exception):
    """The API server has an earlier state than before, such as after the restore of a backup.

    Nothing that was seen since is true any more, so the operator has to start again without it.
    """


class Resync:
    """Keeps the cache up to date. `enqueue` is called with the keys of pipelines to process, and `renewed` when other
    namespaces than before can be read.
    """

    def __init__(
        self,
        cache: Cache,
        verbs: KubeApi,
        namespaces: Sequence[str],
        enqueue: Callable[[str, Priority], None],
        *,
        every: float,
        counted: Callable[[], None] = lambda: None,
        renewed: Callable[[], None] = lambda: None,
    ) -> None:
        self._cache, self._verbs, self._enqueue = cache, verbs, enqueue
        self._namespaces: tuple[str | None, ...] = tuple(namespaces) or (None,)
        self._every, self._counted, self._renewed = every, counted, renewed
        self._forbidden: set[str | None] = set()
        self._announced = self.readable
        self._asked: set[str | None] = set()
        self._asked_any = asyncio.Event()
        self._listed = self._next_look = float("-inf")

    @property
    def readable(self) -> list[str]:
        """The namespaces that could be listed the last time, or all if there is none; empty: the whole cluster."""
        found = [name for name in self._namespaces if name and name not in self._forbidden]
        return found or [name for name in self._namespaces if name]

    def ask(self, namespace: str | None = None) -> None:
        """Request a list of a namespace, or of all of them."""
        self._asked.update((namespace,) if namespace else self._namespaces)
        self._asked_any.set()

    async def begin(self) -> None:
        """Take the first list; retries until the cache is complete."""
        while not await self._is_listed(self._namespaces, look_at_all=True):
            pass

    async def run(self) -> None:
        """Take lists periodically and on request, until cancelled. Requests do not delay the periodic lists."""
        loop = asyncio.get_running_loop()
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(self._next_look):
                    await self._asked_any.wait()
                    await asyncio.sleep(max(SETTLE_SECONDS, self._listed + APART_SECONDS - loop.time()))
            is_due = loop.time() >= self._next_look
            wanted = [name for name in self._namespaces if is_due or name in self._asked]
            self._asked.clear()
            self._asked_any.clear()
            if not await self._is_listed(wanted, look_at_all=is_due):
                self._asked.update(wanted)
                self._asked_any.set()

    async def once(self, namespaces: Sequence[str | None] = (), *, look_at_all: bool) -> None:
        """List some or all namespaces, and enqueue the pipelines with changes, or all of them. Raises StateWentBack.

        A namespace that the operator may not read is skipped, unless there is no other. If lists fail, the others are
        taken before the last failure is raised.

        Pipelines are listed before Jobs, so that a Job that a status refers to is either in the list or deleted.
        """
        refused_before = set(self._forbidden)
        failure: Refusal | NoAnswer | None = None
        is_any_listed = False
        for namespace in namespaces or self._namespaces:
            try:
                await self._list_both(namespace)
            except Forbidden as refusal:
                # A deleted namespace takes its RoleBinding with it. The other namespaces do not depend on it.
                event(_log, f"cannot list: {refusal}", level=logging.WARNING, namespace=namespace)
                if namespace in refused_before:
                    self._forget_namespace(namespace)
                self._forbidden.add(namespace)
                if self._forbidden.issuperset(self._namespaces):
                    failure = refusal
            except (Refusal, NoAnswer) as trouble:
                failure = trouble
            else:
                self._forbidden.discard(namespace)
                is_any_listed = True
        # A list that failed may have changed the readable namespaces, too.
        if self.readable != self._announced:
            self._announced = self.readable
            self._renewed()
        now = asyncio.get_running_loop().time()
        if look_at_all and is_any_listed:
            for pipeline in self._cache.pipelines:
                self._enqueue(pipeline_key(pipeline), Priority.LOOK)
            self._next_look = now + self._every * (0.9 + 0.2 * chance())
        if failure:
            raise failure
        self._counted()
        self._listed = now

    def _forget_namespace(self, namespace: str | None) -> None:
        """Forget a namespace that two lists in a row could not read: others may change it unnoticed.

        The first refusal may be due to an API server that has just started.
        """
        if namespace is None:
            return
        self._cache.jobs.drop(namespace)
        for pipeline in self._cache.pipelines.drop(namespace):
            self._enqueue(pipeline_key(pipeline), Priority.CHANGE)

    async def _list_both(self, namespace: str | None) -> None:
        for changed in await self._list(PIPELINES, self._cache.pipelines, namespace):
            self._enqueue(pipeline_key(changed), Priority.CHANGE)
        for changed in await self._list(JOBS, self._cache.jobs, namespace):
            if key := job_key(changed):
                self._enqueue(key, Priority.CHANGE)

    async def _list(self, kind: Kind, store: KindCache, namespace: str | None) -> list[Json]:
        kept, version, before = [], 0, store.newest
        async for page in self._verbs.pages(kind, namespace):
            kept += [store.trim(item) for item in page.items]
            version = page.version
        if 0 < version < before:
            raise StateWentBack(f"a list of {kind[1]} has version {version}, although version {before} was seen before")
        if store.contradicts(kept, version):
            raise StateWentBack(f"a list of {kind[1]} has earlier versions of objects than were seen before")
        return store.replace(kept, version, namespace)

    async def _is_listed(self, namespaces: Sequence[str | None], *, look_at_all: bool) -> bool:
        """Take lists; returns whether all of them succeeded, after a delay if not."""
        try:
            await self.once(namespaces, look_at_all=look_at_all)
        except (Refusal, NoAnswer) as trouble:
            # A missing CRD (404), a missing permission (403) and an unavailable server may all be temporary.
            event(_log, f"cannot list: {trouble}", level=logging.WARNING, retry_after=RETRY_SECONDS)
            await asyncio.sleep(RETRY_SECONDS)
            return False
        return True
