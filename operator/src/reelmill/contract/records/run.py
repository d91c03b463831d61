"""The pipeline that last ran in a store under an identity: what the step that ends its run makes a report from."""

from reelmill.contract.model import Model
from reelmill.contract.task import Task
from reelmill.contract.task_parts.run_report import RunDefinition


class RunRecord(Model):
    """`_reelmill/runs/<uid>.json`, replaced by every survey. Without it, a run makes no report."""

    task: Task
    """That of the survey, with all sources and stages."""
    definition: RunDefinition
