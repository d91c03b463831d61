"""`reelmill plan`: what a run would find new, and how much it would write. Nothing is written to find out."""

from collections.abc import Mapping
from typing import Any

from reelmill.contract.errors import SpecError
from reelmill.contract.task import SourceDef, StageDef, Task
from reelmill_stages import registry
from reelmill_stages.commands.entry import data_set, store_of
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.runtime.survey.previous_listing import CHANGED, NEW, Known
from reelmill_stages.sources.objects.bucket import SourceBucket
from reelmill_stages.store import Store


def forecast(task: Task, env: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Per source: `listed`, `new`, `problems`, `changed`, `vanished`, `weight` (of what is new). Per stage: `items`
    still to take in and the `bytes` that it will write, None where its block cannot tell. A stage is taken to make as
    many items as it reads.

    Raises what listing raises: SpecError and StoreError for sources that cannot be read as they are configured.
    """
    store = store_of(task, env)
    found: dict[str, dict[str, Any]] = {}
    sizes: dict[str, tuple[int, float]] = {}
    for source in task.sources:
        data = data_set(store, source)
        found[source.name] = row = _listing(source, data, task, env)
        sizes[source.name] = data.item_count + row["new"], _weight(data) + row["weight"]
    for stage in task.stages:
        found[stage.name], sizes[stage.name] = _stage(store, stage, sizes)
    return found


def _listing(source: SourceDef, data: DataSet, task: Task, env: Mapping[str, str]) -> dict[str, Any]:
    adapter, block = registry.source(source.type, dict(source.params))
    bucket = SourceBucket.connected(source.connection or task.store.connection, env)
    row: dict[str, Any] = {"listed": 0, "new": 0, "problems": 0, "changed": 0, "weight": 0.0}
    with Known(data) as known:
        for listed in adapter(block, bucket, source.name, known):
            row["listed"] += 1
            state = known.look(listed).state
            if listed.problem:
                row["problems"] += 1
            elif state == NEW:
                row["new"] += 1
                row["weight"] += listed.weight
            elif state == CHANGED:
                row["changed"] += 1
        row["vanished"] = sum(1 for _ in known.vanished())
    return row


def _stage(
    store: Store, stage: StageDef, sizes: Mapping[str, tuple[int, float]]
) -> tuple[dict[str, Any], tuple[int, float]]:
    data = data_set(store, stage)
    there = sum(sizes[upstream.name][0] for upstream in stage.upstreams)
    weight = sum(sizes[upstream.name][1] for upstream in stage.upstreams)
    todo = max(there - data.totals.in_, 0)
    share = todo / there if there else 0.0
    row = {"items": todo, "bytes": _bytes(stage, todo, weight * share) if todo else 0}
    return row, (data.item_count + todo, _weight(data) + weight * share)


def _bytes(stage: StageDef, items: int, weight: float) -> int | None:
    try:
        return registry.stage(stage.type, dict(stage.params)).forecast(items, weight)
    except SpecError:
        return None  # what is missing here may be where the stage runs; its open step says so if not


def _weight(data: DataSet) -> float:
    return sum(segment.weight for segment in data.segments())
