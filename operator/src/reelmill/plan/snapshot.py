"""What the planner is shown: the resource, its status, its Jobs. One moment, no handles."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from reelmill.contract.spec.pipeline import VideoPipeline
from reelmill.contract.status import Status
from reelmill.plan.settings import PlannerSettings


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One pipeline as it is seen.

    `status` is the one last written (its own write may be newer than the watch). `reports` maps the name of a finished
    Job to the termination message of one of its pods (of a failed Job: a failed pod), empty where there is none; a
    finished Job that is not in it is waited for. `waiting` maps a Job's name to a sentence about why its pods do not
    run: the scheduler's words about one that finds no node, unless `reasons` has another CamelCase word for it.
    """

    pipeline: VideoPipeline
    uid: str
    status: Status = field(default_factory=Status)
    jobs: Sequence[Mapping[str, Any]] = ()
    reports: Mapping[str, str] = field(default_factory=dict)
    waiting: Mapping[str, str] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    generation: int = 0
    created: datetime | None = None
    """When the resource was created; a lost status goes on numbering Jobs from the seconds since then."""
    deleting: datetime | None = None
    """Since when the resource is being deleted; None: it is not."""
    finalizers: tuple[str, ...] = ()
    settings: PlannerSettings = field(default_factory=PlannerSettings)


def stamp(now: datetime) -> str:
    """RFC 3339 with seconds, in UTC."""
    return now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(text: str) -> datetime | None:
    """The inverse of `stamp`; None for anything else."""
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None
