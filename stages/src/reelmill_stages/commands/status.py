"""`reelmill status`: the state of each source and stage, read from the store only."""

from collections.abc import Mapping

from reelmill.contract.commands.result_rows import StatusRow
from reelmill.contract.task import Task
from reelmill_stages.commands.entry import store_of
from reelmill_stages.summary.consistent_cut import cut
from reelmill_stages.summary.one_moment import at_one_moment
from reelmill_stages.summary.status_rows import status_rows


@at_one_moment
def status(task: Task, env: Mapping[str, str]) -> list[StatusRow]:
    """One row for each source and stage, in the order of the pipeline."""
    store = store_of(task, env)
    return status_rows(store, cut(store, task))
