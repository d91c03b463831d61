"""Spending limits: `spec.limits.podHours` and `cost`. Pure."""

from dataclasses import dataclass

from reelmill.contract.conditions import ConditionReason
from reelmill.contract.spec.pipeline import PipelineLimits
from reelmill.contract.spending import Prices, Spent


@dataclass(frozen=True, slots=True)
class LimitReached:
    """Why no pod may run."""

    reason: ConditionReason
    message: str


def limited(limits: PipelineLimits) -> bool:
    """Whether there is a spending limit."""
    return limits.pod_hours is not None or limits.cost is not None


def reached(limits: PipelineLimits, spent: Spent, prices: Prices) -> LimitReached | None:
    """The limit that is reached, or that cannot be enforced because the cost is unknown, or None."""
    if limits.cost is not None and not prices.known:
        message = "spec.limits.cost is set, but the operator has no prices"
        return LimitReached(ConditionReason.PRICES_MISSING, message)
    hours, cost = remaining_budget(limits, spent)
    if hours is not None and hours <= 0:
        message = f"{spent.pod_seconds / 3600:.2f} of {limits.pod_hours:g} pod hours are spent (spec.limits.podHours)"
        return LimitReached(ConditionReason.LIMIT_REACHED, message)
    if cost is not None and cost <= 0:
        currency = f" {spent.currency}" if spent.currency else ""
        message = f"{spent.cost:.2f} of {limits.cost:g}{currency} are spent (spec.limits.cost)"
        return LimitReached(ConditionReason.LIMIT_REACHED, message)
    return None


def remaining_budget(limits: PipelineLimits, spent: Spent) -> tuple[float | None, float | None]:
    """Remaining (pod seconds, cost); None: unlimited or unknown."""
    seconds = None if limits.pod_hours is None else limits.pod_hours * 3600 - spent.pod_seconds
    cost = None if limits.cost is None or spent.cost is None else limits.cost - spent.cost
    return seconds, cost
