"""Traces of the runs that the operator plans: the run of each pipeline, and which of its Jobs were exported.

They are kept in memory. After a restart, the operator reads the trace of a run from its Jobs, and exports existing Jobs
again, as the same spans.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from reelmill.contract.status import Status
from reelmill.tracing.run_trace import RunTrace, problem_of, trace_of
from reelmill.tracing.spans import TraceSpan, of_job

Json = Mapping[str, Any]


class RunTraces:
    """The trace of each pipeline with a run, by UID. Without `export`, there are none."""

    def __init__(self, export: Callable[[TraceSpan], None] | None = None) -> None:
        self._export = export
        self._traces: dict[str, RunTrace] = {}

    def begin(self, pipeline: Json, jobs: Sequence[Json]) -> str:
        """The trace that new Jobs of a pipeline are part of; empty: none."""
        if self._export is None:
            return ""
        metadata = pipeline["metadata"]
        found = self._traces.get(metadata["uid"])
        if found is None:
            live = (trace for job in jobs if of_job(job) is None and (trace := trace_of(job)))
            found = RunTrace(metadata["namespace"], metadata["name"], self._export, next(live, ""))
            self._traces[metadata["uid"]] = found
        return found.trace_id

    def tell(self, uid: str, jobs: Sequence[Json], status: Status, *, over: bool) -> None:
        """Export the Jobs that have ended, and the run when it is over."""
        if (trace := self._traces.get(uid)) is None:
            return
        for job in jobs:
            if trace_of(job) == trace.trace_id and (run := of_job(job)):
                trace.step(run)
        if over:
            trace.finish(problem_of(status))
            self.forget(uid)

    def forget(self, uid: str) -> None:
        """Forget the run of a deleted pipeline."""
        self._traces.pop(uid, None)
