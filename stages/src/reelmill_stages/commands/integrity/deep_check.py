"""`reelmill check --deep`: compares every committed object with its digest."""

from collections.abc import Collection, Mapping
from functools import partial
from pathlib import Path

from reelmill.contract.commands.result_rows import DamageRow, IntegrityResult
from reelmill.contract.errors import SpecError
from reelmill.contract.task import Task
from reelmill_stages.commands.entry import data_set, entries, store_of
from reelmill_stages.runtime.verify.digest_comparison import damaged_objects
from reelmill_stages.runtime.verify.digest_reader import Reading
from reelmill_stages.runtime.verify.progress import ProgressRecord, VerificationProgress
from reelmill_stages.store.local.errors import mapped


def integrity(
    task: Task,
    env: Mapping[str, str],
    *,
    names: Collection[str] = (),
    max_rate: float | None = None,
    read_all: bool = False,
    progress: Path | None = None,
) -> IntegrityResult:
    """Check the data sets of all sources and stages, or of those named.

    `max_rate` limits reading, in bytes per second. With `read_all`, the server's checksums are not relied on.
    `progress` is a local file with what was found whole: a later call with the same file continues an interrupted
    check, and a check that ends deletes it. Raises SpecError for a file that is something else, and TransientError if
    the store does not answer.
    """
    store = store_of(task, env)
    reading = Reading(store, max_rate, read_all=read_all)
    known = _progress(progress, store.uri)
    try:
        rows = [
            DamageRow(stage=entry.name, key=found.key, problem=found.error.what, remedy=found.error.hint)
            for entry in entries(task)
            if not names or entry.name in names
            for found in damaged_objects(data_set(store, entry), reading, known)
        ]
    except BaseException:
        known.save()
        raise
    if progress:
        progress.unlink(missing_ok=True)
    return IntegrityResult(
        objects=reading.objects,
        bytes=reading.bytes,
        by_checksum=reading.by_checksum,
        earlier=known.earlier,
        damage=rows,
    )


def _progress(path: Path | None, uri: str) -> VerificationProgress:
    """The progress of an interrupted check of this store; it is empty if the file does not exist yet."""
    if path is None:
        return VerificationProgress(ProgressRecord(store=uri))
    record = ProgressRecord(store=uri)
    with mapped(path):
        known = path.read_bytes() if path.exists() else None
    try:
        record = ProgressRecord.model_validate_json(known) if known is not None else record
        progress = VerificationProgress(record, partial(_replace, path))
    except ValueError:
        record = ProgressRecord(store="")
    if record.store != uri:
        raise SpecError("this is not the progress of a check of this store", where=str(path), hint="name another file")
    progress.save()
    return progress


def _replace(path: Path, data: bytes) -> None:
    with mapped(path):
        part = path.with_name(f"{path.name}.part")
        part.write_bytes(data)
        part.replace(path)
