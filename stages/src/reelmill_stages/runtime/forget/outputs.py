"""Deletion of files with data of forgotten items, and of records that are only read by people.

A file is deleted only if it matches a record: it has the mark of its data set, or the committed content.
"""

import re
from collections.abc import Iterator

from reelmill.contract.errors import NotFound, StoreError
from reelmill.contract.records.forgotten import AffectedDataSet
from reelmill.contract.records.layout import INTERNAL
from reelmill.contract.records.segment import Object, StageRecord
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.records.drift import DriftRecord
from reelmill_stages.records.owned import is_view
from reelmill_stages.records.record_files import load, peek
from reelmill_stages.records.record_names import is_rows, record_model
from reelmill_stages.runtime.forget.descendants import DataSets
from reelmill_stages.runtime.forget.segments import replace_record
from reelmill_stages.store import Store
from reelmill_stages.store.digests import object_digest
from reelmill_stages.store.keys import below

_DELETED = ("flights", "commit-logs")
"""Folders of a segment with files for people, or for runs that have ended."""
_REPORT = re.compile(rf"([^/]+/[^/]+)/\d{{4,}}/{INTERNAL}/reports/[0-9a-f]{{10}}\.html")


def delete_reports(store: Store) -> None:
    """Delete the run reports in all data sets: each contains examples from all data sets of a pipeline."""
    data_sets = DataSets(store)
    for stat in data_sets.listed:
        found = _REPORT.fullmatch(stat.key)
        if found and found[1] in data_sets.roots and not stat.foreign:
            store.delete(stat.key)


def delete_views(data: DataSet, what: AffectedDataSet) -> None:
    """Delete the views of a data set; the next run makes them from the remaining items."""
    record = load(data.store, data.names.stage_json, StageRecord)
    last = data.last
    if record and last and what.upstreams:
        now = record.replace(view="", views=(), segment=last.segment, totals=last.totals, reasons=last.reasons)
        if now != record:
            replace_record(data.store, data.names.stage_json, record, now)
    for view in what.views:
        key = _below(data, data.names.view(view))
        listed = (
            next((stat for stat in data.store.list(key, follow_links=False) if stat.key == key), None) if key else None
        )
        if is_view(data.store, listed):
            data.store.delete(key)


def delete_files(data: DataSet, what: AffectedDataSet) -> None:
    """Delete the output files."""
    for file in what.files:
        if _below(data, file.key) and _is_ours(data.store, file, what.key):
            data.store.delete(file.key)


def delete_records(data: DataSet, what: AffectedDataSet) -> None:
    """Delete logs and answers of servers, which later passes do not need. A source's drift is recounted."""
    store = data.store
    for segment in range(1, (data.last.segment if data.last else 0) + 1):
        for folder in _DELETED:
            for key in _records(data, f"{data.paths(segment).internal}/{folder}/"):
                store.delete(key)
    for key in _records(data, f"{data.root}/{INTERNAL}/answers/"):
        store.delete(key)
    drift = load(store, data.names.drift_json, DriftRecord)
    if drift:
        left = DriftRecord(
            changed=drift.changed,
            vanished=drift.vanished,
            changed_keys=[key for key in drift.changed_keys if key not in what.keys],
            vanished_keys=[key for key in drift.vanished_keys if key not in what.keys],
        )
        if left != drift:
            replace_record(store, data.names.drift_json, drift, left)


def _records(data: DataSet, prefix: str) -> Iterator[str]:
    for stat in list(data.store.list(prefix, follow_links=False)):
        name = stat.key.removeprefix(f"{data.root}/")
        model = record_model(name)
        if not stat.foreign and (is_rows(name) or (model and peek(data.store, stat.key, model))):
            yield stat.key


def _below(data: DataSet, key: str) -> str:
    """The key, if it is below the data set, as in all records of reelmill; otherwise empty."""
    try:
        below(key, data.root)
    except StoreError:
        return ""
    return key


def _is_ours(store: Store, file: Object, key: str) -> bool:
    try:
        stat = store.stat(file.key)
        if stat.foreign or stat.metadata.get("stage") != key:
            return object_digest(store, file.key)[0] == file.digest
    except NotFound:
        return False
    return True
