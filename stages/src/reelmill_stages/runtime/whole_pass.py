"""A whole pass in one process: open, the only shard, and commit, with the same records as three separate steps.

Another process may take part at any point, and a lost run is continued: the pass is opened once, its shard is committed
once, and it is closed once, by any process.
"""

from collections.abc import Callable
from dataclasses import replace

from reelmill.contract.task import CommitReport, OpenReport, Step
from reelmill.contract.task_parts.follow_up import FollowUp
from reelmill_stages.runtime.commit.step import commit
from reelmill_stages.runtime.context import StepContext
from reelmill_stages.runtime.next_passes import next_passes
from reelmill_stages.runtime.open.step import open_pass

Enter = Callable[[Step], None]
"""Called when the process enters a step, for signals and for the report of a failure."""


def whole_pass(context: StepContext, follow_up: FollowUp, enter: Enter) -> OpenReport | CommitReport:
    """Open the pass of the task and finish it; returns the report of the open step if it is too large for one pod.

    Raises the errors of the three steps.
    """
    enter(Step.OPEN)
    report = open_pass(context, follow_up)
    if report.foreign or not (report.small or report.closed):
        return report
    if not report.closed:
        enter(Step.SHARDS)
        # Imported here because a pass that is too large for this pod needs no workers.
        from reelmill_stages.runtime.shards.step import run_shard

        context.check_stop()
        run_shard(_context_of_step(context, Step.SHARDS), 0)
        context.check_stop()
    enter(Step.COMMIT)
    closing = _context_of_step(context, Step.COMMIT)
    return commit(closing).replace(next=next_passes(closing, follow_up))


def _context_of_step(context: StepContext, step: Step) -> StepContext:
    return replace(context, task=context.task.replace(step=step))
