"""`reelmill rebuild`: make a sample again from a lineage table and the sources, and compare it with its digests.

The stages on the way run over the items that the sample was made from, in a store in a temporary folder. The store of
the data set is not needed.
"""

import shutil
from collections.abc import Collection, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

from pydantic import ValidationError

from reelmill.contract.commands.lineage_rows import RebuildResult, RebuiltFile
from reelmill.contract.errors import SpecError
from reelmill.contract.process.step_environment import step_environment
from reelmill.contract.records.layout import DataSetPaths
from reelmill.contract.records.rows import Item
from reelmill.contract.task import StageDef, Task
from reelmill.contract.task_parts.shard_limits import ShardLimits
from reelmill_stages import registry
from reelmill_stages.commands.lineage.rebuild_process import remake_in_process
from reelmill_stages.commands.lineage.recipe import Recipe, read_recipe
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.runtime.versions import versions
from reelmill_stages.store import Store
from reelmill_stages.store.digests import file_digest
from reelmill_stages.store.local.errors import mapped
from reelmill_stages.store.open import open_store


def rebuild(
    card: Path,
    env: Mapping[str, str],
    *,
    sample: str,
    folder: Path,
    timeout: float,
    own: Task | None,
    named: Collection[str],
) -> RebuildResult:
    """Make the item `sample` again, and put its files into a new folder, under their names in the data set.

    `card` is the folder of a card, or a lineage table. `timeout` is the wall time that one input may take, in seconds.
    `own` is the pipeline, for parameters that are not in the table. Of the variables in `env` that may hold
    credentials, stages get those of stores, those that their parameters name, and the `named` ones. Files are written
    whether their digests are equal or not. Raises SpecError, with the reason, for a sample that cannot be made here.
    """
    recipe = read_recipe(card, sample, own)
    if folder.exists():
        raise SpecError("the folder exists already", where=str(folder), hint="name a new one with --to")
    if not recipe.task.stages:
        raise SpecError(f"{sample!r} is an item of a source", hint="rebuild makes items of stages")
    last = recipe.task.stages[-1]
    given = step_environment(env, {*named, *(name for each in recipe.task.stages for name in _variables(each))})
    with TemporaryDirectory(prefix="reelmill-rebuild-") as scratch:
        before = recipe.task.store
        recipe.task = recipe.task.replace(
            # Sources and files of stages are read through its connection if they are on the same kind of server.
            store=before.replace(uri=f"{scratch}/store", connected=before.uri),
            limits=ShardLimits(item_timeout=timeout),
            run=1,
            refresh=False,
        )
        remake_in_process(recipe, given)
        store = open_store(recipe.task.store, env=given)
        data = DataSet(store, DataSetPaths(last.name, last.key))
        return _comparison_result(store, data, next(data.items()), recipe, sample, folder)


def _variables(stage: StageDef) -> tuple[str, ...]:
    """The variables that the parameters of a built-in stage name. Stages of another version are refused later."""
    if registry.own_code(stage.type, stage.params):
        return ()
    try:
        return registry.stage_block(stage.type, dict(stage.params)).secret_variables
    except ValidationError:
        return ()


def _comparison_result(
    store: Store, data: DataSet, made: Item, recipe: Recipe, sample: str, folder: Path
) -> RebuildResult:
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
    """The name of a file below its segment. Raises SpecError for a path outside it."""
    parts = key.split("/")[3:]
    if not parts or not {"", ".", ".."}.isdisjoint(parts):
        raise SpecError("the table names a file that no data set has", where=key, hint="do not trust this table")
    return "/".join(parts)
