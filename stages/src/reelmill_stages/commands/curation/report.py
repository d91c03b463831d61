"""`reelmill report`: the run report of a pipeline, from the current state of its store."""

from collections.abc import Mapping

from reelmill.contract.commands.summary import ReportResult
from reelmill.contract.task import Task
from reelmill.contract.task_parts.run_report import RunDefinition
from reelmill_stages.commands.entry import store_of
from reelmill_stages.runtime.run_report import make_report
from reelmill_stages.summary.consistent_cut import cut
from reelmill_stages.summary.one_moment import at_one_moment


@at_one_moment
def report(task: Task, env: Mapping[str, str], definition: RunDefinition) -> ReportResult:
    """The report. Nothing is written to the store. Raises SpecError if the packages for reports are not installed."""
    store = store_of(task, env)
    summary, html = make_report(store, task, env, cut(store, task), definition)
    return ReportResult(moment=summary.overview.moment, verdict=summary.overview.verdict, html=html.decode())
