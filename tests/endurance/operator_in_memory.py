"""The operator's code on an API server in memory: cache, lists, intake, queue and worker, step by step.

Only the tasks are replaced: `step` performs the next action, and the clock is the cluster's. A killed operator is
followed by another one without any state.
"""

import random
from collections.abc import Callable

from endurance.cluster_in_memory import ClusterInMemory
from endurance.request_faults import Faults, Json, Killed
from reelmill.controller.kube.api import KubeApi
from reelmill.controller.kube.api_errors import NoAnswer, Refusal, Throttled
from reelmill.controller.kube.event_recorder import EventRecorder
from reelmill.controller.kube.write_budget import Budget
from reelmill.controller.state.cache import Cache
from reelmill.controller.state.queue import WorkQueue
from reelmill.controller.watch.intake import Intake
from reelmill.controller.watch.resync import RETRY_SECONDS, Resync, StateWentBack
from reelmill.controller.work.job_writer import WritesRefused
from reelmill.controller.work.reconciler import PipelineWorker
from reelmill.plan import PlannerSettings


class OperatorInMemory:
    """One operator after the other, over a cluster."""

    def __init__(
        self, cluster: ClusterInMemory, faults: Faults, chance: random.Random, settings: PlannerSettings
    ) -> None:
        self.cluster, self.faults, self.chance, self.settings = cluster, faults, chance, settings
        self.lives = 0
        self._pending: list[tuple[str, str, Json]] = []
        self._held: list[tuple[str, str, Json]] = []
        """Events that its watches deliver only after the next pass."""
        cluster.api.watchers.append(self._happened)
        self._born()

    def _born(self) -> None:
        self.lives += 1
        clock: Callable[[], float] = lambda: self.cluster.seconds  # noqa: E731
        self.cache, self.queue = Cache(), WorkQueue(clock=clock, chance=self.chance.random)
        verbs = KubeApi(self.faults, Budget(1e6, 1_000_000, clock=clock))
        self._worker = PipelineWorker(
            self.cache,
            verbs,
            EventRecorder(verbs, "me"),
            self.settings,
            clock=clock,
            now=lambda: self.cluster.now,
        )
        self._intake = Intake(
            self.cache, self.queue.add, lambda key: self.queue.add_after(key, self._worker.progress_due(key))
        )
        self._resync = Resync(self.cache, verbs, (), self.queue.add, every=600)
        self._pending.clear()
        self._held.clear()
        self._listed = self._failed = False
        self.list_at = self.cluster.seconds

    def _happened(self, plural: str, type_: str, seen: Json) -> None:
        if plural in ("videopipelines", "jobs"):
            self._pending.append(("pipeline" if plural == "videopipelines" else "job", type_, seen))

    @property
    def settled(self) -> bool:
        """Whether it has nothing to do, and its last action succeeded."""
        return self._listed and not self._failed and not (self._pending or self._held) and self.due > 0

    @property
    def due(self) -> float:
        """Seconds until its next action."""
        wait = self.queue.next_due() if self._listed else None
        return max(min(self.list_at - self.cluster.seconds, 1e9 if wait is None else wait), 0.0)

    def deliver(self) -> None:
        """Deliver events of its watches, possibly late or twice."""
        if self._pending:
            kind, type_, seen = self._pending[0] if self.chance.random() < 0.1 else self._pending.pop(0)
            self._intake.take(kind, type_, seen)  # type: ignore[arg-type]

    def hold_last(self) -> None:
        """Hold back the last event until the operator has acted on all others."""
        if self._pending:
            *others, last = self._pending
            for kind, type_, seen in others:
                self._intake.take(kind, type_, seen)  # type: ignore[arg-type]
            self._pending, self._held = [], [*self._held, last]

    def cut(self) -> None:
        """Interrupt its watches, so that it misses events and lists again."""
        self._pending.clear()
        self._held.clear()
        self.list_at = self.cluster.seconds

    async def step(self) -> None:
        """List if that is due, otherwise reconcile one pipeline."""
        try:
            if self.cluster.seconds >= self.list_at:
                await self._list()
            elif self._listed and (taken := self.queue.take()):
                await self._pass(taken.key)
        except Killed:
            self._born()

    async def _list(self) -> None:
        try:
            await self._resync.once(look_at_all=True)
        except (Refusal, NoAnswer):
            self.list_at = self.cluster.seconds + RETRY_SECONDS
        except StateWentBack:
            self._born()
        else:
            self._listed, self.list_at = True, self.cluster.seconds + 600

    async def _pass(self, key: str) -> None:
        """Process a key like the tasks of the work queue, but propagate unexpected exceptions."""
        try:
            wake = await self._worker.process(key)
        except Throttled as throttled:
            self._failed = True
            self.queue.retry(key, throttled.after)
        except WritesRefused as refused:
            self._failed = True
            self.queue.retry(key)
            if refused.wake is not None:
                self.queue.add_after(key, refused.wake)
        except (NoAnswer, Refusal):
            self._failed = True
            self.queue.retry(key)
        else:
            self._failed = False
            self.queue.succeeded(key)
            if wake is not None:
                self.queue.add_after(key, wake)
        finally:
            self.queue.done(key)
            self._pending, self._held = [*self._held, *self._pending], []
