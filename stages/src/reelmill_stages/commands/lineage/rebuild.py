"""`reelmill rebuild`: make a sample again from a table of lineage and the sources, and compare it with its digests.

The steps of a run are done in this process, over the items on the way to the sample, in a store that is a temporary
folder. The store that the data set is in is not needed.
"""

import shutil
import threading
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

from pydantic import ValidationError

from reelmill.contract.commands.lineage_rows import RebuildResult, RebuiltFile
from reelmill.contract.errors import SpecError
from reelmill.contract.records.layout import DataSetPaths
from reelmill.contract.records.rows import Item, Outcome
from reelmill.contract.records.segment import Pass
from reelmill.contract.task import StageDef, Step, StoreRef, Task
from reelmill.contract.task_parts.shard_limits import ShardLimits
from reelmill_stages import registry
from reelmill_stages.commands.lineage.chosen_items import keep_chosen, list_chosen
from reelmill_stages.commands.lineage.recipe import Recipe, read_recipe
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.records.record_files import dump, load
from reelmill_stages.runtime.commit.step import commit
from reelmill_stages.runtime.context import context
from reelmill_stages.runtime.open.step import open_pass
from reelmill_stages.runtime.shards.step import run_shard
from reelmill_stages.runtime.versions import versions
from reelmill_stages.store import Store
from reelmill_stages.store.digests import file_digest
from reelmill_stages.store.local.errors import mapped
from reelmill_stages.store.open import open_store


def rebuild(
    card: Path, env: Mapping[str, str], *, sample: str, folder: Path, timeout: float, stop: threading.Event
) -> RebuildResult:
    """Make the item `sample` again, and put its files into a new folder, under their names in the data set.

    `card` is the folder of a card, or a table of lineage. `timeout` is the wall time that one input may take, in
    seconds. Files are written whether their digests are equal or not. Raises SpecError for a sample that cannot be made
    here: it says why not.
    """
    recipe = read_recipe(card, sample)
    if folder.exists():
        raise SpecError("the folder exists already", where=str(folder), hint="name a new one with --to")
    for stage in recipe.task.stages:
        _must_be_same_version(stage, recipe)
    with TemporaryDirectory(prefix="reelmill-rebuild-") as scratch:
        task = recipe.task.replace(
            store=StoreRef(uri=f"{scratch}/store"), limits=ShardLimits(item_timeout=timeout), run=1, refresh=False
        )
        store = open_store(task.store, env=env)
        for source in task.sources:
            items = recipe.sources.get(source.name, {})
            data = DataSet(store, DataSetPaths(source.name, source.key))
            list_chosen(data, source, (items[ordinal] for ordinal in sorted(items)))
        for stage in task.stages:
            for field, pin in recipe.pins.get(stage.name, {}).items():
                store.write(DataSetPaths(stage.name, stage.key).pin(field), dump(pin))
            _run(task, stage, env, stop, recipe.first_number if stage is task.stages[-1] else 0)
            keys = _same_items(_data(store, stage), recipe.needed.get(stage.name, set()))
            keep_chosen(_data(store, stage), keys)
            _must_have(_data(store, stage), keys, stage)
        last = task.stages[-1] if task.stages else None
        made = next(iter(_data(store, last).items()), None) if last else None
        if made is None or last is None:
            raise SpecError(f"{sample!r} is an item of a source", hint="rebuild makes items of stages")
        return _compared(store, _data(store, last), made, recipe, sample, folder)


def _run(task: Task, stage: StageDef, env: Mapping[str, str], stop: threading.Event, first_number: int) -> None:
    """The only pass of a stage, whose inputs are numbered from `first_number` on, as they were."""
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


def _must_be_same_version(stage: StageDef, recipe: Recipe) -> None:
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


def _same_items(data: DataSet, keys: set[str]) -> set[str]:
    """The keys of these items here. That of a single one may differ: keys of tars have the size of their pass."""
    made = [item.key for item, _ in zip(data.items(), range(2), strict=False)]
    return {*made} if len(keys) == len(made) == 1 else keys


def _must_have(data: DataSet, keys: set[str], stage: StageDef) -> None:
    """Raises SpecError if an item on the way was not made, with what became of the inputs."""
    missing = keys - {item.key for item in data.items()}
    if not missing:
        return
    ended = [row for row in data.ledger() if row.outcome != Outcome.DONE]
    said = "; ".join(f"{row.key}: {row.outcome} ({row.reason}) {row.message}" for row in ended[:3])
    hint = "the other inputs of the stage, or another machine, have a part in what it makes of one"
    if any(row.reason == "changed" for row in ended):
        hint = "the source object is not the one that the data set was made of: put that version in its place"
    ended_so = f": {said}" if said else ""
    raise SpecError(f"{stage.name} did not make {min(missing)!r} again{ended_so}", where=stage.name, hint=hint)


def _data(store: Store, stage: StageDef) -> DataSet:
    return DataSet(store, DataSetPaths(stage.name, stage.key))


def _compared(store: Store, data: DataSet, made: Item, recipe: Recipe, sample: str, folder: Path) -> RebuildResult:
    before = [(_name(key), digest) for key, digest in recipe.files.items()]
    rows: list[RebuiltFile] = []
    with mapped(folder):
        folder.mkdir(parents=True)
        for place, output in enumerate(made.outputs):
            name, expected = before[place] if place < len(before) else (_name(output.key), "")
            path = store.fetch(output.key, Path(mkdtemp(dir=data.scratch)))
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, folder / name)
            rows.append(RebuiltFile(name=name, size=output.size, digest=file_digest(path), expected=expected))
    rows += [RebuiltFile(name=name, size=0, digest="", expected=digest) for name, digest in before[len(rows) :]]
    here = versions()
    return RebuildResult(
        item=sample,
        stage=data.name,
        folder=str(folder),
        same=all(row.digest == row.expected for row in rows),
        files=rows,
        other_versions={
            name: (was, here.get(name, "")) for name, was in sorted(recipe.versions.items()) if here.get(name) != was
        },
    )


def _name(key: str) -> str:
    """The name of a file below its segment. Raises SpecError for one that leads out of it."""
    parts = key.split("/")[3:]
    if not parts or not {"", ".", ".."}.isdisjoint(parts):
        raise SpecError("the table names a file that no data set has", where=key, hint="do not trust this table")
    return "/".join(parts)
