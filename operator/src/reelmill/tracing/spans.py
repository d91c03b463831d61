"""Spans, and the attributes and parent of the span of a step."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from reelmill.contract.text.urls import without_secrets
from reelmill.plan.jobs.build import ATTEMPT, GROUP, PIPELINE, SEGMENT, SHARDS, STAGE, STEP
from reelmill.plan.snapshot import moment

Attribute = str | int
SHARD = f"{GROUP}/shard"
LABELS = (PIPELINE, STAGE, SEGMENT, STEP, ATTEMPT)
MESSAGE = 1000
"""Maximum length of an error in a span, in characters."""


@dataclass(frozen=True, slots=True)
class TraceSpan:
    """A span, with times in nanoseconds since 1970. IDs are hex digits; a span without a parent is the root."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str
    start: int
    end: int
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    error: str = ""
    """Error message; empty: it succeeded."""


@dataclass(frozen=True, slots=True)
class StepRun:
    """A step of a pass that has ended: a process on one machine, or a Job."""

    job: Mapping[str, Any]
    start: int
    end: int
    error: str = ""
    shard: int | None = None
    """Number of the shard that it worked on; None for other steps, and for a Job with several shards."""
    attempt: int = 0
    """Number of earlier failures of this shard."""

    @property
    def name(self) -> str:
        name: str = self.job["metadata"]["name"]
        return name

    @property
    def stage(self) -> str:
        """Empty for a survey, a verification and a removal."""
        return str(self._labels.get(STAGE, ""))

    @property
    def segment(self) -> str:
        return str(self._labels.get(SEGMENT, ""))

    @property
    def title(self) -> str:
        """`clips shards 3`."""
        return " ".join(filter(None, [self.stage, self._labels.get(STEP, ""), self._shard]))

    @property
    def attributes(self) -> dict[str, Attribute]:
        """The Job's labels, its number of shards or the shard's number, and OpenTelemetry's attributes (`k8s.…`)."""
        labels = {
            name: self._labels[name] for name in (PIPELINE, STAGE, SEGMENT, STEP, ATTEMPT) if name in self._labels
        }
        place = {"k8s.namespace.name": self.job["metadata"].get("namespace") or "", "k8s.job.name": self.name}
        shards = int((self.job.get("spec") or {}).get("completions") or 1)
        return {**labels, **place, **({SHARDS: shards} if self.shard is None else {SHARD: self.shard})}

    @property
    def _labels(self) -> Mapping[str, str]:
        labels: Mapping[str, str] = self.job["metadata"].get("labels") or {}
        return labels

    @property
    def _shard(self) -> str:
        return "" if self.shard is None else str(self.shard)


def of_job(job: Mapping[str, Any]) -> StepRun | None:
    """The step of a Job in a cluster; None if the Job is not finished or never started."""
    status = job.get("status") or {}
    ended = [each for each in status.get("conditions") or () if each.get("type") in ("Complete", "Failed")]
    ended = [each for each in ended if each.get("status") == "True"]
    began = moment(str(status.get("startTime") or ""))
    if not ended or began is None:
        return None
    condition = ended[0]
    end = moment(str(status.get("completionTime") or condition.get("lastTransitionTime") or "")) or began
    failed = condition["type"] == "Failed"
    error = f"{condition.get('reason', '')}: {condition.get('message', '')}" if failed else ""
    return StepRun(job, nanoseconds(began), max(nanoseconds(end), nanoseconds(began)), error)


def nanoseconds(at: datetime) -> int:
    """Nanoseconds since 1970."""
    return round(at.timestamp()) * 10**9


def span_message(error: str) -> str:
    """Prepare an error for a span: shortened, and without credentials."""
    return without_secrets(error)[:MESSAGE]
