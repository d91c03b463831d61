"""Starts and ends of runs and passes between two statuses of a pipeline. Pure.

A run lasts as long as the condition `Reconciling` is True, and a pass no longer than the run. Both are identified by
fields of the status, so a restarted operator continues correctly.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from reelmill.contract.conditions import ConditionReason, ConditionType
from reelmill.contract.status import StageStatus, Status
from reelmill.plan.snapshot import moment

Transition = Literal["START", "COMPLETE", "FAIL", "ABORT"]
"""Event types of OpenLineage."""


@dataclass(frozen=True, slots=True)
class PassFacts:
    """Facts about a pass and its stage."""

    stage: str
    key: str
    segment: int
    inputs: int = 0
    """Number of its input items; 0: unknown."""
    made: int | None = None
    """Number of its output items; None before its end."""
    written: int | None = None
    """Bytes written; None before its end."""
    outcomes: tuple[tuple[str, int], ...] = ()
    """(outcome or `outcome:reason`, number of items) of the whole stage after the pass."""


@dataclass(frozen=True, slots=True)
class RunChange:
    """The start or end of a run or of one of its passes."""

    transition: Transition
    began: datetime
    """Start time of the run, which identifies the run or, with stage, key and segment, the pass."""
    of: PassFacts | None = None
    """The pass; None: the run itself."""
    message: str = ""
    """Why it failed."""


def changes(old: Status, new: Status) -> list[RunChange]:
    """The starts and ends between two statuses. A run starts before its passes and ends after them."""
    before, after = _run_start(old), _run_start(new)
    found: list[RunChange] = []
    if before is not None:
        found += _ended_pass_changes(before, old, new, running=after == before)
        if after != before:
            found.append(_ended_run_change(before, new))
    if after is not None:
        if after != before:
            found.append(RunChange("START", after))
        known = {one.name: one for one in old.stages} if after == before else {}
        for stage in new.stages:
            if _has_item_pass(stage) and (stage.name not in known or not _is_same_pass(known[stage.name], stage)):
                found.append(RunChange("START", after, _pass_facts(stage)))
    return found


def _run_start(status: Status) -> datetime | None:
    """Start time of the run, or None if there is no run."""
    condition = status.condition(ConditionType.RECONCILING)
    if condition is None or condition.status != "True" or condition.reason == ConditionReason.REMOVING:
        return None
    return moment(condition.last_transition_time)


def _ended_pass_changes(began: datetime, old: Status, new: Status, *, running: bool) -> Iterator[RunChange]:
    now = {stage.name: stage for stage in new.stages}
    for stage in old.stages:
        if not _has_item_pass(stage):
            continue
        then = now.get(stage.name)
        if then is None or not (running and _is_same_pass(stage, then)):
            yield _ended_pass_change(began, stage, then)


def _ended_pass_change(began: datetime, old: StageStatus, new: StageStatus | None) -> RunChange:
    assert old.pass_ is not None
    if new is None or new.key != old.key:
        return RunChange("ABORT", began, _pass_facts(old))
    if new.segments >= old.pass_.segment and not old.pass_.abandon:
        outcomes = [(name, getattr(new.totals, name)) for name in ("done", "filtered", "failed", "skipped")]
        facts = PassFacts(
            stage=old.name,
            key=old.key,
            segment=old.pass_.segment,
            inputs=old.pass_.items or max(new.totals.in_ - old.totals.in_, 0),
            made=max(new.items - old.items, 0),
            written=new.bytes,
            outcomes=(*outcomes, *new.reasons.items()),
        )
        return RunChange("COMPLETE", began, facts)
    if new.stall:
        return RunChange("FAIL", began, _pass_facts(old), _with_hint(new.stall.message, new.stall.hint))
    return RunChange("ABORT", began, _pass_facts(old))


def _ended_run_change(began: datetime, new: Status) -> RunChange:
    if new.holds(ConditionType.COMPLETE):
        return RunChange("COMPLETE", began)
    stalled = new.condition(ConditionType.STALLED)
    if stalled and stalled.status == "True":
        return RunChange("FAIL", began, message=stalled.message)
    return RunChange("ABORT", began)


def _has_item_pass(stage: StageStatus) -> bool:
    """Whether a pass that processes items is open, rather than one that only rebuilds views."""
    return stage.pass_ is not None and stage.pass_.kind != "view"


def _is_same_pass(old: StageStatus, new: StageStatus) -> bool:
    return (
        old.pass_ is not None
        and new.pass_ is not None
        and _has_item_pass(old) == _has_item_pass(new)
        and (old.key, old.pass_.segment) == (new.key, new.pass_.segment)
    )


def _pass_facts(stage: StageStatus) -> PassFacts:
    assert stage.pass_ is not None
    return PassFacts(stage=stage.name, key=stage.key, segment=stage.pass_.segment, inputs=stage.pass_.items)


def _with_hint(message: str, hint: str) -> str:
    return f"{message}; {hint}" if hint else message
