"""Trace context, as a W3C `traceparent` in an environment variable, which links a pod's logs to a trace.

The format is https://www.w3.org/TR/trace-context/; the variable is defined by OpenTelemetry.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

ENV = "TRACEPARENT"
_TEXT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}", re.ASCII)


@dataclass(frozen=True, slots=True)
class TraceContext:
    """A trace and the parent span of a process: 32 and 16 hex digits."""

    trace_id: str
    span_id: str

    def __str__(self) -> str:
        return f"00-{self.trace_id}-{self.span_id}-01"

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> "TraceContext | None":
        """Read the context from a process's environment; None if it is missing or invalid."""
        found = _TEXT.fullmatch(environment.get(ENV, ""))
        return cls(*found.groups()) if found else None


def span_id(trace_id: str, *names: str | int) -> str:
    """The ID of the span with that name in a trace. Equal names give equal IDs, so they need not be passed around."""
    return hashlib.sha256("\0".join([trace_id, *map(str, names)]).encode()).hexdigest()[:16]


def job_context(trace_id: str, job: str) -> TraceContext:
    """The context of a Job's pods: the span of the Job."""
    return TraceContext(trace_id, span_id(trace_id, "job", job))


def traced(environment: Mapping[str, str]) -> dict[str, str]:
    """Log record fields that identify the trace, named as in OpenTelemetry; empty outside a trace."""
    context = TraceContext.read(environment)
    return {"trace_id": context.trace_id, "span_id": context.span_id} if context else {}
