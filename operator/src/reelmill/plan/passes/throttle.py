"""How many stages may run shards at once: counted anew from what is observed, never up and down."""

from collections.abc import Iterable

from reelmill.contract.task import Step
from reelmill.plan.jobs.observe import Observed


def busy_stages(jobs: Iterable[Observed]) -> set[str]:
    """Stages with live shards Jobs."""
    return {job.stage for job in jobs if job.step is Step.SHARDS and job.live}


def may_start(stage: str, busy: set[str], limit: int | None) -> bool:
    """Whether a stage may have shards running beside those that have."""
    return limit is None or stage in busy or len(busy) < limit
