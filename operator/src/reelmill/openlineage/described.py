"""The parts of events that do not come from the status: names, data sets, fields. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from reelmill.contract.records.layout import DataSetPaths
from reelmill.contract.spec.pipeline import SourceSpec, StageSpec, VideoPipeline
from reelmill.openlineage.datasets import Location, below, location
from reelmill.plan.definition.graph import Graph

ITEM_FIELDS = {"key": "string", "group": "string", "weight": "double", "media": "struct", "outputs": "array",
               "provenance": "struct"}  # fmt: skip
"""Fields of every item's row, with their types."""


@dataclass(frozen=True, slots=True)
class DescribedStage:
    """A stage: its block's name, its inputs, and the fields of its items (None: unknown)."""

    type: str
    upstreams: tuple[str, ...]
    fields: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class DescribedPipeline:
    """A pipeline as named in events."""

    job: str
    """Name of its job."""
    instance: str
    """Its UID, which distinguishes it from others with the same name."""
    store: Location
    sources: Mapping[str, Location]
    stages: Mapping[str, DescribedStage]

    def data_set(self, stage: str, key: str) -> Location:
        """The data set of a stage."""
        return below(self.store, DataSetPaths(stage, key).root)

    def ends(self) -> list[str]:
        """The stages that no other stage reads."""
        read = {name for stage in self.stages.values() for name in stage.upstreams}
        return [name for name in self.stages if name not in read]


def described(
    pipeline: VideoPipeline,
    graph: Graph,
    job: str,
    instance: str,
    absolute: Callable[[str], str] = lambda path: path,
) -> DescribedPipeline:
    """Describe a pipeline. `absolute` makes local paths absolute."""

    def location_of(uri: str) -> Location:
        return location(uri if "://" in uri else absolute(uri))

    fields: dict[str, frozenset[str] | None] = {}
    entries: dict[str, SourceSpec | StageSpec] = {**graph.sources, **graph.stages}
    for name, entry in entries.items():
        fields[name] = entry.block.known_fields([fields[each] for each in graph.upstreams.get(name, ())])
    return DescribedPipeline(
        job=job,
        instance=instance,
        store=location_of(pipeline.spec.store.uri),
        sources={name: location_of(source.block.where) for name, source in graph.sources.items()},
        stages={
            name: DescribedStage(stage.type, graph.upstreams[name], fields[name])
            for name, stage in graph.stages.items()
        },
    )
