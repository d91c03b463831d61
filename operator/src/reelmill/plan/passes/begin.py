"""Selection of the next pass of an idle stage."""

from reelmill.contract.digest import view_fingerprint
from reelmill.contract.status import PassStatus, StageStatus
from reelmill.plan import transitions
from reelmill.plan.draft import SHARED_LOOKS, PlanDraft
from reelmill.plan.jobs.tasks import view_params
from reelmill.plan.passes.coverage import closed_gates, completed, uncovered
from reelmill.plan.passes.retry import automatic_retry_classes, failing, recoverable_classes
from reelmill.plan.passes.steps import start


def begin_pass(draft: PlanDraft, name: str) -> None:
    """Start the next pass of an idle stage, if any: an open pass, a retry, new inputs, or views, in this order."""
    stage = draft.stages[name]
    if stage.pass_ or stage.stall or draft.suspended:
        return
    if not stage.surveyed:
        if not draft.surveying:
            draft.want_survey(listing=False)
        return
    if draft.surveying:
        return
    if stage.found:
        _adopt_pass(draft, stage)
        return
    # A request is fulfilled if there is no open pass and no failed item.
    if stage.abandon:
        stage = draft.put(transitions.abandon_fulfilled(stage))
    if stage.retry is not None and not failing(stage.reasons, stage.totals.failed, stage.retry):
        stage = draft.put(transitions.with_retry_started(stage))
    _begin_next_pass(draft, stage)


def _adopt_pass(draft: PlanDraft, stage: StageStatus) -> None:
    if stage.shared and not stage.abandon and draft.wake_at(stage.look_at, SHARED_LOOKS.most):
        return
    offer = draft.offers.get(stage.name)
    if stage.abandon or offer is None:
        work = PassStatus(segment=stage.found, kind="adopted", abandon=stage.abandon)
        start(draft, stage.name, work, "commit" if stage.abandon else "open")
    else:
        found = offer.found
        work = PassStatus(segment=stage.found, kind="cover", shards=found.shards, items=found.in_, attempt=1)
        start(draft, stage.name, work, "shards", after=offer.job)


def _begin_next_pass(draft: PlanDraft, stage: StageStatus) -> None:
    name, segment = stage.name, stage.segments + 1
    policy = draft.definition.graph.stages[name].failures.retry_items
    itself = automatic_retry_classes(policy, stage.retries, stage.reasons, stage.totals.failed)
    skipped = recoverable_classes(draft.definition.graph.stages[name].block.budget, stage.reasons, stage.counters)
    if stage.retry is not None:
        draft.put(transitions.with_retry_started(stage))
        _start_pass(draft, stage, PassStatus(segment=segment, kind="retry", asked=True, classes=stage.retry))
    elif itself:
        _start_pass(draft, stage, PassStatus(segment=segment, kind="retry"))
    elif skipped:
        _start_pass(draft, stage, PassStatus(segment=segment, kind="retry", classes=skipped))
    elif uncovered(draft, name) and not closed_gates(draft, name):
        _start_pass(draft, stage, PassStatus(segment=segment, kind="cover"))
    elif _has_outdated_views(draft, stage):
        start(draft, name, PassStatus(segment=stage.segments, kind="view"), "commit")


def _start_pass(draft: PlanDraft, stage: StageStatus, work: PassStatus) -> None:
    """Start a pass: as a whole if it is known to be small, otherwise with its open step."""
    offer = draft.offers.get(stage.name)
    if work.kind == "retry":
        small, items = _can_retry_in_one_pod(draft, stage), _most_items_to_retry(stage)
    else:
        small, items = bool(offer and offer.found.small), offer.found.in_ if offer else 0
    start(draft, stage.name, work.replace(items=items) if small else work, "shards" if small else "open")


def _can_retry_in_one_pod(draft: PlanDraft, stage: StageStatus) -> bool:
    """Whether there are so few failed items that one pod can most likely do the whole pass."""
    bound = draft.snapshot.settings.bound
    shards = draft.definition.graph.stages[stage.name].shards
    return bound is not None and _most_items_to_retry(stage) <= bound.items and shards in ("auto", 1)


def _most_items_to_retry(stage: StageStatus) -> int:
    """Maximum number of items that a retry may cover."""
    return stage.totals.failed + stage.totals.skipped


def _has_outdated_views(draft: PlanDraft, stage: StageStatus) -> bool:
    """Whether the views are older than the segments or have other parameters than the spec, and can be built now."""
    if not stage.coverage or stage.view == view_fingerprint(view_params(draft.definition, stage.name)):
        return False
    heavy = draft.definition.graph.stages[stage.name].block.heavy_views
    return not heavy or completed(draft).issuperset(draft.definition.graph.upstreams[stage.name])
