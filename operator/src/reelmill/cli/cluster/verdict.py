"""A pipeline's state in one word, with an explanation, derived from its conditions. Pure."""

from reelmill.cli.cluster.pipeline_view import PipelineView
from reelmill.cli.display.output import duration
from reelmill.contract.conditions import ConditionReason, ConditionType

WORKING = (ConditionReason.PROGRESSING, ConditionReason.SURVEYING)
COLOURS = {
    "complete": "green",
    "failed": "red",
    "stalled": "red",
    "waiting": "yellow",
    "suspended": "yellow",
    "new": "yellow",
    "deleting": "yellow",
    "working": "cyan",
}


def verdict(seen: PipelineView) -> tuple[str, str]:
    """(state, explanation); the states are the keys of COLOURS."""
    if stamp := seen.resource["metadata"].get("deletionTimestamp"):
        return "deleting", f"deleted {duration(seen.since(stamp))} ago"
    if not seen.status.conditions:
        return "new", "no operator has processed it yet"
    if seen.behind:
        return "waiting", "the operator has not processed the latest edit yet"
    if complete := seen.true(ConditionType.COMPLETE):
        return "complete", f"for {duration(seen.since(complete.last_transition_time))}"
    if suspended := seen.true(ConditionType.SUSPENDED):
        by_hand = suspended.reason == ConditionReason.SUSPENDED
        return "suspended", "nothing runs until it is resumed" if by_hand else suspended.message
    if failed := seen.true(ConditionType.FAILED):
        return "failed", failed.message or failed.reason
    if reconciling := seen.true(ConditionType.RECONCILING):
        if stalled := seen.true(ConditionType.STALLED):
            return "stalled", f"{stalled.message}; other stages continue"
        return "working" if reconciling.reason in WORKING else "waiting", reconciling.message or reconciling.reason
    ready = seen.status.condition(ConditionType.READY)
    return "waiting", ready.message or ready.reason if ready else ""
