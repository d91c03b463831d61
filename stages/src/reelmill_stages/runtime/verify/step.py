"""The verify step: `reelmill check --deep` in a pod, with its progress in the store."""

import logging

from reelmill.contract.errors import NotFound, SpecError
from reelmill.contract.log import event
from reelmill.contract.records.layout import verification
from reelmill.contract.records.verification import ProgressRecord
from reelmill.contract.task_parts.verification import VerifyReport
from reelmill_stages.records.record_files import may_be_replaced
from reelmill_stages.runtime.context import StepContext
from reelmill_stages.runtime.verify.digest_reader import Reading
from reelmill_stages.runtime.verify.progress import VerificationProgress
from reelmill_stages.runtime.verify.whole_store import damaged_in_store
from reelmill_stages.store.preflight import check_servers_respond

log = logging.getLogger(__name__)

_NAMED = 5
"""Number of damaged objects that the report names; the log lists all."""
_LONGEST = 100


def verify(context: StepContext) -> VerifyReport:
    """Verify the data sets of all sources and stages, and the root of the store; logs each damaged object.

    Raises TransientError if the store does not answer, and Interrupted if the step was asked to stop; another run of
    the same verification continues then.
    """
    task, wanted = context.task, context.task.verification
    if wanted is None:
        raise SpecError("the task of a verification lacks its limits", hint="the operator and this image differ")
    check_servers_respond(task, context.env)
    key = verification(task.owner.uid)
    progress = _progress(context, key, wanted.began)
    reading = Reading(context.store, wanted.max_rate, read_all=wanted.read_all, stop=context.stop)
    damaged: list[str] = []
    number = 0
    try:
        for name, found in damaged_in_store(task, context.store, reading, progress):
            number += 1
            damaged += [found.key] if number <= _NAMED else []
            words = {"key": found.key, "problem": found.error.what, "hint": found.error.hint}
            event(log, "damaged", level=logging.ERROR, data_set=name, **words)
    except BaseException:
        progress.save()
        raise
    if may_be_replaced(context.store, key, ProgressRecord):
        context.store.delete(key)
    event(log, "verified", objects=reading.objects, bytes=reading.bytes, earlier=progress.earlier, damaged=number)
    return VerifyReport(
        objects=reading.objects + progress.earlier,
        bytes=reading.bytes,
        damaged=number,
        names=tuple(name[-_LONGEST:] for name in damaged),
    )


def _progress(context: StepContext, key: str, began: str) -> VerificationProgress:
    """The progress of this verification; that of another one is discarded.

    An object that is not a progress record is kept, and no progress is stored.
    """

    def save(data: bytes) -> None:
        if may_be_replaced(context.store, key, ProgressRecord):
            context.store.write(key, data)

    empty = ProgressRecord(store=context.store.uri, began=began)
    try:
        record = ProgressRecord.model_validate_json(context.store.read(key))
        return VerificationProgress(record if (record.store, record.began) == (empty.store, began) else empty, save)
    except (NotFound, ValueError):
        return VerificationProgress(empty, save)
