"""A pipeline as shown in reports and cards: its definition with prices, and the text of its file."""

from reelmill.cli.input.pipeline import Loaded
from reelmill.cli.local_run import prices
from reelmill.contract.task_parts.run_report import RunDefinition
from reelmill.plan.jobs.tasks import run_definition


def definition_of(loaded: Loaded) -> RunDefinition:
    """The definition; it has the text of the file only if no option changed it."""
    return run_definition(loaded.definition, prices()).replace(
        document=loaded.data,
        text=loaded.document.text if loaded.data == loaded.document.data else "",
    )
