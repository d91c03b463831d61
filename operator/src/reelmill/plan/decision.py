"""What the planner wants done. Whoever applies it keeps the order: status, finalizers, then Jobs, then events.

The status goes first because it holds the names of the Jobs about to be created: after a crash in between, the next
plan creates them under the same names. A 409 on create means that it was done already, a 404 on patch or
delete that nothing is left to do.
"""

from dataclasses import dataclass
from typing import Any

from reelmill.contract.conditions import EventType
from reelmill.contract.status import Status


@dataclass(frozen=True, slots=True)
class CreateJob:
    """POST this Job."""

    job: dict[str, Any]

    @property
    def name(self) -> str:
        name: str = self.job["metadata"]["name"]
        return name


@dataclass(frozen=True, slots=True)
class PatchJob:
    """Merge-patch these fields of a Job, nothing else."""

    name: str
    patch: dict[str, Any]


@dataclass(frozen=True, slots=True)
class DeleteJob:
    """Delete a Job and its pods."""

    name: str
    wait: bool = False
    """The Job stays until its last pod is gone."""


@dataclass(frozen=True, slots=True)
class SetFinalizers:
    """Make these the resource's finalizers. The last one taken away lets it go."""

    names: tuple[str, ...]


Action = CreateJob | PatchJob | DeleteJob | SetFinalizers


@dataclass(frozen=True, slots=True)
class Event:
    """Something worth telling a person once."""

    type: EventType
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Plan:
    """One decision."""

    status: Status
    actions: tuple[Action, ...] = ()
    events: tuple[Event, ...] = ()
    wake_after: float | None = None
    """Seconds after which to plan again even if nothing happens; None: no need."""
