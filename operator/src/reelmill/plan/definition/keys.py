"""Stage keys: equal keys and equal inputs mean equal outputs, so that existing work can be reused.

A key is computed from these values only:

| of a source | of a stage |
| --- | --- |
| the adapter's name and data version | the block's name and data version |
| its parameters that differ from their defaults | its parameters that differ from their defaults |
| `epoch` | `rerun` |
| | names and keys of its inputs |

A parameter of `run` is its image, represented by its digest if it has one.

Not included: parallelism, retries, tolerance, timeouts, resources, placement, env, other images, ttl, queue, suspend,
shards, workers, waves, limits, refresh, `view`, the store, connections (endpoint, region, credentials), the model
server of a stage and its budget (`not_in_key` of its block), and the name of the stage. Names of inputs are included
because coverage and the item keys of a union depend on them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reelmill.contract.digest import fingerprint
from reelmill.contract.spec.pipeline import SourceSpec, Spec, StageSpec
from reelmill.plan.definition.compatibility import origins
from reelmill.plan.definition.graph import Graph


@dataclass(frozen=True, slots=True)
class StageKeys:
    """The key (64 hex digits) of each source and stage, and the definition from which it is computed."""

    keys: Mapping[str, str]
    definitions: Mapping[str, dict[str, Any]]
    place: str
    """Fingerprint of the store."""
    definition: str
    """Fingerprint of all keys, the store, the connections, servers and budgets; a change of it starts a survey."""

    def __getitem__(self, name: str) -> str:
        return self.keys[name]


def keys(spec: Spec, graph: Graph) -> StageKeys:
    """The keys of all sources and stages."""
    found: dict[str, str] = {}
    definitions: dict[str, dict[str, Any]] = {}
    for name, source in graph.sources.items():
        definitions[name] = source_definition(source)
        found[name] = fingerprint(definitions[name])
    for name, stage in graph.stages.items():
        upstreams = {upstream: found[upstream] for upstream in graph.upstreams[name]}
        definitions[name] = stage_definition(stage, upstreams, spans=_reads_spans(graph, name))
        found[name] = fingerprint(definitions[name])
    place = fingerprint({"uri": spec.store.uri, "endpoint": spec.store.endpoint})
    connections = {
        "store": spec.store.model_dump(mode="json"),
        "sources": {name: source.s3.model_dump(mode="json") for name, source in graph.sources.items() if source.s3},
    }
    if webs := {name: source.web.model_dump(mode="json") for name, source in graph.sources.items() if source.web}:
        connections["web"] = webs
    surroundings = {name: around for name, stage in graph.stages.items() if (around := stage.block.surroundings())}
    whole = {"keys": found, "connections": connections} | ({"stages": surroundings} if surroundings else {})
    return StageKeys(found, definitions, place, fingerprint(whole))


def source_definition(source: SourceSpec) -> dict[str, Any]:
    """The values from which the key of a source is computed."""
    block = source.block
    return {
        "source": source.type,
        "version": block.output_version,
        "params": block.canonical(),
        "epoch": source.epoch,
    }


def stage_definition(stage: StageSpec, upstreams: Mapping[str, str], *, spans: bool = False) -> dict[str, Any]:
    """The values from which the key of a stage is computed. `upstreams` maps its inputs to their keys; `spans`: they
    may be parts of files that no stage has cut.
    """
    block = stage.block
    return {
        "stage": stage.type,
        "version": block.version_above(spans=spans),
        "params": block.canonical(),
        "upstreams": dict(sorted(upstreams.items())),
        "rerun": stage.rerun,
    }


def _reads_spans(graph: Graph, stage: str) -> bool:
    """Whether a stage reads rows of a source with a start and an end, directly or through stages that pass items on."""
    known: dict[str, SourceSpec | StageSpec] = {**graph.sources, **graph.stages}
    made_by = (maker for name in graph.upstreams[stage] for maker in origins(name, known, graph.upstreams))
    return any(isinstance(maker, SourceSpec) and "start" in (maker.block.added_fields or ()) for maker in made_by)
