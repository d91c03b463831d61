"""Data sets of selected items in a separate store, from which a sample is made again."""

import tempfile
from collections.abc import Collection, Iterable
from contextlib import closing
from pathlib import Path

from reelmill.contract.records.rows import Item
from reelmill.contract.records.segment import Counts, Object, Part, Segment
from reelmill.contract.task import SourceDef
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.records.record_files import dump
from reelmill_stages.records.row_files import RowFile
from reelmill_stages.runtime.survey.source_listing import listing_record
from reelmill_stages.runtime.views import write_record

_RUN = "0-00000000"


def list_chosen(data: DataSet, source: SourceDef, items: Iterable[Item]) -> None:
    """Commit these items as if a listing of the source had found only them, in this order."""
    paths = data.paths(1)
    rows, weight, count = _upload(data, paths.items(0, _RUN), items)
    counts = Counts(in_=count, done=count)
    segment = Segment(
        state="committed",
        stage=source.name,
        key=source.key,
        segment=1,
        kind="listing",
        counts=counts,
        totals=counts,
        items=count,
        next_ordinal=count,
        weight=weight,
        parts=(Part(items=rows, ledger=None, count=count, weight=weight, first_ordinal=0),),
        definition={"type": source.type, "params": source.params},
    )
    data.store.write(paths.segment_json, dump(segment), create=True)
    write_record(data.store, listing_record(source, DataSet(data.store, data.names), segment))


def keep_chosen(data: DataSet, keys: Collection[str]) -> None:
    """Reduce a stage's only segment to these items, as if its inputs had produced no others."""
    segment = data.last
    if segment is None:
        return
    found = [item for item in data.items() if item.key in keys]
    if len(found) == data.item_count:
        return
    paths = data.paths(segment.segment)
    rows, weight, count = _upload(data, paths.items(99999, _RUN), found)
    part = Part(items=rows, ledger=None, count=count, weight=weight, first_ordinal=0)
    chosen = segment.replace(parts=(part,), items=count, next_ordinal=count, weight=weight)
    data.store.write(paths.segment_json, dump(chosen))


def _upload(data: DataSet, key: str, items: Iterable[Item]) -> tuple[Object, float, int]:
    folder, weight = Path(tempfile.mkdtemp(prefix="chosen-", dir=data.scratch)), 0.0
    with closing(RowFile(folder / "items.jsonl")) as rows:
        for item in items:
            rows.append({**item.to_json(), "ordinal": rows.count})
            weight += item.weight
        return rows.upload(data.store, key), weight, rows.count
