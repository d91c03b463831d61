"""The pure core: what to do next, decided from what is seen. No I/O, no clock, no random."""

from reelmill.plan.decision import Action, CreateJob, DeleteJob, Event, PatchJob, Plan, SetFinalizers
from reelmill.plan.reconcile import reconcile, refuse
from reelmill.plan.settings import PlannerSettings
from reelmill.plan.snapshot import Snapshot

__all__ = [
    "Action",
    "CreateJob",
    "DeleteJob",
    "Event",
    "PatchJob",
    "Plan",
    "PlannerSettings",
    "SetFinalizers",
    "Snapshot",
    "reconcile",
    "refuse",
]
