"""A plan under construction: the status, carried over to the current spec, and the decisions so far.

This is the planner's only mutable object; it exists for one call of `reconcile`.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from reelmill.contract.backoff import Backoff
from reelmill.contract.records.layout import DataSetPaths
from reelmill.contract.spec.placement import Placement
from reelmill.contract.spending import Spent
from reelmill.contract.status import MESSAGE, SourceStatus, StageStatus, Stall, Status, SurveyStatus, cut
from reelmill.contract.task_parts.next_pass import NextPass
from reelmill.contract.task_parts.verification import Verification
from reelmill.plan import transitions
from reelmill.plan.decision import Action, CreateJob, DeleteJob
from reelmill.plan.jobs.accounts import counted, entered, priced, rate, settled, spending_until_now
from reelmill.plan.jobs.build import STAGE, in_trace
from reelmill.plan.jobs.observed_jobs import Observed, observe
from reelmill.plan.jobs.placement import hour_price, merged, pod_price
from reelmill.plan.jobs.pod_policy import bounded, bounded_control
from reelmill.plan.jobs.spending_limits import LimitReached, limited, reached, remaining_budget
from reelmill.plan.jobs.tasks import Definition
from reelmill.plan.requests import pending
from reelmill.plan.snapshot import Snapshot, moment, stamp

HARVEST_SECONDS = 2.0
"""Seconds until the next check for the report of a finished Job."""
SHARED_LOOKS = Backoff(first=5.0, most=300.0)
"""Delays between checks of a pass that another pipeline works on."""
CLOCK_SECONDS = 60.0
"""Maximum difference in seconds between the clocks of two replicas."""


@dataclass(frozen=True, slots=True)
class Offer:
    """The next pass of an idle stage, as opened or measured by the Job `job`."""

    found: NextPass
    job: str


@dataclass(slots=True)
class PlanDraft:
    """The state of one call of `reconcile`."""

    definition: Definition
    snapshot: Snapshot
    now: datetime
    jobs: dict[str, Observed]
    status: Status
    survey: SurveyStatus
    sources: dict[str, SourceStatus]
    stages: dict[str, StageStatus]
    stall: Stall | None
    verification: Verification | None
    run: int
    spec: str
    spent: Spent
    hours: dict[str, float]
    """Stage (empty: steps without one) -> price of an hour of one of its pods."""
    offers: dict[str, Offer] = field(default_factory=dict)
    """Stage -> what a finished Job reported about its next pass; only this plan can use it."""
    actions: list[Action] = field(default_factory=list)
    wakes: list[float] = field(default_factory=list)

    @property
    def suspended(self) -> bool:
        return self.definition.spec.suspend or self.limit is not None

    @property
    def limit(self) -> LimitReached | None:
        """The spending limit that is reached, or None."""
        if not limited(self.definition.spec.limits):
            return None
        spent = spending_until_now(self.spent, self.jobs, self.hours, self.now)
        return reached(self.definition.spec.limits, spent, self.snapshot.settings.prices)

    @property
    def surveying(self) -> bool:
        """Whether a survey is due or running; new passes wait for it."""
        return self.survey.wanted or bool(self.survey.job)

    def next_run(self) -> int:
        self.run += 1
        return self.run

    def want_survey(self, *, listing: bool, routine: bool = False) -> None:
        routine = routine and (self.survey.routine or not self.surveying)
        self.survey = self.survey.replace(wanted=True, listing=self.survey.listing or listing, routine=routine)

    def put(self, stage: StageStatus) -> StageStatus:
        """Set a stage's next status (see `plan.transitions`)."""
        self.stages[stage.name] = stage
        return stage

    def create(self, job: dict[str, Any]) -> None:
        if self.snapshot.trace:
            job = in_trace(job, self.snapshot.trace)
        self.actions.append(CreateJob(job))
        metadata = job["metadata"]
        self.spent = entered(self.spent, metadata["name"], metadata["labels"].get(STAGE, ""), self.now)

    def delete(self, job: Observed) -> None:
        self.actions.append(DeleteJob(job.name))
        self.spent = settled(self.spent, {job.name: job}, self.hours, self.now)

    def stalled(self, reason: str, message: str, hint: str = "", exit_code: int = 0) -> Stall:
        """A stall for the current spec."""
        return stall(reason, message, hint, exit_code, self.spec)

    def wake(self, seconds: float) -> None:
        self.wakes.append(max(seconds, 0.0))

    def wake_at(self, text: str, most: float) -> bool:
        """Whether the time `text` (RFC 3339) is in the future; if so, schedule the next plan for then.

        A time more than `most` seconds ahead was set by a wrong clock and counts as past.
        """
        at = moment(text)
        ahead = (at - self.now).total_seconds() if at else 0.0
        if not 0 < ahead <= most + CLOCK_SECONDS:
            return False
        self.wake(ahead)
        return True

    def later(self, seconds: float) -> str:
        return stamp(self.now + timedelta(seconds=seconds))


