"""The pipelines of one place, and the data sets of their stages, for all pages."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from reelmill.contract.commands.dashboard import PipelineDefinition, PipelineRow, Pipelines, StageWork
from reelmill.contract.commands.funnel import funnel
from reelmill.contract.commands.result_rows import StatusRow
from reelmill.contract.errors import ReelmillError, SpecError
from reelmill.contract.records.layout import DataSetPaths
from reelmill.contract.task import SourceDef, StageDef, Task
from reelmill.contract.text.stored_state import stored_state
from reelmill.contract.text.urls import without_secrets
from reelmill_stages.commands.entry import entries
from reelmill_stages.dashboard.errors import NoSuch
from reelmill_stages.dashboard.index.indexes import Indexes
from reelmill_stages.dashboard.stores import OpenStores
from reelmill_stages.dashboard.views.cached import CLOSING, Cached, Refreshed
from reelmill_stages.dashboard.views.frozen_commits import FrozenCommits
from reelmill_stages.dashboard.views.models import PipelineList, PipelineSummary
from reelmill_stages.dashboard.views.report import find_report, read_report
from reelmill_stages.run_report.document import shown
from reelmill_stages.runtime.preview_frames.media_places import MediaPlaces
from reelmill_stages.store import Store
from reelmill_stages.summary.consistent_cut import cut
from reelmill_stages.summary.status_rows import status_rows

LIST_SECONDS = 5.0
STATUS_SECONDS = 2.0
DEFINITION_SECONDS = 10.0
REPORT_SECONDS = 30.0
ROWS = 100
"""Number of pipelines on a page."""

SORTS = ("name", "state", "changed", "items", "failed", "shards")
_WORST_FIRST = (
    *("unreadable", "failed", "stalled", "stopped", "working", "waiting", "new", "suspended", "behind", "empty"),
    *("reading", "deleting", "complete"),
)


@dataclass(frozen=True, slots=True)
class ListQuery:
    """Filter and order of a list of pipelines."""

    text: str = ""
    """Part of `namespace/name`, of the store, or of the note."""
    state: str = ""
    sort: str = "state"
    descending: bool = False
    first: int = 0


@dataclass(frozen=True, slots=True)
class DataSetPlace:
    """A source or stage of a pipeline, and the location of its data."""

    definition: PipelineDefinition
    entry: SourceDef | StageDef
    store: Store
    media: MediaPlaces

    @property
    def task(self) -> Task:
        return self.definition.task

    @property
    def names(self) -> DataSetPaths:
        return DataSetPaths(self.entry.name, self.entry.key)

    @property
    def upstreams(self) -> list[str]:
        return [each.name for each in self.entry.upstreams] if isinstance(self.entry, StageDef) else []

    def other(self, name: str) -> DataSetPaths | None:
        """Return another data set of the pipeline."""
        return next((DataSetPaths(each.name, each.key) for each in entries(self.task) if each.name == name), None)


class PipelineCatalog:
    """The pipelines of one place. `start` it, then `close` it; all other methods may be called from any thread.

    `trusted`: the definitions are those of the pipelines themselves, so their sources may be read; with `folders`,
    including folders of this machine.
    """

    def __init__(
        self, pipelines: Pipelines, stores: OpenStores, indexes: Indexes, *, trusted: bool, folders: bool
    ) -> None:
        self.pipelines = pipelines
        self.indexes = indexes
        self.stores = stores
        self.commits = FrozenCommits()
        self._trusted, self._folders = trusted, folders
        self._list = Refreshed(pipelines.rows, seconds=LIST_SECONDS)
        self._definitions: Cached[PipelineDefinition] = Cached(DEFINITION_SECONDS)
        self._status: Cached[tuple[float, list[StatusRow]]] = Cached(STATUS_SECONDS)
        self._reports: Cached[bool] = Cached(REPORT_SECONDS)
        self._work: Cached[tuple[Sequence[StageWork], str]] = Cached(STATUS_SECONDS)

    def start(self) -> None:
        self._list.start()

    def close(self) -> None:
        self._list.close()
        self.indexes.close(timeout=CLOSING)

    def all(self, query: ListQuery) -> PipelineList:
        """Return the list of pipelines, as far as it has been read. Raises SpecError for an unknown order."""
        rows = self._list.value or []
        matching = sorted((row for row in rows if _matches(row, query)), key=lambda row: (row.namespace, row.name))
        matching.sort(key=_order(query.sort), reverse=query.descending)
        states: dict[str, int] = {}
        for row in rows:
            states[row.state] = states.get(row.state, 0) + 1
        return PipelineList(
            origin=self.pipelines.origin,
            rows=matching[query.first : query.first + ROWS],
            first=query.first,
            matching=len(matching),
            states={state: states[state] for state in _WORST_FIRST if state in states},
            read_at=self._list.at,
            problem=self._list.problem,
        )

    def definition(self, namespace: str, name: str) -> PipelineDefinition:
        """Return the definition of a pipeline. Raises SpecError if there is no such pipeline."""
        return self._definitions.get((namespace, name), lambda: self.pipelines.definition(namespace, name))

    def document(self, namespace: str, name: str) -> str:
        """Return the YAML of a pipeline without values of variables, as in a run report. Raises as `definition`."""
        text = self.definition(namespace, name).document
        return shown(yaml.safe_load(text), text) if self._trusted else text

    def pipeline(self, namespace: str, name: str) -> PipelineSummary:
        """Return one pipeline; an unreadable store or cluster is its `problem`. Raises SpecError if it is unknown."""
        definition = self.definition(namespace, name)
        problem, read_at, stages = "", time.time(), list[StatusRow]()
        try:
            read_at, stages = self._status.get((namespace, name), lambda: self._rows(definition))
        except ReelmillError as error:
            problem = _error_text(error)
        work: Sequence[StageWork] = ()
        why = ""
        try:
            work, why = self._work.get(
                (namespace, name),
                lambda: (self.pipelines.work(namespace, name), self.pipelines.why(namespace, name)),
            )
        except ReelmillError as error:
            problem = problem or _error_text(error)
        rows = self._list.value or []
        return PipelineSummary(
            namespace=namespace,
            name=name,
            store=without_secrets(definition.task.store.uri),
            row=next((row for row in rows if (row.namespace, row.name) == (namespace, name)), None),
            stages=stages,
            funnel=funnel(stages),
            reads={each.name: _reads(each) for each in entries(definition.task)},
            work=list(work),
            why=why or (stored_state(stages, definition.tolerances).why if stages else ""),
            read_at=read_at,
            problem=problem,
        )

    def report(self, namespace: str, name: str) -> bytes:
        """Return the report of the last run of a pipeline. Raises NoSuch if there is none."""
        task = self.definition(namespace, name).task
        return read_report(self.stores.of(task), task)

    def has_report(self, namespace: str, name: str) -> bool:
        """Return whether the last run wrote a report; False also if the store cannot be read."""
        task = self.definition(namespace, name).task
        try:
            return self._reports.get((namespace, name), lambda: find_report(self.stores.of(task), task) is not None)
        except ReelmillError:
            return False

    def data_set(self, namespace: str, name: str, stage: str) -> DataSetPlace:
        """Return a source or stage. Raises SpecError if there is none of that name."""
        definition = self.definition(namespace, name)
        entry = next((each for each in entries(definition.task) if each.name == stage), None)
        if entry is None:
            known = ", ".join(each.name for each in entries(definition.task))
            raise NoSuch(f"no source or stage named {stage[:100]!r}", hint=f"this pipeline has {known}")
        store = self.stores.of(definition.task)
        media = MediaPlaces(
            definition.task,
            store,
            self.stores.env,
            trusted=self._trusted,
            folders=self._folders,
            remedy="give `reelmill dashboard` the pipeline file",
        )
        return DataSetPlace(definition, entry, store, media)

    def _rows(self, definition: PipelineDefinition) -> tuple[float, list[StatusRow]]:
        store = self.stores.of(definition.task)
        return time.time(), status_rows(store, cut(store, definition.task))


def _matches(row: PipelineRow, query: ListQuery) -> bool:
    text = query.text.casefold()
    searched = f"{row.namespace}/{row.name}\n{row.store}\n{row.note}\n{row.active}".casefold()
    return (not query.state or row.state == query.state) and text in searched


def _order(sort: str) -> Callable[[PipelineRow], Any]:
    orders: dict[str, Callable[[PipelineRow], Any]] = {
        "name": lambda row: (row.namespace, row.name),
        "state": lambda row: _WORST_FIRST.index(row.state),
        "changed": lambda row: -(row.changed or 0.0),
        "items": lambda row: -(row.items or 0),
        "failed": lambda row: -row.failed,
        "shards": lambda row: -row.shards,
    }
    if sort not in orders:
        raise SpecError(f"pipelines are not sorted by {sort[:100]!r}", hint=f"choose one of {', '.join(orders)}")
    return orders[sort]


def _reads(entry: SourceDef | StageDef) -> list[str]:
    return [each.name for each in entry.upstreams] if isinstance(entry, StageDef) else []


def _error_text(error: ReelmillError) -> str:
    return f"{error}; {error.hint}" if error.hint else str(error)
