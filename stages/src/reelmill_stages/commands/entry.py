"""Sources and stages of a task by name, with their data sets."""

from collections.abc import Iterator, Mapping

from reelmill.contract.errors import SpecError
from reelmill.contract.layout import DataSetPaths
from reelmill.contract.task import SourceDef, StageDef, Task
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.store import Store
from reelmill_stages.store.open import open_store


def store_of(task: Task, env: Mapping[str, str]) -> Store:
    """The task's store, not contacted yet."""
    return open_store(task.store, env=env)


def entries(task: Task) -> Iterator[SourceDef | StageDef]:
    """Sources, then stages, in the order of the pipeline."""
    yield from task.sources
    yield from task.stages


def stage_of(task: Task, name: str) -> StageDef:
    """A stage by name. Raises SpecError naming those that there are."""
    for stage in task.stages:
        if stage.name == name:
            return stage
    names = ", ".join(stage.name for stage in task.stages)
    raise SpecError(f"there is no stage {name!r}", hint=f"the pipeline's stages are {names}")


def data_set(store: Store, entry: SourceDef | StageDef) -> DataSet:
    """What a source or stage has under its present key, perhaps nothing."""
    return DataSet(store, DataSetPaths(entry.name, entry.key))
