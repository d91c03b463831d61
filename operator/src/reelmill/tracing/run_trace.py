"""The trace of one run: a span for the run, with child spans for each pass and survey and, below them, each step.

A step is exported as soon as it ends, the others at the end of the run, when their durations are known. IDs are derived
from names, so a run continues in the same trace after a restart of the operator.
"""

import secrets
from collections.abc import Callable, Mapping
from typing import Any

from reelmill.contract.conditions import ConditionType
from reelmill.contract.process.trace_context import ENV, TraceContext, job_context, span_id
from reelmill.contract.status import Status
from reelmill.plan.jobs.build import PIPELINE, SEGMENT, STAGE, TRACE
from reelmill.tracing.spans import Attribute, StepRun, TraceSpan, span_message


class RunTrace:
    """The trace of a run of a pipeline. `export` receives its spans, and never blocks or raises."""

    def __init__(self, namespace: str, name: str, export: Callable[[TraceSpan], None], trace_id: str = "") -> None:
        self.trace_id = trace_id or secrets.token_hex(16)
        self._export = export
        self._about: dict[str, Attribute] = {"k8s.namespace.name": namespace, PIPELINE: name}
        self._passes: dict[tuple[str, str], tuple[int, int]] = {}
        self._exported_runs: set[str] = set()

    def step(self, run: StepRun) -> None:
        """Export a step, unless it was exported before."""
        shard = "" if run.shard is None else f"/{run.shard}/{run.attempt}"
        if (run_and_shard := run.name + shard) in self._exported_runs:
            return
        self._exported_runs.add(run_and_shard)
        place = (run.stage, run.segment) if run.stage else (run.title, run.name)
        start, end = self._passes.get(place, (run.start, run.end))
        self._passes[place] = min(start, run.start), max(end, run.end)
        context = step_context(self.trace_id, run.name, run.shard, run.attempt)
        parent = span_id(self.trace_id, *place) if run.stage else self._root
        self._export(
            TraceSpan(
                run.title,
                self.trace_id,
                context.span_id,
                parent,
                run.start,
                run.end,
                run.attributes,
                span_message(run.error),
            )
        )

    def finish(self, error: str = "") -> None:
        """Export the passes and the run. A run without steps is not exported."""
        if not self._passes:
            return
        for (stage, segment), (start, end) in self._passes.items():
            if segment.isdigit():
                run_and_shard = span_id(self.trace_id, stage, segment)
                about = {**self._about, STAGE: stage, SEGMENT: segment}
                self._export(
                    TraceSpan(f"{stage} {segment}", self.trace_id, run_and_shard, self._root, start, end, about)
                )
        starts, ends = zip(*self._passes.values(), strict=True)
        title = f"run {self._about[PIPELINE]}"
        self._export(
            TraceSpan(title, self.trace_id, self._root, "", min(starts), max(ends), self._about, span_message(error))
        )

    @property
    def _root(self) -> str:
        return span_id(self.trace_id, "run")


def step_context(trace_id: str, job: str, shard: int | None, attempt: int) -> TraceContext:
    """The context of one process: that of its Job if the Job has one, otherwise that of the shard and its attempt."""
    context = job_context(trace_id, job)
    if shard is None:
        return context
    return TraceContext(trace_id, span_id(trace_id, "job", job, shard, attempt))


def trace_of(job: Mapping[str, Any]) -> str:
    """The trace that a Job belongs to; empty: none."""
    annotations = job["metadata"].get("annotations") or {}
    context = TraceContext.read({ENV: annotations.get(TRACE, "")})
    return context.trace_id if context else ""


def problem_of(status: Status) -> str:
    """A message why a run ended before it was complete; empty: it was complete, or it was stopped."""
    stalled = status.condition(ConditionType.STALLED)
    return f"{stalled.reason}: {stalled.message}" if stalled and stalled.status == "True" else ""
