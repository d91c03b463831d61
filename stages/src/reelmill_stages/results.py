"""What `process` of a stage returns for an input: a part of the stage SDK, imported from `reelmill_stages.stage`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from reelmill.contract.records.rows import Fields, Media


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
