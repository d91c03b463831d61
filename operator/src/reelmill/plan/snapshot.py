"""The input of the planner: the resource, its status and its Jobs at one moment."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from reelmill.contract.spec.pipeline import VideoPipeline
from reelmill.contract.status import Status
from reelmill.plan.settings import PlannerSettings

_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The observed state of one pipeline.

    `status` is the last written status (which may be newer than the watch). `reports` maps the names of finished Jobs
    to the termination message of one of their pods (a failed pod of a failed Job), empty if there is none; the planner
    waits for the report of a finished Job that is missing. `waiting` maps the names of Jobs to the message why their
    pods do not run, and `reasons` to the reason; the default reason is `Unschedulable`. `dropped` are
    fields of the last written status that the API server did not keep.
    """

    pipeline: VideoPipeline
    uid: str
    status: Status = field(default_factory=Status)
    jobs: Sequence[Mapping[str, Any]] = ()
    reports: Mapping[str, str] = field(default_factory=dict)
    waiting: Mapping[str, str] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()
    annotations: Mapping[str, str] = field(default_factory=dict)
    generation: int = 0
    created: datetime | None = None
    """Creation time of the resource, from which Job numbers are derived if the status is lost."""
    deleting: datetime | None = None
    """Time of the deletion request; None: the resource is not being deleted."""
    finalizers: tuple[str, ...] = ()
    settings: PlannerSettings = field(default_factory=PlannerSettings)
    trace: str = ""
    """Trace of the run, whose context new Jobs get: 32 hex digits; empty: none."""


def stamp(now: datetime) -> str:
    """RFC 3339 with seconds, in UTC."""
    return now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(text: str) -> datetime | None:
    """The inverse of `stamp`; None for any other text."""
    if not _STAMP.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
