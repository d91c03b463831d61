"""`reelmill check --deep`: compares every committed object with its digest."""

import os
import tempfile
from collections.abc import Collection, Iterator, Mapping
from functools import partial
from pathlib import Path

from reelmill.contract.commands.result_rows import DamageRow, IntegrityResult
from reelmill.contract.errors import SpecError
from reelmill.contract.records.frozen import frozen_as
from reelmill.contract.records.verification import ProgressRecord
from reelmill.contract.task import Task
from reelmill_stages.commands.entry import data_set, entries, store_of
from reelmill_stages.records.claims import claims_on
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.runtime.verify.digest_comparison import DamagedObject, damaged_objects
from reelmill_stages.runtime.verify.digest_reader import Reading
from reelmill_stages.runtime.verify.progress import VerificationProgress
from reelmill_stages.runtime.verify.store_records import StoreRecords
from reelmill_stages.store import Store
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
    """Check the data sets of all sources and stages, the records at the root of the store, and earlier data sets that
    frozen states have; or only the data sets of those named.

    `max_rate` limits reading, in bytes per second. With `read_all`, the server's checksums are not relied on.
    `progress` is a local file with what was found whole: a later call with the same file continues an interrupted
    check, and a check that ends deletes it. Raises SpecError for a file that is something else, and TransientError if
    the store does not answer.
    """
    store = store_of(task, env)
    reading = Reading(store, max_rate, read_all=read_all)
    known = _progress(progress, store.uri)
    try:
        chosen = [data_set(store, entry) for entry in entries(task) if not names or entry.name in names]
        damage = [(data.name, found) for data in chosen for found in damaged_objects(data, reading, known)]
        if not names:
            damage += _at_the_root(task, store, reading, known)
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
        damage=[
            DamageRow(stage=name, key=found.key, problem=found.error.what, remedy=found.error.hint)
            for name, found in damage
        ],
    )


def _at_the_root(
    task: Task, store: Store, reading: Reading, known: VerificationProgress
) -> Iterator[tuple[str, DamagedObject]]:
    """Damage in the records at the root of the store, and in earlier data sets of the pipeline's frozen states."""
    present = [data_set(store, entry).names for entry in entries(task)]
    records = StoreRecords(store, reading)
    earlier = records.data_sets(f"{task.owner.namespace}/{task.owner.name}") - set(present)
    records.need({state for names in present for uid in claims_on(store, names) if (state := frozen_as(uid))})
    yield from (("", found) for found in records.damaged)
    for names in sorted(earlier, key=lambda each: each.root):
        for found in damaged_objects(DataSet(store, names), reading, known):
            yield names.name, found


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
        number, part = tempfile.mkstemp(prefix=".", suffix=".part", dir=path.absolute().parent)
        try:
            with os.fdopen(number, "wb") as file:
                file.write(data)
            Path(part).replace(path)
        except BaseException:
            Path(part).unlink(missing_ok=True)
            raise
