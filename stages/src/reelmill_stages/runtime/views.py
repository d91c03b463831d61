"""Views: files about a whole data set, which are replaced by newer versions, never by older ones.

A view that another program changed is kept beside the new one, as `NAME.edited`. A view without attributes, as in a
copy of a store, is made again as it was and compared; it is kept if it differs, or if its parameters have changed.

The metadata of each view contain the last segment that it includes. `stage.json` contains it as a field and is written
last, so it describes the current views.
"""

import logging
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cache, partial
from itertools import chain, count
from pathlib import Path
from typing import Any

from reelmill.contract.digest import sha256, view_fingerprint
from reelmill.contract.errors import NotFound, PreconditionFailed, SpecError, StoreError
from reelmill.contract.log import event
from reelmill.contract.records.layout import DataSetPaths
from reelmill.contract.records.segment import Segment, StageRecord
from reelmill.contract.spec.view import Weights
from reelmill_stages import registry
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.records.owned import is_view
from reelmill_stages.records.record_files import dump, load, parse
from reelmill_stages.runtime.context import StepContext
from reelmill_stages.stage import File, Stage
from reelmill_stages.store import Stat, Store
from reelmill_stages.store.damage import address
from reelmill_stages.store.digests import file_digest, object_digest
from reelmill_stages.store.keys import below

log = logging.getLogger(__name__)


def present(context: StepContext) -> str:
    """Build the views of the task's stage from all closed segments; returns the fingerprint of their parameters.

    Expensive views are postponed until all upstreams are complete; the fingerprint is then empty.
    """
    task = context.task
    data = context.data_set(task.stage.name, task.stage.key)
    if data.last is None:
        return ""
    block = registry.stage_block(task.stage.type, task.stage.params)
    shown = view_fingerprint(task.view) if task.complete or not block.heavy_views else ""
    record = data.record()
    if record and (record.segment, record.view) == (data.last.segment, shown) and shown:
        return shown
    names: list[str] = []
    if shown:
        stage = registry.stage(task.stage.type, task.stage.params)
        earlier = cache(partial(_earlier_digests, context, stage, record, shown))
        for file in _files(stage, data, task.view):
            if file.name in names:
                raise SpecError(
                    f"the stage gives two views the name {file.name}",
                    where=data.root,
                    hint="name them differently in its method present",
                )
            _write_view(data, file, data.last.segment, record.views if record else (), earlier)
            names.append(file.name)
        for stale in set(record.views if record else ()) - set(names):
            _delete_obsolete_view(context.store, data.names, stale)
        event(log, "presented", stage=data.name, segment=data.last.segment, files=len(names))
    write_record(context.store, _record(context, data, data.last, shown, tuple(names)))
    return shown


def _files(stage: Stage, data: DataSet, view: Mapping[str, Any]) -> Iterator[File]:
    """The views of the stage, and the view of weights, which any stage can have."""
    yield from stage.present(data, view)
    if view.get("weights"):
        from reelmill_stages.sampling.weights_view import weights_file

        yield weights_file(data, Weights.model_validate(view["weights"]))


def _earlier_digests(context: StepContext, stage: Stage, record: StageRecord | None, shown: str) -> Mapping[str, str]:
    """Name -> digest of the views that `stage.json` describes, made again; empty if they had other parameters."""
    task = context.task
    if record is None or record.view != shown:
        return {}
    sources = {source.name: source.key for source in task.sources}
    names = DataSetPaths(task.stage.name, task.stage.key)
    data = DataSet(context.store, names, until=record.segment, sources=sources)  # it has a scratch folder of its own
    return {file.name: file_digest(file.path) for file in _files(stage, data, task.view)}


def repair_record(context: StepContext, last: Segment | None) -> None:
    """Update `stage.json` if it is older than a closed segment; the views are built by the next commit."""
    task = context.task
    if last is None:
        return
    names = DataSetPaths(task.stage.name, task.stage.key)
    record = load(context.store, names.stage_json, StageRecord)
    if record is None or record.segment < last.segment:
        data = context.data_set(names.name, names.key, until=last.segment)
        write_record(context.store, _record(context, data, last, "", record.views if record else ()))


