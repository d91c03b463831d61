"""Kubernetes events, derived from the difference between two statuses."""

from reelmill.contract.conditions import UNASKED, ConditionType, EventReason
from reelmill.contract.counters import counted
from reelmill.contract.status import StageStatus, Status
from reelmill.contract.task_parts.verification import Verification
from reelmill.contract.text.quantities import count_of, size, time
from reelmill.plan.decision import Event
from reelmill.plan.status.condition_rules import damage


def events(old: Status, new: Status) -> tuple[Event, ...]:
    """Events for stages that finished or stalled, and for conditions that became True."""
    before = {stage.name: stage for stage in old.stages}
    found = [event for stage in new.stages for event in _stage(before.get(stage.name), stage)]
    for type_ in ConditionType:
        condition = new.condition(type_)
        if type_.event and condition and condition.status == "True" and not old.holds(type_):
            found.append(Event(type_.event, condition.reason, condition.message))
    found += _limit(old, new)
    found += _verification(old, new)
    return tuple(dict.fromkeys(found))


def _limit(old: Status, new: Status) -> list[Event]:
    """The event for a pipeline that a spending limit suspended; a suspension by the spec needs no event."""
    suspended = new.condition(ConditionType.SUSPENDED)
    before = old.condition(ConditionType.SUSPENDED)
    if suspended is None or (before and before.reason == suspended.reason):
        return []
    return [Event(type_, reason, suspended.message) for reason, type_ in UNASKED.items() if reason == suspended.reason]


def _verification(old: Status, new: Status) -> list[Event]:
    before, after = old.verification or Verification(), new.verification
    if after is None or not after.damaged or after.ended_at == before.ended_at:
        return []
    found = EventReason.DAMAGE_FOUND
    return [Event(found.type, found, damage(after))]


def _stage(old: StageStatus | None, new: StageStatus) -> list[Event]:
    if old is None or old.key != new.key:
        return []
    if new.segments > old.segments and old.pass_ and not new.found:
        totals = new.totals
        return [
            Event(
                EventReason.PASS_CLOSED.type,
                EventReason.PASS_CLOSED,
                f"{new.name}: segment {new.segments}; in {totals.in_} = done {totals.done} + filtered "
                f"{totals.filtered} + failed {totals.failed} + skipped {totals.skipped}"
                + _reasons(new)
                + _volumes(new),
                counted(new.counters),
            )
        ]
    if new.pass_ and old.pass_ and new.pass_.attempt > max(old.pass_.attempt, 1):
        uncommitted = new.pass_.shards - new.pass_.done
        retried = EventReason.SHARDS_RETRIED
        more = new.pass_.memory if new.pass_.memory != old.pass_.memory else ""
        memory = f" with {more} of memory, because pods were killed for lack of it" if more else ""
        return [
            Event(
                retried.type,
                retried,
                f"{new.name}: attempt {new.pass_.attempt} of {count_of(uncommitted, 'shard')}{memory}",
            )
        ]
    return []


def _reasons(stage: StageStatus) -> str:
    """The most frequent reasons of items that were not kept."""
    found = [f"{name.replace(':', ' ')} {count}" for name, count in stage.reasons.items()]
    return f"; {', '.join(found)}" if found else ""


def _volumes(stage: StageStatus) -> str:
    """Seconds of video and bytes of inputs and output items, if known."""
    given, made = stage.given, stage.made
    if given is None or made is None:
        return ""
    parts = [f"{size(given.bytes)} -> {size(made.bytes)}"]
    if given.untimed < given.items and made.untimed < made.items:
        parts.insert(0, f"{time(given.seconds)} -> {time(made.seconds)} of video")
    return f"; {', '.join(parts)}"
