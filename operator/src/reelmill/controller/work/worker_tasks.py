"""Tasks that process the keys of the work queue, with backoff after failures.

There are as many tasks as pipelines may be processed at the same time; some wait while the API server is slow. A key
is taken only when the budget has a write for it and for each key in process, so that keys wait in the queue, where
their changes are merged, and not in the middle of a pass.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

from reelmill.contract.backoff import chance
from reelmill.contract.log import event
from reelmill.controller.kube.api_errors import Fenced, NoAnswer, Refusal, Throttled
from reelmill.controller.kube.write_budget import Budget
from reelmill.controller.monitoring.metrics import Metrics
from reelmill.controller.state.concurrency import ConcurrencyLimit
from reelmill.controller.state.queue import Priority, TakenKey, WorkQueue
from reelmill.controller.work.job_writer import WritesRefused

_log = logging.getLogger(__name__)
Process = Callable[[str], Awaitable[float | None]]


class Pump:
    """A work queue and its tasks. All calls must come from one event loop."""

    def __init__(self, process: Process, metrics: Metrics, limit: ConcurrencyLimit, budget: Budget) -> None:
        self.queue = WorkQueue(clock=time.monotonic, chance=chance)
        self._process, self._metrics, self._limit, self._budget = process, metrics, limit, budget
        self._changed, self._take_lock = asyncio.Event(), asyncio.Lock()

    def add(self, key: str, priority: Priority = Priority.CHANGE) -> None:
        """Add a pipeline to the queue."""
        self.queue.add(key, priority)
        self._changed.set()

    def add_after(self, key: str, seconds: float) -> None:
        """Add a pipeline to the queue after a delay."""
        self.queue.add_after(key, seconds)
        self._changed.set()

    async def run(self) -> None:
        """Process keys until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self._limit.most):
                group.create_task(self._work())

    async def _work(self) -> None:
        while True:
            taken = await self._next_key()
            self._metrics.queue_wait.observe(taken.waited)
            began = time.monotonic()
            try:
                result = await self._process_one(taken.key)
            finally:
                self.queue.done(taken.key)
                self._changed.set()
            self._metrics.reconciled(result, time.monotonic() - began)

    async def _next_key(self) -> TakenKey:
        # Only one task waits at a time, because a change wakes all that wait.
        async with self._take_lock:
            while True:
                in_process = len(self.queue.in_flight)
                due = self.queue.next_due() if in_process < self._limit.value else None
                held = self._budget.seconds_until(in_process + 1) if due == 0 else 0.0
                if due == 0 and not held and (taken := self.queue.take()):
                    return taken
                began = time.monotonic()
                await self._change_within(held or due)
                if held:
                    self._metrics.write_limit_seconds.inc(time.monotonic() - began)

    async def _change_within(self, seconds: float | None) -> None:
        """Wait for a change, at most this long; None: without limit."""
        self._changed.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()

    async def _process_one(self, key: str) -> str:
        try:
            wake = await self._process(key)
        except Throttled as throttled:
            self.queue.retry(key, throttled.after)
            return "requeue_after"
        except (NoAnswer, Refusal, WritesRefused) as trouble:
            delay = self.queue.retry(key)
            if isinstance(trouble, WritesRefused) and trouble.wake is not None:
                self.queue.add_after(key, trouble.wake)
            event(_log, str(trouble), level=logging.WARNING, pipeline=key, retry_after=round(delay, 1))
            return "error"
        except Fenced:
            self.queue.retry(key)
            return "error"
        except Exception:
            delay = self.queue.retry(key)
            _log.exception("internal error", extra={"fields": {"pipeline": key, "retry_after": round(delay, 1)}})
            return "error"
        self.queue.succeeded(key)
        if wake is None:
            return "success"
        self.queue.add_after(key, wake)
        return "requeue_after"
