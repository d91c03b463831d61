"""Record of the pipeline that last ran in a store under an identity, from which its run report is made."""

from reelmill.contract.model import Model
from reelmill.contract.task import Task
from reelmill.contract.task_parts.run_report import RunDefinition


class RunRecord(Model):
    """`_reelmill/runs/<uid>.json`, replaced by every survey. Without it, a run makes no report."""

    task: Task
    """The survey's task, with all sources and stages."""
    definition: RunDefinition
