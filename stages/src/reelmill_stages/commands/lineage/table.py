"""`reelmill lineage`: the origin of every item of a data set, and where the other inputs ended, as a Parquet file.

The file appears under its name when it is complete.
"""

import json
import tempfile
from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from reelmill.contract.commands.lineage_rows import LineageResult
from reelmill.contract.errors import SpecError
from reelmill.contract.output_file import check_may_replace
from reelmill.contract.task import SourceDef, StageDef, Task
from reelmill.contract.text.redaction import redacted
from reelmill.contract.text.urls import without_secrets
from reelmill_stages.commands.entry import data_set, entries, store_of
from reelmill_stages.commands.lineage.columns import ABOUT, LineageRows, is_lineage, schema
from reelmill_stages.commands.lineage.parquet_table import ParquetTable
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.records.lineage.ancestry import Ancestry
from reelmill_stages.records.pins import stored_pins
from reelmill_stages.summary.one_moment import at_one_moment


@at_one_moment
def lineage(task: Task, env: Mapping[str, str], *, stage: str, file: Path) -> LineageResult:
    """Write the lineage of the data set of a source or stage to `file`; an earlier lineage is replaced.

    Memory holds the rows of one row group and numbers of the inputs of one shard, for any number of items. Temporary
    files take about as much space as the rows of all data sets on the way. Raises SpecError for a data set without
    segments, a folder that does not exist, an existing file that is not a lineage table, and a missing package, and
    StoreDamaged for damaged records.
    """
    if find_spec("pyarrow") is None:
        raise SpecError("Parquet needs the package pyarrow", hint="install reelmill-stages[parquet]")
    check_may_replace(file, is_lineage, option="--to")
    store = store_of(task, env)
    data = {entry.name: data_set(store, entry) for entry in stage_and_upstreams(task, stage)}
    return write_table(task, data, stage, file)


def write_table(task: Task, data: Mapping[str, DataSet], stage: str, file: Path) -> LineageResult:
    """Like `lineage`, for these data sets, which include those of all sources and stages on the way."""
    way = stage_and_upstreams(task, stage)
    data = {entry.name: data[entry.name] for entry in way}
    store, last = data[stage].store, data[stage].last
    if last is None:
        raise SpecError(f"{stage!r} has no data set yet", where=store.uri, hint="run the pipeline first")
    upstreams = {one.name: [up.name for up in one.upstreams] for one in way if isinstance(one, StageDef)}
    about = {
        "store": store.uri,
        "pipeline": f"{task.owner.namespace}/{task.owner.name}",
        "stages": _definitions(way),
        "task": redacted(_task(task, way).model_dump(mode="json", by_alias=True)),
        "pins": {name: stored_pins(store, one.names) for name, one in data.items()},
    }
    rows = LineageRows(way, _versions(data))
    ended = items = unknown = 0
    with (
        tempfile.TemporaryDirectory(prefix="reelmill-lineage-") as scratch,
        ParquetTable(file, schema({ABOUT: without_secrets(json.dumps(about, ensure_ascii=False))})) as table,
        Ancestry(data, upstreams, Path(scratch)) as ancestry,
    ):
        for one in ancestry.ended():
            ended += 1
            table.add(rows.of(one, None))
        for ordinal, ways in ancestry.made():
            items += 1
            for one in ways:
                unknown += not one.known
                table.add(rows.of(one, ordinal))
    return LineageResult(
        file=str(file),
        stage=stage,
        stage_key=data[stage].names.key,
        segment=last.segment,
        rows=table.rows,
        items=items,
        ended=ended,
        unknown=unknown,
    )


def stage_and_upstreams(task: Task, stage: str) -> list[SourceDef | StageDef]:
    """A stage and everything upstream of it, in order; the stage is last."""
    needed, found = {stage}, []
    for entry in reversed(list(entries(task))):
        if entry.name in needed:
            found.append(entry)
            needed |= {upstream.name for upstream in entry.upstreams} if isinstance(entry, StageDef) else set()
    return found[::-1]


def _task(task: Task, way: Iterable[SourceDef | StageDef]) -> Task:
    """The task that makes the items again."""
    names = {entry.name for entry in way}
    return task.replace(
        sources=tuple(source for source in task.sources if source.name in names),
        stages=tuple(each for each in task.stages if each.name in names),
    )


def _definitions(way: Iterable[SourceDef | StageDef]) -> list[dict[str, Any]]:
    return [
        {
            "name": entry.name,
            "key": entry.key,
            "type": entry.type,
            **redacted({"definition": entry.definition} if isinstance(entry, StageDef) else {"params": entry.params}),
        }
        for entry in way
    ]


def _versions(data: Mapping[str, DataSet]) -> dict[tuple[int, int], Mapping[str, str]]:
    return {
        (number, segment.segment): segment.versions
        for number, one in enumerate(data.values())
        for segment in one.segments()
    }
