"""The definition of the pipeline in this survey, kept in the store for the step that ends the run."""

import logging

from pydantic import ValidationError

from reelmill.contract.log import event
from reelmill.contract.records.layout import run
from reelmill.contract.records.run import RunRecord
from reelmill.contract.task_parts.run_report import ENV, RunDefinition
from reelmill.contract.text.redaction import Redactor, redacted
from reelmill_stages.records.record_files import dump, may_be_replaced
from reelmill_stages.runtime.context import StepContext
from reelmill_stages.store.damage import address

log = logging.getLogger(__name__)


def keep_definition(context: StepContext) -> None:
    """Write the record of the run, or delete that of an earlier run if no report is wanted."""
    uid = context.task.owner.uid
    if not uid:
        return
    definition = _run_definition(context)
    if not may_be_replaced(context.store, run(uid), RunRecord):
        if definition is not None:
            event(
                log,
                "this file is not a record of a run; it is kept, and the run writes no report",
                level=logging.WARNING,
                file=address(context.store, run(uid)),
            )
    elif definition is None:
        context.store.delete(run(uid))
    else:
        context.store.write(run(uid), dump(RunRecord(task=context.task, definition=_without_secrets(definition))))


def _without_secrets(definition: RunDefinition) -> RunDefinition:
    """The definition for the store, whose readers may not be allowed to read the pipeline."""
    document = redacted(definition.document)
    text = Redactor().text(definition.text) if document == definition.document else ""
    return definition.replace(document=document, text=text)


def _run_definition(context: StepContext) -> RunDefinition | None:
    text = context.env.get(ENV)
    if not text:
        return None
    try:
        return RunDefinition.model_validate_json(text)
    except ValidationError:
        event(log, f"{ENV} comes from another version: the run writes no report", level=logging.WARNING)
        return None
