"""Runs the stages on the way to a sample again over the items that it was made from, in a separate store."""

import threading
from collections.abc import Mapping

from pydantic import ValidationError

from reelmill.contract.errors import SpecError
from reelmill.contract.records.layout import DataSetPaths
from reelmill.contract.records.rows import Outcome
from reelmill.contract.records.segment import Pass
from reelmill.contract.spec.block import StageBlock
from reelmill.contract.task import StageDef, Step, Task
from reelmill_stages import registry
from reelmill_stages.commands.lineage.chosen_items import keep_chosen, list_chosen
from reelmill_stages.commands.lineage.recipe import Recipe
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.records.pins import pin_files
from reelmill_stages.records.record_files import dump, load
from reelmill_stages.runtime.commit.step import commit
from reelmill_stages.runtime.context import context
from reelmill_stages.runtime.open.step import open_pass
from reelmill_stages.runtime.shards.step import run_shard
from reelmill_stages.store import Store
from reelmill_stages.store.locations import Locations


def remake(recipe: Recipe, env: Mapping[str, str]) -> None:
    """Make the items of a recipe again, in the store of its task, which is empty.

    Raises SpecError if they cannot be made here. Missing code, packages, versions and files are detected before any
    stage runs.
    """
    task, stop = recipe.task, threading.Event()
    locations = Locations(task.store, task.sources, env)
    for stage in task.stages:
        _pin_inputs(stage, recipe, locations)
    for source in task.sources:
        items = recipe.sources.get(source.name, {})
        data = DataSet(locations.store, DataSetPaths(source.name, source.key))
        list_chosen(data, source, (items[ordinal] for ordinal in sorted(items)))
    for stage in task.stages:
        _run(task, stage, env, stop, recipe.first_number if stage is task.stages[-1] else 0)
        data = made(locations.store, stage)
        keys = _same_items(data, recipe.needed.get(stage.name, set()))
        keep_chosen(data, keys)
        _check_items_made(data, keys, stage)


def made(store: Store, stage: StageDef) -> DataSet:
    """The output of a stage."""
    return DataSet(store, DataSetPaths(stage.name, stage.key))


def _pin_inputs(stage: StageDef, recipe: Recipe, locations: Locations) -> None:
    """Raise SpecError if something that the stage needs is missing, or differs from what it was made with."""
    block = _block_of_same_version(stage, recipe)
    registry.stage_class(stage.type, dict(stage.params))
    names = DataSetPaths(stage.name, stage.key)
    for field, pin in recipe.pins.get(stage.name, {}).items():
        locations.store.write(names.pin(field), dump(pin))
    pin_files(locations, names, block)


def _run(task: Task, stage: StageDef, env: Mapping[str, str], stop: threading.Event, first_number: int) -> None:
    """Run the only pass of a stage; its inputs are numbered from `first_number`, as in the original."""
    on_the_way = task.replace(
        stages=(stage,), segment=1, cover={upstream.name: 1 for upstream in stage.upstreams}, shard_count=1
    )
    with context(on_the_way.replace(step=Step.OPEN), env, stop) as found:
        opened = open_pass(found)
        key = DataSetPaths(stage.name, stage.key).segment(1).pass_json
        if first_number and (plan := load(found.store, key, Pass)):
            found.store.write(key, dump(plan.replace(first_ordinal=first_number)))
    for shard in range(opened.shards):
        with context(on_the_way.replace(step=Step.SHARDS), env, stop) as found:
            run_shard(found, shard)
    with context(on_the_way.replace(step=Step.COMMIT), env, stop) as found:
        commit(found)


def _block_of_same_version(stage: StageDef, recipe: Recipe) -> StageBlock:
    try:
        block = registry.stage_block(stage.type, dict(stage.params))
    except ValidationError as error:
        field = ".".join(map(str, error.errors()[0]["loc"]))
        raise SpecError(
            f"{stage.name} was made by another version of reelmill: {field}: {error.errors()[0]['msg']}",
            where=stage.name,
            hint=f"install reelmill {recipe.versions.get('reelmill', 'of that time')}",
        ) from error
    here = {block.version_above(spans=spans) for spans in (False, True)}
    if stage.data_version not in here:
        raise SpecError(
            f"{stage.name} was made in data version {stage.data_version}, and this reelmill makes {max(here)}",
            where=stage.name,
            hint=f"install reelmill {recipe.versions.get('reelmill', 'of that time')}",
        )
    return block


def _same_items(data: DataSet, keys: set[str]) -> set[str]:
    """The keys of these items here. The key of a single one may differ: keys of tars include the size of their pass."""
    made = [item.key for item, _ in zip(data.items(), range(2), strict=False)]
    return {*made} if len(keys) == len(made) == 1 else keys


def _check_items_made(data: DataSet, keys: set[str], stage: StageDef) -> None:
    """Raise SpecError, with the outcomes of the inputs, if an item on the way was not made."""
    missing = keys - {item.key for item in data.items()}
    if not missing:
        return
    ended = [row for row in data.ledger() if row.outcome != Outcome.DONE]
    outcome_texts = "; ".join(f"{row.key}: {row.outcome} ({row.reason}) {row.message}" for row in ended[:3])
    hint = "the result of the stage also depends on its other inputs or on the machine"
    if any(row.reason == "changed" for row in ended):
        hint = "the source object is not the one that the data set was made from: restore that version"
    details = f": {outcome_texts}" if outcome_texts else ""
    raise SpecError(f"{stage.name} did not make {min(missing)!r} again{details}", where=stage.name, hint=hint)
