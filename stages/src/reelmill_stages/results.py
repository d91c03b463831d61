"""Results of `Stage.process` and `Stage.assemble`, and inputs of `Stage.decide`.

Part of the stage SDK; import these names from `reelmill_stages.stage`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from reelmill.contract.records.rows import Fields, Media

if TYPE_CHECKING:
    import numpy as np

    Values = np.ndarray[tuple[int], np.dtype[np.uint64]]
    """Shape (n,)."""
    Numbers = np.ndarray[tuple[int], np.dtype[np.int64]]
    """Shape (n,)."""

Terms = tuple["Values", "Numbers"]
"""Terms, and for each term the index of its signature in the given sequence. Any order; duplicates are allowed."""


@dataclass(frozen=True, slots=True)
class File:
    """A finished local file at `path`, in the scratch folder, to be uploaded."""

    name: str
    """Path in the store, relative to the root of the segment (for a view: of the data set), with `/`."""
    path: Path


@dataclass(frozen=True, slots=True)
class NewItem:
    """An output item."""

    key: str
    """Unique key within the stage's data set."""
    group: str
    """Group of the item, usually that of the input; the next stage processes the items of a group together."""
    weight: float
    """Duration in seconds, or size in bytes if there is no duration; used to balance shards."""
    media: str | Media | None = None
    """The file that the next stage reads: the name of one of `files`, or a `Media` (for a virtual clip)."""
    files: tuple[File, ...] = ()
    """The files of the item."""
    fields: Fields = field(default_factory=dict)
    """Further fields of the item; JSON values."""
    provenance: Fields = field(default_factory=dict)
    """Information about the origin of the item; JSON values."""
    inputs: tuple[int, ...] = ()
    """For an item that `assemble` makes: `Input.number` of the inputs that it contains. Empty: all inputs of its
    file."""


@dataclass(frozen=True, slots=True)
class Signature:
    """The data of an input that `Stage.decide` compares: up to a few kilobytes, in a format that the stage chooses."""

    data: bytes
    """The data to compare. Equal for equal inputs."""
    rank: float = 0.0
    """Within a pass, inputs are decided in order of rank, lowest first, and those of equal rank in order of their keys.
    Raises ValueError if it is not finite."""

    def __post_init__(self) -> None:
        if not isfinite(self.rank):
            raise ValueError(f"the rank of a signature is {self.rank}, not a number")


@dataclass(frozen=True, slots=True)
class Done:
    """The input was processed."""

    items: tuple[NewItem, ...] = ()
    """The output items; may be empty if `assemble` makes the items."""
    payload: tuple[File, ...] = ()
    """Local files for `assemble`; they are not uploaded."""
    fields: Fields = field(default_factory=dict)
    """Further values for `assemble`; JSON values."""
    counters: Mapping[str, int] = field(default_factory=dict)
    """Counters such as `gpu_fallback`, which are summed over the data set."""
    message: str = ""
    """A line for the ledger, for example about parts of the input that were omitted."""
    signature: Signature | None = None
    """For a stage with `decide`: the data that it compares. An input without a signature is kept."""


@dataclass(frozen=True, slots=True)
class Filtered:
    """The input was examined and omitted on purpose."""

    reason: str
    """Class of the outcome, as shown in ledger and status: a snake_case word such as `too_short`."""
    message: str = ""
    """A line for the ledger."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The input could not be processed."""

    reason: str
    """Failure class, by which users select items for a retry: a snake_case word such as `truncated`."""
    message: str = ""
    """A line for the ledger: what is wrong with this input."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """The input was not examined, for example because of a limit (`cap`). Fields are those of `Filtered`."""

    reason: str
    """Class of the outcome, as in `Filtered`."""
    message: str = ""
    """A line for the ledger."""


Result = Done | Filtered | Failed | Skipped
"""The outcome of one input."""


@dataclass(frozen=True, slots=True)
class Assembled:
    """A finished file with several items. A restarted shard does not repeat the work up to this file."""

    file: File
    """The file, to be uploaded."""
    items: tuple[NewItem, ...] = ()
    """The output items that the file contains."""
    through: int | None = None
    """`Input.number` of the last input in the file; None: the last input consumed so far. Inputs consumed after it
    belong to the next file."""
    counters: Mapping[str, int] = field(default_factory=dict)
    """Counters, summed over the data set, as in `Done`."""


@dataclass(frozen=True, slots=True)
class Refused:
    """An input that `process` accepted but `assemble` rejects; its outcome becomes failed. Fields as in `Failed`."""

    number: int
    """`Input.number` of the input."""
    reason: str
    """Failure class, as in `Failed`."""
    message: str = ""
    """A line for the ledger: what is wrong with this input."""


class Signed(NamedTuple):
    """An input that is being decided or was kept, with the bytes of its signature."""

    key: str
    """Key of the input."""
    data: bytes
    """`Signature.data`."""


class KeptSignatures(Protocol):
    """The inputs kept so far: those of earlier passes, and those decided earlier in this pass.

    They are numbered from 0, in the order in which they were kept.
    """

    def find(self, values: Values) -> tuple[Numbers, Numbers]:
        """Find the kept inputs that have any of these terms.

        Returns two arrays of equal length, one entry per match: indices into `values`, and numbers of kept inputs. Only
        the parts of the index that can contain the terms are read.
        """
        ...

    def count(self, values: Values) -> Numbers:
        """Return for each of these terms how many kept inputs have it, without reading these inputs."""
        ...

    def get(self, number: int) -> Signed:
        """Return a kept input. Inputs with close numbers are stored together: to get many, sort their numbers first."""
        ...
