"""`reelmill check --deep`: compare every committed object with its digest."""

import os
import tempfile
from collections.abc import Collection, Mapping
from functools import partial
from pathlib import Path

from reelmill.contract.commands.result_rows import DamageRow, IntegrityResult
from reelmill.contract.errors import SpecError
from reelmill.contract.records.claim import Claimant
from reelmill.contract.records.verification import ProgressRecord
from reelmill.contract.task import Task
from reelmill_stages.commands.entry import must_exist, store_of
from reelmill_stages.runtime.verify.digest_reader import Reading
from reelmill_stages.runtime.verify.progress import VerificationProgress
from reelmill_stages.runtime.verify.whole_store import damaged_in_store
from reelmill_stages.store.local.errors import mapped


def integrity(
    task: Task,
    env: Mapping[str, str],
    *,
    names: Collection[str] = (),
    max_rate: float | None = None,
    read_all: bool = False,
    progress: Path | None = None,
    claimant: Claimant | None = None,
) -> IntegrityResult:
    """Check data sets for damage.

    Without `names`, these are the data sets of all sources and stages, the records at the root of the store, and
    earlier data sets in frozen states. `claimant` is the pipeline file, if there is one.

    `max_rate` limits reading, in bytes per second. With `read_all`, the server's checksums are not relied on.
    `progress` is a local file of the objects found intact: a later call with the same file continues an interrupted
    check, and a check that ends deletes it. Raises SpecError for a progress file of another kind and for a store that
    has none of these data sets, and TransientError if the store does not answer.
    """
    store = store_of(task, env)
    reading = Reading(store, max_rate, read_all=read_all)
    known = _progress(progress, store.uri)
    try:
        found = damaged_in_store(task, store, reading, known, names=names, claimant=claimant)
        damage = [
            DamageRow(stage=name, key=one.key, problem=one.error.what, remedy=one.error.hint) for name, one in found
        ]
    except BaseException:
        known.save()
        raise
    if progress:
        progress.unlink(missing_ok=True)
    if not (damage or reading.objects or known.earlier):
        must_exist(store, task, names)
    return IntegrityResult(
        objects=reading.objects,
        bytes=reading.bytes,
        by_checksum=reading.by_checksum,
        earlier=known.earlier,
        damage=damage,
    )


def _progress(path: Path | None, uri: str) -> VerificationProgress:
    """The progress of an interrupted check of this store; empty if the file does not exist yet."""
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
