"""Explain the state of a pipeline in one paragraph, from its conditions, Jobs, pods, events and logs. Pure.

Only the first cause that is found is reported, with a remedy; its consequences are omitted.
"""

from collections.abc import Iterator

from reelmill.cli.cluster.causes import (
    Say,
    at_work,
    queue_sentence,
    shared_pass_sentence,
    stalled,
    waiting_job_sentences,
)
from reelmill.cli.cluster.pipeline_view import SURVEY, PipelineView
from reelmill.cli.cluster.verdict import WORKING
from reelmill.cli.display.output import duration
from reelmill.contract.conditions import ConditionReason, ConditionType
from reelmill.contract.status import StageStatus
from reelmill.contract.text.sentences import advice, failures, listed, sentence


def why(seen: PipelineView, say: Say, stage: str = "") -> str:
    """One paragraph about a pipeline, or about one stage of it."""
    sentences = stage_why(seen, say, seen.status.stage(stage)) if stage else pipeline_why(seen, say)
    return " ".join(sentence for sentence in sentences if sentence)


def pipeline_why(seen: PipelineView, say: Say) -> Iterator[str]:
    """Sentences about the whole pipeline."""
    yield from (
        _not_observed_sentences(seen)
        or _refused_spec_sentences(seen)
        or _suspended_sentences(seen, say)
        or _complete_sentences(seen, say)
        or _obstacle_sentences(seen, say)
    )
    for type_ in (ConditionType.DRIFTED, ConditionType.OUTDATED_DEFINITION):
        if condition := seen.true(type_):
            yield sentence(f"Also, {condition.message}")
    if found := seen.not_verified:
        yield sentence(f"The store is also not verified: {found.message}")
        if found.reason == ConditionReason.STORE_DAMAGED:
            yield f"`{say('check', '--deep')}` lists all damage; `{say('repair')}` rebuilds what it can."


def stage_why(seen: PipelineView, say: Say, stage: StageStatus) -> Iterator[str]:
    """Sentences about one stage."""
    whole = _not_observed_sentences(seen) or _refused_spec_sentences(seen) or _suspended_sentences(seen, say)
    if whole:
        yield from whole
    elif stage.stall:
        yield from stalled(seen, say, stage.name, stage.stall)
    elif stage.pass_:
        yield from at_work(seen, say, stage)
    elif stage.state == "shared":
        yield shared_pass_sentence([stage.name])
    elif stage.state == "waiting":
        yield from _waiting_sentences(seen, say, stage)
    else:
        yield sentence(f"{stage.name} has processed all of its inputs ({stage.state}){_failures_text(stage)}")


def _not_observed_sentences(seen: PipelineView) -> list[str]:
    metadata = seen.resource["metadata"]
    if stamp := metadata.get("deletionTimestamp"):
        if (removing := seen.true(ConditionType.RECONCILING)) and removing.reason == ConditionReason.REMOVING:
            return [sentence(f"{seen.name} was deleted {duration(seen.since(stamp))} ago: {removing.message}")]
        left = ", ".join(metadata.get("finalizers") or ()) or "the deletion of its Jobs"
        return [f"{seen.name} was deleted {duration(seen.since(stamp))} ago and is waiting for {left}."]
    if not seen.status.conditions:
        problem = f"No operator has processed {seen.name} since it was created {duration(seen.age)} ago."
    elif seen.behind:
        problem = f"No operator has processed {seen.name} since it was edited."
    else:
        return []
    where = "kubectl get pods -A -l app.kubernetes.io/component=operator"
    return [problem, f"Check that one is running and watches this namespace: `{where}`."]


def _refused_spec_sentences(seen: PipelineView) -> list[str]:
    accepted = seen.status.condition(ConditionType.ACCEPTED)
    if accepted is None or accepted.status == "True":
        return []
    return [sentence(f"The spec was not accepted: {accepted.message}"), "Nothing starts until it is corrected."]


