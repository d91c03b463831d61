"""The messages between the main process of a shard and its workers. They contain paths, not file contents."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from reelmill.contract.errors import ReelmillError
from reelmill.contract.reasons import ItemReason
from reelmill.contract.records.rows import Outcome, sent_by_fields
from reelmill.contract.records.usage import Usage
from reelmill.contract.task import SourceDef, StageDef, StoreRef
from reelmill_stages.records.rows.encoded_item import EncodedItem
from reelmill_stages.runtime.outputs.payload_versions import Version
from reelmill_stages.stage import Done, Input, Signature


@dataclass(frozen=True, slots=True)
class WorkerConfig:
    """The configuration of a worker, sent at its start."""

    store: StoreRef
    sources: tuple[SourceDef, ...]
    stage: StageDef
    segment: int
    run: str
    """Id of the run of the shard."""
    pins: Mapping[str, str]
    folder: Path
    """Folder of this worker, with the files that parameters refer to."""
    index: int
    level: str
    """Logging level."""


@dataclass(frozen=True, slots=True)
class Job:
    """A request to process inputs of one group together, in an empty folder."""

    inputs: Sequence[Input]
    folder: Path


@dataclass(frozen=True, slots=True)
class Ready:
    """The worker has imported its stage."""


@dataclass(frozen=True, slots=True)
class Processed:
    """`process` returned, and outputs are being uploaded; the time limit of the item no longer applies."""


@sent_by_fields
@dataclass(frozen=True, slots=True)
class InputResult:
    """The outcome of one input. `done` and the versions of its payload are sent only if the stage has `assemble`."""

    outcome: Outcome
    reason: str = ""
    message: str = ""
    items: Sequence[EncodedItem] = ()
    counters: Mapping[str, int] = field(default_factory=dict)
    done: Done | None = None
    payload: Sequence[Version] = ()
    signature: Signature | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    """One result for each input of the job, in order. `seconds` is the wall time of the job."""

    results: Sequence[InputResult]
    seconds: float
    usage: Usage = field(default_factory=Usage)
    """Bytes and time of this worker since its last report; its CPU time is counted when it has ended."""


@dataclass(frozen=True, slots=True)
class Crashed:
    """The stage raised an unexpected exception, or the process ran out of a resource; the worker ends."""

    message: str
    reason: ItemReason = ItemReason.CRASH
    """The reason with which an item fails if it does this again."""


@dataclass(frozen=True, slots=True)
class Fatal:
    """No work is possible in this pod: the configuration is invalid, or the store or disk is not available."""

    error: ReelmillError


Message = Ready | Processed | Finished | Crashed | Fatal
