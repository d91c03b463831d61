"""The periodic look at all pipelines comes, whatever happens to single namespaces. Time passes without waiting."""

import asyncio
import selectors
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, cast

import pytest

from controller.worker_rig import resource
from reelmill.controller.kube.api import PIPELINES, Kind, KubeApi, Page
from reelmill.controller.kube.api_errors import Forbidden, ServerFault
from reelmill.controller.state.cache import Cache
from reelmill.controller.state.queue import Priority
from reelmill.controller.watch.resync import Resync

EVERY = 300.0
Refuse = Callable[[], Exception]


class _ImpatientSelector(selectors.DefaultSelector):
    """Skips the time for which a loop without events would wait."""

    skipped = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        events = super().select(0)
        if not events:
            self.skipped += max(timeout or 0.0, 0.001)
        return events


class _SkippingLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._impatient = _ImpatientSelector()
        super().__init__(self._impatient)

    def time(self) -> float:
        return self._impatient.skipped


class _Lists:
    """Stands for an API server with two namespaces, of which one cannot be listed."""

    def __init__(self, refuse: Refuse) -> None:
        self._refuse = refuse

    async def pages(self, kind: Kind, namespace: str | None = None) -> AsyncIterator[Page]:
        if namespace == "shut":
            raise self._refuse()
        metadata = {"uid": "1", "resourceVersion": "5"}
        found = resource()
        found["metadata"] |= metadata
        yield Page([found] if kind == PIPELINES else [], 5)


def looks_in(seconds: float, refuse: Refuse, *, asked_every: float) -> list[str]:
    """The keys of pipelines that are looked at within this time, while lists of `shut` are requested repeatedly."""
    looks: list[str] = []

    async def main() -> None:
        resync = Resync(
            Cache(),
            cast("KubeApi", _Lists(refuse)),
            ("shut", "team"),
            lambda key, priority: looks.append(key) if priority is Priority.LOOK else None,
            every=EVERY,
        )

        async def ask() -> None:
            while True:
                resync.ask("shut")
                await asyncio.sleep(asked_every)

        await _for(seconds, resync.run(), ask())

    with asyncio.Runner(loop_factory=_SkippingLoop) as runner:
        runner.run(main())
    return looks


async def _for(seconds: float, *tasks: Coroutine[Any, Any, None]) -> None:
    running = [asyncio.ensure_future(task) for task in tasks]
    _, pending = await asyncio.wait(running, timeout=seconds)
    for task in running:
        task.cancel()
    for result in await asyncio.gather(*running, return_exceptions=True):
        assert isinstance(result, asyncio.CancelledError), result
    assert len(pending) == len(running)


@pytest.mark.parametrize("asked_every", [1.0, 30.0, 250.0])
@pytest.mark.parametrize(
    "refuse", [lambda: Forbidden(403, "not yours"), lambda: ServerFault("500: broken")], ids=["forbidden", "broken"]
)
def test_a_namespace_that_cannot_be_listed_delays_no_look_at_the_others(refuse: Refuse, asked_every: float) -> None:
    looks = looks_in(10 * EVERY, refuse, asked_every=asked_every)
    # Each look is due after 0.9 to 1.1 of the interval, and may wait for a list that is under way.
    assert 8 <= looks.count("team/demo") <= 13
