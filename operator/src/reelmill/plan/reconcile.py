"""The one path: a snapshot becomes a plan. Job events, timers, restarts and requests all end here.

A run begins with a survey. Then one rule drives everything: a stage that is idle and has an upstream with segments it
has not covered runs one pass over all of them. Total and deterministic: it raises for no snapshot, and planning again
after the plan was applied gives no further action.
"""

from datetime import datetime

from reelmill.contract.errors import SpecError
from reelmill.contract.status import Status
from reelmill.plan.begin import begin_pass
from reelmill.plan.bounds import fitted
from reelmill.plan.conditions import conditions, refused
from reelmill.plan.decision import Plan
from reelmill.plan.draft import Draft, begin
from reelmill.plan.events import events
from reelmill.plan.graph import resolve
from reelmill.plan.keys import keys
from reelmill.plan.leave import held, leave, let_go
from reelmill.plan.passes import advance_pass
from reelmill.plan.snapshot import Snapshot
from reelmill.plan.states import with_states
from reelmill.plan.survey import advance_survey
from reelmill.plan.sweep import sweep
from reelmill.plan.tasks import Definition


def reconcile(snapshot: Snapshot, now: datetime) -> Plan:
    """What to do about one pipeline now."""
    if snapshot.deleting:
        return leave(snapshot, now)
    spec = snapshot.pipeline.spec
    try:
        graph = resolve(spec)
    except SpecError as error:
        return refuse(snapshot, error, now)
    draft = begin(Definition(snapshot.pipeline, snapshot.uid, graph, keys(spec, graph)), snapshot, now)
    advance_survey(draft)
    for name in graph.stages:
        if draft.stages[name].pass_:
            advance_pass(draft, name)
        begin_pass(draft, name)
    if not draft.survey.job:
        # A stage may have asked for one just now.
        advance_survey(draft)
    sweep(draft)
    with_states(draft)
    status = fitted(_status(draft))
    return Plan(
        status=status,
        actions=(*held(snapshot), *draft.actions),
        events=events(snapshot.status, status),
        wake_after=min(draft.wakes, default=None),
    )


def refuse(snapshot: Snapshot, error: SpecError, now: datetime) -> Plan:
    """A spec that cannot be accepted: nothing is begun, what runs is left alone."""
    if snapshot.deleting:
        return let_go(snapshot, "DataKept", f"the spec cannot be accepted ({error}), so the data stays")
    old = snapshot.status
    problems = getattr(error, "errors", (error,))
    messages = [f"{problem}; {problem.hint}" if problem.hint else str(problem) for problem in problems]
    status = old.model_copy(
        update={
            "observed_generation": snapshot.generation,
            "conditions": refused(old, messages, snapshot.generation, now),
        }
    )
    return Plan(status=status, events=events(old, status))


def _status(draft: Draft) -> Status:
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
        active=", ".join(stage.name for stage in stages if stage.pass_)[:256],
        shards=f"{sum(w.done for w in working)}/{sum(w.shards for w in working)}" if working else "",
        failed=sum(source.failed for source in draft.sources.values()) + sum(stage.totals.failed for stage in stages),
        conditions=conditions(draft),
    )
