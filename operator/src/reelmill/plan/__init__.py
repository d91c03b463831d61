"""The planner: a pure function from the observed state to the next actions. No I/O, no clock, no random numbers."""

from reelmill.plan.decision import Action, CreateJob, DeleteJob, DeleteJobs, Event, PatchJob, Plan, SetFinalizers
from reelmill.plan.reconcile import define, reconcile, refuse
from reelmill.plan.settings import PlannerSettings
from reelmill.plan.snapshot import Snapshot

__all__ = [
    "Action",
    "CreateJob",
    "DeleteJob",
    "DeleteJobs",
    "Event",
    "PatchJob",
    "Plan",
    "PlannerSettings",
    "SetFinalizers",
    "Snapshot",
    "define",
    "reconcile",
    "refuse",
]