def write_record(store: Store, record: StageRecord) -> None:
    """Write `stage.json`, unless the stored one is newer."""
    names = DataSetPaths(record.stage, record.key)
    data = dump(record)
    while True:
        etag = ""
        try:
            found = store.stat(names.stage_json)
            old = store.read(names.stage_json, if_match=found.etag)
            if old == data or parse(old, address(store, names.stage_json), StageRecord).segment > record.segment:
                return
            etag = found.etag
        except NotFound:
            pass
        except PreconditionFailed:
            continue
        if _write_if_unchanged(
            store, names.stage_json, data, etag, {"segment": str(record.segment), "digest": sha256(data)}
        ):
            return


def _record(context: StepContext, data: DataSet, last: Segment, view: str, views: tuple[str, ...]) -> StageRecord:
    return StageRecord(
        stage=data.name,
        key=data.names.key,
        segment=last.segment,
        definition=last.definition or context.task.stage.definition,
        upstreams={upstream.name: upstream.key for upstream in context.task.stage.upstreams},
        coverage=last.coverage,
        totals=last.totals,
        reasons=last.reasons,
        items=last.next_ordinal,
        weight=data.weight,
        versions=last.versions,
        view=view,
        views=views,
    )


def _write_view(
    data: DataSet, file: File, segment: int, known: Collection[str], earlier: Callable[[], Mapping[str, str]]
) -> None:
    """Write a view over an older one. Raises StoreError if another object has its name.

    `known` are the names of the views in `stage.json`, and `earlier` returns their digests.
    """
    store, key, digest = data.store, data.names.view(file.name), file_digest(file.path)
    while True:
        found = _stat(store, key)
        if found and "segment" not in found.metadata and file.name not in known:
            raise StoreError(
                "a file that reelmill did not write has the name of a view",
                where=address(store, key),
                hint="move it away, then run again",
            )
        if found and int((found.metadata or found.outdated).get("segment", 0)) > segment:
            return
        if found and "segment" not in found.metadata:
            content = object_digest(store, key)[0]
            if content != digest and (found.outdated or content != earlier().get(file.name)):
                _keep_edited(data, found)
        mark = {"stage": data.names.key, "segment": str(segment), "digest": digest}
        if _write_if_unchanged(store, key, file.path, found.etag if found else "", mark):
            return


def _keep_edited(data: DataSet, found: Stat) -> None:
    """Copy a view that may be another program's to an unused name, and report it.

    The view itself is then replaced only if it is still the same, so that another commit's new view is never taken for
    an edited one.
    """
    store, key = data.store, found.key
    with tempfile.TemporaryDirectory(dir=data.scratch) as folder:
        content = Path(folder) / "view"
        try:
            with store.open(key, if_match=found.etag) as source, content.open("wb") as target:
                shutil.copyfileobj(source, target)
        except (NotFound, PreconditionFailed):
            return
        for name in chain([f"{key}.edited"], (f"{key}.edited-{number}" for number in count(2))):
            try:
                store.write(name, content, create=True)
            except PreconditionFailed:
                if object_digest(store, name)[0] == file_digest(content):
                    return
                continue
            break
    event(
        log,
        "a view was changed by another program, or copied without the attributes that identify it; "
        "it is kept under a new name, and the view is written again",
        level=logging.WARNING,
        view=address(store, key),
        kept=address(store, name),
    )


def _delete_obsolete_view(store: Store, names: DataSetPaths, view: str) -> None:
    """Delete an obsolete view if it matches a record: a file of reelmill in this data set."""
    try:
        below(names.view(view), names.root)
    except StoreError:
        return
    if is_view(store, next((stat for stat in store.list(names.view(view), follow_links=False)), None)):
        store.delete(names.view(view))


def _stat(store: Store, key: str) -> Stat | None:
    try:
        return store.stat(key)
    except NotFound:
        return None


def _write_if_unchanged(store: Store, key: str, data: bytes | Path, etag: str, metadata: dict[str, str]) -> bool:
    try:
        store.write(key, data, create=not etag, if_match=etag, metadata=metadata)
    except PreconditionFailed:
        return False
    return True