def _suspended_sentences(seen: PipelineView, say: Say) -> list[str]:
    suspended = seen.true(ConditionType.SUSPENDED)
    if not suspended:
        return []
    open_ = [stage.name for stage in seen.status.stages if stage.pass_]
    kept = f" The open pass of {listed(open_)} will continue from its committed shards." if open_ else ""
    if suspended.reason != ConditionReason.SUSPENDED:
        return [sentence(f"It is suspended: {suspended.message}") + kept]
    return [f"It is suspended (spec.suspend is true); no pod runs until you run `{say('resume')}`.{kept}"]


def _complete_sentences(seen: PipelineView, say: Say) -> list[str]:
    complete = seen.true(ConditionType.COMPLETE)
    if not complete:
        return []
    since = duration(seen.since(complete.last_transition_time))
    sentences = [f"It has been complete for {since}: every source is listed, and every stage has processed its inputs."]
    if seen.status.failed:
        losses = [f"{stage.name}{_failures_text(stage)}" for stage in seen.status.stages if stage.totals.failed]
        losses += [f"{source.name}, {source.failed:,} failed" for source in seen.status.sources if source.failed]
        sentences += [
            f"Within the tolerance: {'; '.join(losses)}.",
            f"`{say('ledger', '--outcome failed')}` lists them.",
        ]
    return sentences


def _failures_text(stage: StageStatus) -> str:
    return failures(stage.totals.failed, stage.reasons)


def _obstacle_sentences(seen: PipelineView, say: Say) -> Iterator[str]:
    """Sentences about what blocks the pipeline, or about its current work."""
    status = seen.status
    if status.stall:
        yield from stalled(seen, say, SURVEY, status.stall)
        return
    stuck = [stage for stage in status.stages if stage.stall]
    for stage in stuck[:1]:
        assert stage.stall is not None
        yield from stalled(seen, say, stage.name, stage.stall)
    condition = seen.true(ConditionType.STALLED)
    if condition and not stuck:
        yield sentence(condition.message)
        yield f"`{say('ledger', '--outcome failed')}` lists the failures; `{say('retry')}` retries them."
        yield advice(stage.reasons for stage in status.stages if stage.totals.failed)
    working = [stage for stage in status.stages if stage.pass_]
    reconciling = seen.true(ConditionType.RECONCILING)
    if reconciling and reconciling.reason not in (*WORKING, ConditionReason.SHARED_PASS):
        yield from waiting_job_sentences(seen, reconciling.reason, reconciling.message)
    elif working:
        lead = "Other stages continue:" if condition else "Nothing is wrong:"
        yield lead
        for stage in working:
            yield from at_work(seen, say, stage)
    elif reconciling and reconciling.reason == ConditionReason.SHARED_PASS:
        yield shared_pass_sentence([stage.name for stage in status.stages if stage.state == "shared" or stage.found])
    elif reconciling:
        yield "Nothing is wrong: the survey is reading the sources and the store."
        yield queue_sentence(seen, SURVEY)
    elif not condition:
        ready = status.condition(ConditionType.READY)
        yield sentence(f"Nothing is running: {ready.message or ready.reason if ready else 'it is new'}")


def _waiting_sentences(seen: PipelineView, say: Say, stage: StageStatus) -> Iterator[str]:
    if stage.message:
        yield sentence(f"{stage.name} is waiting: {stage.message}")
        yield f"`{say('ledger', '--outcome failed')}` lists the failures."
        return
    chain = [stage]
    while reads := _unfinished_upstreams(seen, chain[-1]):
        chain.append(seen.status.stage(reads[0]))
        if chain[-1].state != "waiting" or chain[-1].message:
            break
    if len(chain) > 1:
        names = ", which is waiting for ".join(each.name for each in chain[1:])
        others = listed(_unfinished_upstreams(seen, stage)[1:])
        yield f"{stage.name} is waiting for {names}{f', and for {others}' if others else ''}."
    if chain[-1].state != "waiting":
        yield from stage_why(seen, say, chain[-1])
    else:
        yield from _obstacle_sentences(seen, say)


def _unfinished_upstreams(seen: PipelineView, stage: StageStatus) -> list[str]:
    """Stages that a stage reads and that are not finished yet."""
    states = {other.name: other.state for other in seen.status.stages}
    return [name for name in seen.upstreams.get(stage.name, ()) if states.get(name, "done") not in ("done", "cached")]
