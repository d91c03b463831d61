"""The state of one data set for a list of pipelines, from two reads, regardless of its size."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from reelmill.contract.commands.dashboard import PipelineState
from reelmill.contract.commands.result_rows import OpenPassRow
from reelmill.contract.errors import NotFound, ReelmillError
from reelmill.contract.records.layout import DataSetPaths
from reelmill.contract.records.segment import Counts, StageRecord
from reelmill.contract.task import SourceDef, StageDef
from reelmill.contract.text.stored_progress import DecidedState, StoredProgress, decide_state
from reelmill_stages.records.record_files import load
from reelmill_stages.store import Store
from reelmill_stages.summary.status_rows import open_pass


@dataclass(frozen=True, slots=True)
class DataSetState:
    """The state of a data set, from its summary."""

    name: str
    key: str
    is_source: bool = False
    type: str = ""
    segment: int = 0
    items: int = 0
    totals: Counts = field(default_factory=Counts)
    upstreams: dict[str, str] = field(default_factory=dict)
    coverage: dict[str, int] = field(default_factory=dict)
    definition: dict[str, object] = field(default_factory=dict)
    opened: OpenPassRow | None = None
    changed: float = 0.0
    """Time at which its summary was written, in seconds since the epoch."""
    problem: str = ""
    """Why it cannot be read; empty if it can."""

    @property
    def is_worked_on(self) -> bool:
        """Whether a pass is open and its pods or processes are running."""
        return self.opened is not None and self.opened.is_worked_on

    def progress(self, segments: Mapping[str, int]) -> StoredProgress:
        """Return its progress; `segments` has the number of segments of every data set of the pipeline."""
        covered = self.coverage
        return StoredProgress(
            name=self.name,
            is_source=self.is_source,
            segments=self.segment,
            totals=self.totals,
            is_covering=any(segments.get(name, 0) > covered.get(name, 0) for name in self.upstreams),
            opened=self.opened,
        )


def data_set_of(store: Store, entry: SourceDef | StageDef) -> DataSetState:
    """Read the state of the data set of a source or stage, also if nothing has been committed to it."""
    return as_defined(data_set_state(store, DataSetPaths(entry.name, entry.key)), entry)


def as_defined(state: DataSetState, entry: SourceDef | StageDef) -> DataSetState:
    """Complete the state of a data set without a record by its definition in the pipeline."""
    if state.definition:
        return state
    if isinstance(entry, SourceDef):
        return replace(state, key=entry.key, is_source=True, type=entry.type)
    upstreams = {each.name: each.key for each in entry.upstreams}
    return replace(state, key=entry.key, type=entry.type, upstreams=upstreams, definition=dict(entry.definition))


def data_set_state(store: Store, names: DataSetPaths) -> DataSetState:
    """Read the state of one data set. Damage and an unreadable store become its `problem`."""
    try:
        record = load(store, names.stage_json, StageRecord)
        changed = _last_change(store, names.stage_json) if record else 0.0
        definition = dict(record.definition) if record else {}
        is_source = bool(definition) and "stage" not in definition
        segment = record.segment if record else 0
        return DataSetState(
            names.name,
            record.key if record else names.key,
            is_source=is_source,
            type=str(definition.get("type" if is_source else "stage", "")),
            segment=segment,
            items=record.items if record else 0,
            totals=record.totals if record else Counts(),
            upstreams=dict(record.upstreams) if record else {},
            coverage=dict(record.coverage) if record else {},
            definition=definition,
            opened=None if is_source else open_pass(store, names.segment(segment + 1)),
            changed=changed,
        )
    except ReelmillError as error:
        return DataSetState(names.name, names.key, problem=f"{error}; {error.hint}" if error.hint else str(error))


def pipeline_state(data_sets: list[DataSetState], tolerances: Mapping[str, str | None]) -> tuple[PipelineState, str]:
    """Return (state, reason) of a pipeline with these data sets; `tolerances`: stage -> `failures.tolerate`."""
    if broken := next((each for each in data_sets if each.problem), None):
        return "unreadable", broken.problem
    segments = {each.name: each.segment for each in data_sets}
    state, names = decide_state([each.progress(segments) for each in data_sets], tolerances)
    text = ", ".join(names)
    reasons: dict[DecidedState, str] = {
        "working": f"{text} at work",
        "stopped": f"a pass of {text} is open, but nothing works on it; the next run continues it",
        "failed": f"{text}: more items failed than tolerated",
        "empty": "nothing is committed yet",
        "behind": f"{text}: inputs are not covered yet",
        "complete": "every input that was listed is covered",
    }
    return state, reasons[state]


def _last_change(store: Store, key: str) -> float:
    try:
        return store.stat(key).modified
    except NotFound:
        return 0.0
