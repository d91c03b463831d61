"""What a shard's process and its worker processes say to each other: small, whatever the size of the files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reelmill.contract.errors import ReelmillError
from reelmill.contract.record import Outcome
from reelmill.contract.task import SourceDef, StageDef, StoreRef
from reelmill_stages.stage import Done, Input


@dataclass(frozen=True, slots=True)
class WorkerConfig:
    """Everything a worker is told at its start."""

    store: StoreRef
    sources: tuple[SourceDef, ...]
    stage: StageDef
    segment: int
    pins: Mapping[str, str]
    folder: Path
    """Of this worker alone; files that parameters name are kept here."""
    index: int
    level: str
    """Logging level."""


@dataclass(frozen=True, slots=True)
class Job:
    """Inputs of one group, to be processed together in an empty folder."""

    inputs: Sequence[Input]
    folder: Path


@dataclass(frozen=True, slots=True)
class Ready:
    """The worker has imported its stage."""


@dataclass(frozen=True, slots=True)
class Processed:
    """`process` returned; the outputs are being uploaded now, which is not the item's fault when it takes long."""


@dataclass(frozen=True, slots=True)
class InputResult:
    """What became of one input. `done` goes along only to a stage that assembles."""

    outcome: Outcome
    reason: str = ""
    message: str = ""
    items: Sequence[Mapping[str, Any]] = ()
    counters: Mapping[str, int] = field(default_factory=dict)
    done: Done | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    """One result per input of the job, in order. `seconds` is the job's wall time."""

    results: Sequence[InputResult]
    seconds: float


@dataclass(frozen=True, slots=True)
class Crashed:
    """The stage raised what it must not raise; the worker ends."""

    message: str


@dataclass(frozen=True, slots=True)
class Fatal:
    """Nothing can be done in this pod: its configuration is wrong, its store or disk is not available."""

    error: ReelmillError


Message = Ready | Processed | Finished | Crashed | Fatal
