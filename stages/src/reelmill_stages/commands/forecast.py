"""`reelmill plan`: the new input that a run would find, and the amount it would write. Nothing is written.

No code that the pipeline names is imported; values that only such code provides are None.
"""

from collections.abc import Mapping

from reelmill.contract.commands.result_rows import Forecast, SourceForecast, StageForecast
from reelmill.contract.errors import SpecError
from reelmill.contract.task import SourceDef, StageDef, Task
from reelmill_stages import registry
from reelmill_stages.commands.entry import data_set, store_of
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.records.pins import check_pins
from reelmill_stages.runtime.supervision import PATIENCE_SECONDS
from reelmill_stages.runtime.survey.list_rows import ListedRows
from reelmill_stages.runtime.survey.listing_process import ListingProgress, list_in_separate_process
from reelmill_stages.runtime.survey.previous_listing import CHANGED, NEW, PreviousListing
from reelmill_stages.runtime.weights import data_set_weight, weight_of
from reelmill_stages.sources.objects.bucket import SourceBucket
from reelmill_stages.sources.objects.own_store import refuse_own_store
from reelmill_stages.store import Store
from reelmill_stages.store.locations import Locations
from reelmill_stages.weight import Weight

_Size = tuple[int, Weight]
"""Number of items and their weight."""


def forecast(task: Task, env: Mapping[str, str], *, patience: float = PATIENCE_SECONDS) -> Forecast:
    """Forecast what listing every source would find, and what every stage would have to do, in a separate process.

    A stage is assumed to make as many items as it reads. User code is not imported: sources that it lists, and stages
    that read them, are unknown.

    Raises the errors of listing: SpecError and StoreError for sources that cannot be read as configured, and
    TransientError for one that makes no progress for `patience` seconds. Raises SpecError if a parameter's file differs
    from the one that its stage started with.
    """
    found: Forecast = list_in_separate_process(
        f"{__name__}:forecast_in_this_process", task, dict(env), env=env, patience=patience
    )
    return found


def forecast_in_this_process(task: Task, env: Mapping[str, str], progress: ListingProgress) -> Forecast:
    """The same forecast, in this process."""
    refuse_own_store(task.store, task.sources)
    store = store_of(task, env)
    check_pins(Locations(task.store, task.sources, env), task.stages, remember=False)
    sources: dict[str, SourceForecast] = {}
    stages: dict[str, StageForecast] = {}
    sizes: dict[str, _Size | None] = {}
    for source in task.sources:
        data = data_set(store, source)
        if code := registry.own_code(source.type, source.params):
            sources[source.name], sizes[source.name] = SourceForecast(code=code), None
            continue
        sources[source.name], new, weight = _listing(source, data, task, env, progress)
        sizes[source.name] = data.item_count + new, data_set_weight(data) + weight
    for stage in task.stages:
        stages[stage.name], sizes[stage.name] = _stage(store, stage, sizes)
    return Forecast(sources=sources, stages=stages)


def _listing(
    source: SourceDef, data: DataSet, task: Task, env: Mapping[str, str], progress: ListingProgress
) -> tuple[SourceForecast, int, Weight]:
    adapter, block = registry.source(source.type, dict(source.params))
    bucket = SourceBucket.of(source, task.store, env, progress=progress.mark)
    rows = new = problems = changed = 0
    weight = Weight()
    with PreviousListing(data) as known, ListedRows() as lists:
        progress.start(source.name)
        for listed in adapter(block, bucket, source.name, known):
            progress.mark()
            rows += 1
            lists.add(listed)
            state = known.look(listed).state
            if listed.problem:
                problems += 1
            elif state == NEW:
                new += 1
                weight += weight_of(listed.weight, listed.media, listed.fields)
            elif state == CHANGED:
                changed += 1
        progress.stop()
        vanished = sum(1 for _ in known.vanished())
        lists_changed = lists.differ(data)
    row = SourceForecast(
        listed=rows,
        new=new,
        problems=problems,
        changed=changed,
        lists_changed=lists_changed,
        weight=weight.total,
        vanished=vanished,
        hidden=sum(bucket.hidden.values()),
    )
    return row, new, weight


def _stage(store: Store, stage: StageDef, sizes: Mapping[str, _Size | None]) -> tuple[StageForecast, _Size | None]:
    code = registry.own_code(stage.type, stage.params)
    read = [size for upstream in stage.upstreams if (size := sizes[upstream.name])]
    if len(read) < len(stage.upstreams):
        return StageForecast(items=None, bytes=None, code=code), None
    data = data_set(store, stage)
    there = sum(items for items, _ in read)
    weight = sum((weight for _, weight in read), Weight())
    todo = max(there - data.totals.in_, 0)
    share = todo / there if there else 0.0
    row = StageForecast(items=todo, bytes=_bytes(stage, todo, weight.scaled(share)) if todo else 0, code=code)
    return row, (data.item_count + todo, data_set_weight(data) + weight.scaled(share))


def _bytes(stage: StageDef, items: int, weight: Weight) -> int | None:
    if registry.own_code(stage.type, stage.params):
        return None
    try:
        return registry.stage(stage.type, dict(stage.params)).forecast(items, weight)
    except SpecError:
        return None  # may be available where the stage runs; else its open step reports it
