"""Spans, and the step of a pass as a span: what is told of it, and where it belongs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from reelmill.contract.text.urls import without_secrets
from reelmill.plan.jobs.build import ATTEMPT, PIPELINE, SEGMENT, STAGE, STEP
from reelmill.plan.snapshot import moment

Attribute = str | int
MESSAGE = 1000
"""Characters of an error that a span tells."""


@dataclass(frozen=True, slots=True)
class Span:
    """Something that took time, in nanoseconds since 1970. Ids are hex digits; no parent: the root of its trace."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str
    start: int
    end: int
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    error: str = ""
    """Why it failed; empty: it did not."""


@dataclass(frozen=True, slots=True)
class StepRun:
    """A step of a pass that has ended: a process on one machine, or a Job."""

    job: Mapping[str, Any]
    start: int
    end: int
    error: str = ""
    shard: int | None = None
    """Number of the shard that it worked on; None for other steps, and for a Job of several."""
    attempt: int = 0
    """How often this shard failed before."""

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
        """As OpenTelemetry names them where it does (`k8s.…`), and below `reelmill.` otherwise."""
        labels, metadata = self._labels, self.job["metadata"]
        found: dict[str, Attribute] = {
            "reelmill.pipeline": labels.get(PIPELINE, ""),
            "reelmill.step": labels.get(STEP, ""),
            "k8s.namespace.name": metadata.get("namespace") or "",
            "k8s.job.name": self.name,
        }
        if self.stage:
            found |= {"reelmill.stage": self.stage, "reelmill.segment": int(self.segment or 0)}
        if ATTEMPT in labels:
            found["reelmill.attempt"] = int(labels[ATTEMPT])
        if self.shard is None:
            found["reelmill.shards"] = int((self.job.get("spec") or {}).get("completions") or 1)
        else:
            found["reelmill.shard"] = self.shard
        return found

    @property
    def _labels(self) -> Mapping[str, str]:
        labels: Mapping[str, str] = self.job["metadata"].get("labels") or {}
        return labels

    @property
    def _shard(self) -> str:
        return "" if self.shard is None else str(self.shard)


def of_job(job: Mapping[str, Any]) -> StepRun | None:
    """A finished Job of a cluster; None: it is not finished, or never began."""
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
    """Since 1970."""
    return round(at.timestamp()) * 10**9


def told(error: str) -> str:
    """An error as a span may tell it: short, and without credentials."""
    return without_secrets(error)[:MESSAGE]
