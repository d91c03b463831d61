"""A pipeline as reports and cards show it: its definition with prices, and the file as it was written."""

from reelmill.cli.input.pipeline import Loaded
from reelmill.cli.local_run import prices
from reelmill.contract.task_parts.run_report import RunDefinition
from reelmill.plan.jobs.tasks import run_definition


def definition_of(loaded: Loaded) -> RunDefinition:
    """The definition; its text only if no option changed it."""
    return run_definition(loaded.definition, prices()).replace(
        document=loaded.data,
        text=loaded.document.text if loaded.data == loaded.document.data else "",
    )
