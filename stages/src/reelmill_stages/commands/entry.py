"""Access to the sources and stages of a task, and to their data sets."""

from collections.abc import Collection, Iterator, Mapping

from reelmill.contract.errors import SpecError
from reelmill.contract.records.layout import DataSetPaths
from reelmill.contract.task import SourceDef, StageDef, Task
from reelmill.contract.text.missing_data import no_data_set
from reelmill_stages.records.claims import claims_on
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.store import Store
from reelmill_stages.store.open import open_store


def store_of(task: Task, env: Mapping[str, str]) -> Store:
    """The store of the task; no request is sent yet."""
    return open_store(task.store, env=env)


def entries(task: Task) -> Iterator[SourceDef | StageDef]:
    """Sources, then stages, in the order of the pipeline."""
    yield from task.sources
    yield from task.stages


def stage_of(task: Task, name: str) -> StageDef:
    """A stage by name. Raises SpecError if there is none of that name."""
    for stage in task.stages:
        if stage.name == name:
            return stage
    names = ", ".join(stage.name for stage in task.stages)
    raise SpecError(f"no stage named {name!r}", hint=f"stages of this pipeline: {names}")


def data_set(store: Store, entry: SourceDef | StageDef) -> DataSet:
    """The data set of a source or stage with its current key; it may be empty."""
    return DataSet(store, DataSetPaths(entry.name, entry.key))


def must_exist(store: Store, task: Task, names: Collection[str] = ()) -> None:
    """Raise SpecError if no pipeline ever worked on any of these data sets; default: all of the task."""
    chosen = [entry for entry in entries(task) if not names or entry.name in names]
    if not any(claims_on(store, DataSetPaths(entry.name, entry.key)) for entry in chosen):
        raise no_data_set((entry.name for entry in chosen), store.uri)
