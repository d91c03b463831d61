"""Limit of the number of stages with running shards, counted from the observed Jobs."""

from collections.abc import Iterable

from reelmill.contract.task import Step
from reelmill.plan.jobs.observed_jobs import Observed


def busy_stages(jobs: Iterable[Observed]) -> set[str]:
    """Stages with live Jobs that process items."""
    return {job.stage for job in jobs if job.step in (Step.SHARDS, Step.WHOLE) and job.live}


def may_start(stage: str, busy: set[str], limit: int | None) -> bool:
    """Whether a stage may run shards, given the stages that do and the limit."""
    return limit is None or stage in busy or len(busy) < limit
