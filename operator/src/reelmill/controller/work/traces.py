"""The traces of the runs that the operator plans: which run a pipeline is in, and which of its Jobs were told.

They are in memory. An operator that was restarted finds the trace of a run at its Jobs, and tells those again that are
still there, as the same spans.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from reelmill.contract.status import Status
from reelmill.tracing.run_trace import RunTrace, problem_of, trace_of
from reelmill.tracing.spans import TraceSpan, of_job

Json = Mapping[str, Any]


class RunTraces:
    """The trace of each pipeline with a run, by its UID. Without `export` there is none."""

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
        """Tell the Jobs that have ended, and the run once it is over."""
        if (trace := self._traces.get(uid)) is None:
            return
        for job in jobs:
            if trace_of(job) == trace.trace_id and (run := of_job(job)):
                trace.step(run)
        if over:
            trace.finish(problem_of(status))
            self.forget(uid)

    def forget(self, uid: str) -> None:
        """Forget the run of a pipeline that is gone."""
        self._traces.pop(uid, None)
