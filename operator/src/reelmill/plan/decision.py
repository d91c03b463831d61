"""The actions that the planner decides on. They must be applied in order: status, finalizers, Jobs, events.

The status is written first because it contains the names of the Jobs to create: after a crash in between, the next plan
creates them under the same names. A 409 on create means that the Job already exists, a 404 on patch or delete that it
was already deleted.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reelmill.contract.conditions import EventType
from reelmill.contract.status import Status


@dataclass(frozen=True, slots=True)
class CreateJob:
    """Create a Job."""

    job: dict[str, Any]

    @property
    def name(self) -> str:
        name: str = self.job["metadata"]["name"]
        return name


@dataclass(frozen=True, slots=True)
class PatchJob:
    """Apply a merge patch to a Job."""

    name: str
    patch: dict[str, Any]


@dataclass(frozen=True, slots=True)
class DeleteJob:
    """Delete a Job and its pods."""

    name: str
    wait: bool = False
    """Keep the Job until its last pod is deleted (foreground deletion)."""


@dataclass(frozen=True, slots=True)
class DeleteJobs:
    """Delete finished Jobs and their pods, with one request."""

    jobs: Mapping[str, int]
    """Name of each Job -> its number, which is unique in the pipeline."""


@dataclass(frozen=True, slots=True)
class SetFinalizers:
    """Replace the finalizers of the resource. A resource that is being deleted disappears with its last finalizer."""

    names: tuple[str, ...]


Action = CreateJob | PatchJob | DeleteJob | DeleteJobs | SetFinalizers


@dataclass(frozen=True, slots=True)
class Event:
    """A Kubernetes event to emit once."""

    type: EventType
    reason: str
    message: str
    counters: str = ""
    """Counters of a stage other than outcomes; a local run shows them once, in its summary."""

    @property
    def text(self) -> str:
        """The message of the event in Kubernetes."""
        return f"{self.message}; counted: {self.counters}" if self.counters else self.message


@dataclass(frozen=True, slots=True)
class Plan:
    """The result of one call of `reconcile`."""

    status: Status
    actions: tuple[Action, ...] = ()
    events: tuple[Event, ...] = ()
    wake_after: float | None = None
    """Seconds after which to plan again even without a change; None: not needed."""
