"""A Job of a local run: its body as in the Kubernetes API, and its remaining work."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from reelmill.contract.process.trace_context import ENV as TRACE_ENV
from reelmill.contract.process.trace_context import TraceContext
from reelmill.contract.task import Step, Task
from reelmill.local.process import Process
from reelmill.plan.jobs.build import STEP, shards_of
from reelmill.tracing.run_trace import step_context


@dataclass(eq=False, slots=True)
class LocalJob:
    """A Job, its remaining work, and its process."""

    body: dict[str, Any]
    todo: list[int]
    task: Task
    beside: Mapping[str, str] = field(default_factory=dict)
    """Variables in addition to the task: `REELMILL_NEXT`, `REELMILL_RUN_REPORT` and `TRACEPARENT`, if set."""
    tries: dict[int, int] = field(default_factory=dict)
    not_before: dict[int, float] = field(default_factory=dict)
    done: set[int] = field(default_factory=set)
    failed: set[int] = field(default_factory=set)
    process: Process | None = None
    report: str = ""

    @property
    def name(self) -> str:
        name: str = self.body["metadata"]["name"]
        return name

    @property
    def processes_items(self) -> bool:
        """Whether it processes items."""
        return self.body["metadata"]["labels"].get(STEP) in (Step.SHARDS, Step.WHOLE)

    @property
    def finished(self) -> bool:
        return bool(self.body["status"].get("conditions"))

    @property
    def is_at_rest(self) -> bool:
        """Whether it is suspended and has no running process."""
        return self.process is None and bool(self.body["spec"].get("suspend"))

    @property
    def ready(self) -> bool:
        idle = self.process is None and not self.finished and "deletionTimestamp" not in self.body["metadata"]
        return idle and not self.body["spec"].get("suspend")

    def place(self, index: int) -> tuple[int | None, int]:
        """(shard, number of its failures so far) of the next process; no shard if one process does the whole Job."""
        if self.body["spec"]["completions"] == 1 and not self.tries:
            return None, 0
        shards = shards_of(self.body)
        return (shards[index] if index < len(shards) else index), self.tries.get(index, 0)

    def trace(self, index: int) -> dict[str, str]:
        """The trace variables of the next process; empty without a trace."""
        context = TraceContext.read(self.beside)
        if context is None:
            return {}
        return {TRACE_ENV: str(step_context(context.trace_id, self.name, *self.place(index)))}
