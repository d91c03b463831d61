"""The planner's entry point: a snapshot in, a plan out. Job events, timers, restarts and requests all lead here.

A run starts with a survey. After that, a stage that is idle and has an upstream with segments that it has not covered
runs a pass over all of them. The function never raises, is deterministic, and returns no further actions once a plan
has been applied.
"""

from dataclasses import replace
from datetime import datetime

from reelmill.contract.conditions import ConditionReason, EventReason
from reelmill.contract.digest import fingerprint
from reelmill.contract.errors import SpecError
from reelmill.contract.spec.pipeline import VideoPipeline
from reelmill.contract.status import Status
from reelmill.plan.decision import Plan
from reelmill.plan.definition.graph import SpecErrors, resolve
from reelmill.plan.definition.keys import keys
from reelmill.plan.deletion import finalizer_changes, reconcile_deletion, release
from reelmill.plan.draft import PlanDraft, begin, spent_while_refused
from reelmill.plan.job_maintenance import decide_about_jobs
from reelmill.plan.jobs.tasks import Definition
from reelmill.plan.passes.advance import advance_pass
from reelmill.plan.passes.begin import begin_pass
from reelmill.plan.policy import violations
from reelmill.plan.snapshot import Snapshot
from reelmill.plan.status.condition_rules import conditions, refused
from reelmill.plan.status.events import events
from reelmill.plan.status.size_limit import fitted
from reelmill.plan.status.stage_states import with_states
from reelmill.plan.survey import advance_survey
from reelmill.plan.transitions import with_seen
from reelmill.plan.verification import advance_verification


def reconcile(snapshot: Snapshot, now: datetime, definition: Definition | None = None) -> Plan:
    """The plan for one pipeline at the time `now`. `definition` is the result of `define`, if already computed."""
    if snapshot.deleting:
        return reconcile_deletion(snapshot, now)
    try:
        definition = definition or define(snapshot.pipeline, snapshot.uid)
    except SpecError as error:
        return refuse(snapshot, error, now)
    if broken := violations(snapshot.pipeline.spec, snapshot.settings.policy):
        return forbid(snapshot, definition, SpecErrors(broken), now)
    graph, draft = definition.graph, begin(definition, snapshot, now)
    advance_survey(draft)
    for name in graph.stages:
        if draft.stages[name].pass_:
            advance_pass(draft, name)
        begin_pass(draft, name)
    if not draft.survey.job:
        # A stage may have requested a survey above.
        advance_survey(draft)
    advance_verification(draft)
    decide_about_jobs(draft)
    with_states(draft)
    status = _status(draft)
    if status != snapshot.status:
        status = fitted(status)
    return Plan(
        status=status,
        actions=(*finalizer_changes(snapshot), *draft.actions),
        events=events(snapshot.status, status),
        wake_after=min(draft.wakes, default=None),
    )


def define(pipeline: VideoPipeline, uid: str) -> Definition:
    """Derive from a spec what a plan needs; call it once per spec. Raises SpecErrors."""
    spec = pipeline.spec
    graph = resolve(spec)
    return Definition(pipeline, uid, graph, keys(spec, graph), fingerprint(spec.model_dump(mode="json", by_alias=True)))


def refuse(snapshot: Snapshot, error: SpecError, now: datetime) -> Plan:
    """The plan for an invalid spec: nothing starts, and running Jobs are not changed, but counted."""
    if snapshot.deleting:
        return release(snapshot, EventReason.DATA_KEPT, f"the spec is invalid ({error}), so the data is kept")
    plan = _plan_of_refused_spec(snapshot, error, now, ConditionReason.SPEC_INVALID)
    return replace(plan, status=plan.status.replace(spent=spent_while_refused(snapshot, now)))


def forbid(snapshot: Snapshot, definition: Definition, error: SpecError, now: datetime) -> Plan:
    """The plan for a spec that violates the policy: nothing starts, and running Jobs are deleted.

    Committed shards are kept, and the pass continues when the spec or the policy allows it.
    """
    draft, plan = (
        begin(definition, snapshot, now),
        _plan_of_refused_spec(snapshot, error, now, ConditionReason.POLICY_VIOLATION),
    )
    for job in draft.jobs.values():
        if job.live and not job.deleting:
            draft.delete(job)
    status = with_seen(plan.status.replace(spent=draft.spent), draft.jobs.keys())
    return replace(plan, status=status, actions=tuple(draft.actions))


def _plan_of_refused_spec(snapshot: Snapshot, error: SpecError, now: datetime, reason: ConditionReason) -> Plan:
    old = snapshot.status
    problems = getattr(error, "errors", (error,))
    messages = [f"{problem}; {problem.hint}" if problem.hint else str(problem) for problem in problems]
    status = old.replace(
        observed_generation=snapshot.generation,
        conditions=refused(old, reason, messages, snapshot.generation, now),
    )
    return Plan(status=status, events=events(old, status))


def _status(draft: PlanDraft) -> Status:
    stages = list(draft.stages.values())
    working = [stage.pass_ for stage in stages if stage.pass_ and stage.pass_.step == "shards"]
    return Status(
        observed_generation=draft.snapshot.generation,
        run=draft.run,
        spec=draft.spec,
        definition=draft.definition.keys.definition,
        place=draft.definition.keys.place,
        store=draft.definition.spec.store.uri,
        handled=draft.status.handled,
        survey=draft.survey,
        sources=list(draft.sources.values()),
        stages=stages,
        stall=draft.stall,
        verification=draft.verification,
        active=", ".join(stage.name for stage in stages if stage.pass_)[:256],
        shards=f"{sum(w.done for w in working)}/{sum(w.shards for w in working)}" if working else "",
        failed=sum(source.failed for source in draft.sources.values()) + sum(stage.totals.failed for stage in stages),
        spent=draft.spent,
        conditions=conditions(draft),
    )