def begin(definition: Definition, snapshot: Snapshot, now: datetime) -> PlanDraft:
    """Carry the status over to the spec: keep entries with the same key and store, handle edits and requests."""
    old, keys = snapshot.status, definition.keys
    jobs = observe(snapshot.jobs, snapshot.reports, snapshot.uid)
    hours = _hours(definition, snapshot)
    prices = snapshot.settings.prices
    spent = counted(priced(_spent_at_start(old), prices), jobs, _unobserved_jobs(old), hours, now)
    if definition.spec.suspend or reached(definition.spec.limits, spending_until_now(spent, jobs, hours, now), prices):
        spent = settled(spent, jobs, hours, now)
    moved = bool(old.place) and old.place != keys.place
    spec = definition.fingerprint
    draft = PlanDraft(
        definition=definition,
        snapshot=snapshot,
        now=now,
        jobs=jobs,
        status=old,
        survey=old.survey,
        sources=_sources(definition, old, moved=moved),
        stages=_stages(definition, old, moved=moved),
        stall=old.stall if old.stall and old.stall.spec == spec else None,
        verification=None if moved else old.verification,
        run=max([old.run, _first_run(snapshot, now), *(job.run for job in jobs.values())]),
        spec=spec,
        spent=spent,
        hours=hours,
    )
    _wake_at_limit(draft)
    if old.definition != keys.definition:
        # The running survey is for another definition: forget it, and its Job is cleaned up.
        draft.survey = SurveyStatus(listed=old.survey.listed, listed_at=old.survey.listed_at)
    elif old.stall and not draft.stall:
        draft.want_survey(listing=True)
    for stage in list(draft.stages.values()):
        if stage.stall and stage.stall.spec != spec:
            draft.put(transitions.stall_lifted(stage))
    _take_requests(draft)
    return draft


def _hours(definition: Definition, snapshot: Snapshot) -> dict[str, float]:
    """Prices of pods with the limits of the policy and the memory of the current attempt."""
    if not snapshot.settings.prices.known:
        return dict.fromkeys(("", *definition.graph.stages), 0.0)
    spec, prices, policy = definition.spec, snapshot.settings.prices, snapshot.settings.policy
    memory = {stage.name: stage.pass_.memory for stage in snapshot.status.stages if stage.pass_}
    hours = {"": hour_price(prices, Placement(resources=bounded_control(spec.control, policy).resources))}
    for name, stage in definition.graph.stages.items():
        hours[name] = hour_price(prices, bounded(merged(spec.defaults, stage), policy), memory.get(name, ""))
    return hours


def spent_while_refused(snapshot: Snapshot, now: datetime) -> Spent:
    """The spending while the spec is invalid: running Jobs are still counted, at the prices of their pods."""
    old, prices = snapshot.status, snapshot.settings.prices
    jobs = observe(snapshot.jobs, snapshot.reports, snapshot.uid)
    bodies = {body["metadata"]["name"]: body for body in snapshot.jobs}
    hours = {job.stage: pod_price(prices, bodies[name]) for name, job in jobs.items()}
    return counted(priced(_spent_at_start(old), prices), jobs, _unobserved_jobs(old), hours, now)


def _spent_at_start(status: Status) -> Spent:
    """The spending in the status. A status of an earlier release has a survey but no spending; then the usage that the
    next survey finds in the store is also counted here.
    """
    surveyed = any(source.surveyed for source in status.sources)
    return status.spent.replace(restored=True) if surveyed else status.spent


def _unobserved_jobs(status: Status) -> set[str]:
    """Names of the Jobs that the status refers to and that were not observed yet."""
    known = [status.survey, *(stage.pass_ for stage in status.stages), status.verification]
    return {one.job for one in known if one and not one.seen}


def _wake_at_limit(draft: PlanDraft) -> None:
    """Plan again when a limit will be reached, if everything that runs now continues."""
    limits = draft.definition.spec.limits
    spent = spending_until_now(draft.spent, draft.jobs, draft.hours, draft.now)
    for left, each in zip(remaining_budget(limits, spent), rate(draft.spent, draft.jobs, draft.hours), strict=True):
        if left is not None and left > 0 and each > 0:
            draft.wake(left / each)


def stall(reason: str, message: str, hint: str, exit_code: int, spec: str) -> Stall:
    """A Stall, with its texts cut to their maximum length."""
    return Stall(reason=str(reason), message=cut(message, MESSAGE), hint=cut(hint, MESSAGE), exit=exit_code, spec=spec)


def _sources(definition: Definition, old: Status, *, moved: bool) -> dict[str, SourceStatus]:
    known = {} if moved else {source.name: source for source in old.sources}
    found = {}
    for name in definition.graph.sources:
        key, status = definition.keys[name], known.get(name)
        found[name] = status if status and status.key == key else SourceStatus(name=name, key=key)
    return found


def _stages(definition: Definition, old: Status, *, moved: bool) -> dict[str, StageStatus]:
    known = {} if moved else {stage.name: stage for stage in old.stages}
    found = {}
    for name, stage in definition.graph.stages.items():
        key, status = definition.keys[name], known.get(name)
        if status is None or status.key != key:
            status = StageStatus(name=name, key=key)
        found[name] = status.replace(type=stage.type, path=DataSetPaths(name, key).root)
    return found


def _first_run(snapshot: Snapshot, now: datetime) -> int:
    """The first Job number to use without a status, greater than all numbers used before the status was lost.

    A pipeline creates less than one Job per second on average, so the age of the resource in seconds is such a number.
    """
    if snapshot.status.run or snapshot.created is None:
        return 0
    return max(int((now - snapshot.created).total_seconds()), 0)


def _take_requests(draft: PlanDraft) -> None:
    requests = pending(draft.snapshot.annotations, draft.status.handled)
    if not requests.any:
        return
    draft.status = draft.status.replace(handled=requests.handled)
    draft.stall = None
    draft.want_survey(listing=True)
    for name in list(draft.stages):
        retry = requests.retry if requests.retry and requests.retry.selects(name) else None
        abandon = bool(requests.abandon and requests.abandon.selects(name))
        if (retry or abandon) and draft.stages[name].stall:
            draft.put(transitions.stall_lifted(draft.stages[name]))
        if retry:
            draft.put(transitions.retry_requested(draft.stages[name], list(retry.classes)))
        if abandon:
            draft.put(transitions.abandon_requested(draft.stages[name]))
