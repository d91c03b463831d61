"""A consistent cut: the data sets of a pipeline at one moment, while others may write to the store.

The last segments of stages are looked up before those of their upstreams. Segments are only ever added, so no stage in
the cut has covered a segment that is not in the cut, and all inputs of every stage are in it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from reelmill.contract.digest import fingerprint
from reelmill.contract.records.layout import KEY_DIGITS, DataSetPaths
from reelmill.contract.task import SourceDef, StageDef, Task
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.store import Store

_DIGITS = 10


@dataclass(frozen=True)
class ConsistentCut:
    """The sources and stages in pipeline order, and their data sets, whose last segments are determined."""

    entries: tuple[SourceDef | StageDef, ...]
    data: Mapping[str, DataSet]

    @cached_property
    def segments(self) -> dict[str, int]:
        """Source or stage -> number of its last segment, or 0 if it has none."""
        return {name: data.last.segment if data.last else 0 for name, data in self.data.items()}

    @cached_property
    def state(self) -> str:
        """Fingerprint of the keys and the segments, 10 hex digits."""
        state = [[entry.name, entry.key[:KEY_DIGITS], self.segments[entry.name]] for entry in self.entries]
        return fingerprint(state)[:_DIGITS]

    def reads(self) -> dict[str, tuple[str, ...]]:
        """Stage -> its upstreams."""
        return {
            entry.name: tuple(upstream.name for upstream in entry.upstreams)
            for entry in self.entries
            if isinstance(entry, StageDef)
        }

    def upstream_first(self) -> list[str]:
        """The names of sources and stages, each after its upstreams."""
        return [entry.name for entry in reversed(_downstream_first(self.entries))]

    def uncovered(self, stage: StageDef) -> dict[str, int]:
        """Upstream -> number of its segments that the stage has not covered."""
        covered = self.data[stage.name].coverage
        behind = {each.name: self.segments[each.name] - covered.get(each.name, 0) for each in stage.upstreams}
        return {name: count for name, count in behind.items() if count > 0}


def cut(store: Store, task: Task, scratch: Path | None = None) -> ConsistentCut:
    """The current data sets of the sources and stages of a survey's task; `scratch` is for temporary files."""
    entries: tuple[SourceDef | StageDef, ...] = (*task.sources, *task.stages)
    sources = {source.name: source.key for source in task.sources}
    data: dict[str, DataSet] = {}
    for entry in _downstream_first(entries):
        found = DataSet(store, DataSetPaths(entry.name, entry.key), scratch=scratch, sources=sources)
        found.last  # noqa: B018 - determines the last segment, in this order
        data[entry.name] = found
    return ConsistentCut(entries, {entry.name: data[entry.name] for entry in entries})


def _downstream_first(entries: Sequence[SourceDef | StageDef]) -> list[SourceDef | StageDef]:
    """Stages before their upstreams, then the sources."""
    left = {entry.name: entry for entry in entries if isinstance(entry, StageDef)}
    ordered: list[SourceDef | StageDef] = []
    while left:
        read = {upstream.name for stage in left.values() for upstream in stage.upstreams}
        free = [name for name in left if name not in read] or list(left)
        ordered += [left.pop(name) for name in free]
    return [*ordered, *(entry for entry in entries if isinstance(entry, SourceDef))]
