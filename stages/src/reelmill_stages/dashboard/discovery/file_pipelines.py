"""The pipelines of files from the command line: definitions from the files, states from the store."""

from collections.abc import Iterator, Mapping, Sequence

from reelmill.contract.commands.dashboard import (
    PipelineDefinition,
    PipelineRow,
    PodLine,
    ShowRows,
    StageWork,
    row_to_be_read,
)
from reelmill.contract.errors import ReelmillError, SpecError
from reelmill.contract.text.quantities import count_of
from reelmill.contract.text.urls import without_secrets
from reelmill_stages.commands.entry import entries
from reelmill_stages.dashboard.discovery.data_set_state import DataSetState, data_set_of
from reelmill_stages.dashboard.discovery.pipeline_rows import pipeline_row
from reelmill_stages.dashboard.errors import NoSuch
from reelmill_stages.dashboard.stores import OpenStores


class FilePipelines:
    """Implements `Pipelines`."""

    def __init__(self, definitions: Sequence[PipelineDefinition], stores: OpenStores) -> None:
        """Raises SpecError if two files have the same name."""
        self._definitions: Mapping[tuple[str, str], PipelineDefinition] = {
            (each.namespace, each.name): each for each in definitions
        }
        self._stores = stores
        if len(self._definitions) < len(definitions):
            names = [each.name for each in definitions]
            twice = next(name for name in names if names.count(name) > 1)
            raise SpecError(f"two of these files have the name {twice}", hint="give one of them another metadata.name")

    @property
    def origin(self) -> str:
        count = len(self._definitions)
        return count_of(count, "pipeline file")

    def rows(self, show: ShowRows | None = None) -> list[PipelineRow]:
        given = [each for _, each in sorted(self._definitions.items())]
        found = [row_to_be_read(each.namespace, each.name, _place(each)) for each in given]
        for number, each in enumerate(given):
            if show:
                show(tuple(found))
            found[number] = self._row(each)
        return found

    def definition(self, namespace: str, name: str) -> PipelineDefinition:
        try:
            return self._definitions[namespace, name]
        except KeyError:
            raise NoSuch(f"no pipeline {namespace}/{name} was given") from None

    def work(self, namespace: str, name: str) -> list[StageWork]:
        return []

    def why(self, namespace: str, name: str, stage: str = "") -> str:
        return ""

    def logs(self, namespace: str, name: str, stage: str, shard: int | None) -> Iterator[PodLine]:
        return iter(())

    def _row(self, given: PipelineDefinition) -> PipelineRow:
        try:
            store = self._stores.of(given.task)
        except ReelmillError as error:  # affects only this pipeline
            states = [DataSetState("", "", problem=f"{error}; {error.hint}" if error.hint else str(error))]
        else:
            states = [data_set_of(store, entry) for entry in entries(given.task)]
        return pipeline_row(given.namespace, given.name, _place(given), states, given.tolerances)


def _place(given: PipelineDefinition) -> str:
    return without_secrets(given.task.store.uri)
