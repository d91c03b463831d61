"""Results of the lineage commands `trace`, `lineage`, `forget` and `rebuild`."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

from pydantic import Field

from reelmill.contract.commands.result_rows import CommandRow, Outcomes
from reelmill.contract.task import Task

Way = Literal["origin", "item", "result"]


class SourceTime(CommandRow):
    """The part of a source object that an item shows, as recorded by the stage that read the object.

    Ticks are in the object's time base, and ranges are half-open.
    """

    in_pts: int
    out_pts: int
    time_base: str
    """Length of a tick in seconds, such as `1/12800`."""
    first_frame: int | None = None
    end_frame: int | None = None
    """Frame numbers, from 0. None if individual frames were taken."""
    frames: tuple[int, ...] = ()
    """Numbers of the individual frames that were taken."""


class TracedFile(CommandRow):
    """A file in the store."""

    key: str
    """Relative to the root of the store."""
    size: int
    digest: str


class TraceRow(CommandRow):
    """One step in an item's lineage: an item of a source or stage, or an input from which a stage made no item."""

    way: Way
    """`origin`: the item was made from it; `item`: the item itself; `result`: it was made from the item."""
    stage: str
    stage_key: str
    segment: int
    item: str
    """Key of the item. For an input without items, its key in the ledger; empty for a file that belongs to no item."""
    outcome: Outcomes
    """`done` for an item; otherwise the outcome of the input."""
    reason: str = ""
    message: str = ""
    known: bool = True
    """Whether the origin of the item is recorded; otherwise the lineage ends here. For an input: whether the items made
    from it are recorded."""
    media: dict[str, Any] | None = None
    """The file that the next stage reads; for an item of a source, the source object with its version."""
    time: SourceTime | None = None
    """The part of the source object that it shows, if a stage has recorded it."""
    files: tuple[TracedFile, ...] = ()
    """All files of the item. A file may also contain other items."""
    views: tuple[str, ...] = ()
    """Files about the whole data set (keys in the store), which may name the item."""
    provenance: dict[str, Any] = Field(default_factory=dict)
    versions: dict[str, str] = Field(default_factory=dict)
    """Versions of the tools, as recorded by the pass."""


class LineageResult(CommandRow):
    """Contents of a lineage table that was written."""

    file: str
    stage: str
    stage_key: str
    segment: int
    """The last segment of the stage that it includes."""
    rows: int
    items: int
    """Number of items of the stage."""
    ended: int
    """Number of inputs, of this stage and earlier ones, from which no item was made."""
    unknown: int
    """Number of items whose origin is not recorded."""


class ForgetRow(CommandRow):
    """What is removed from one data set."""

    stage: str
    stage_key: str
    items: int
    """Number of items that contain data of forgotten items, or share a file with them."""
    inputs: int
    """Number of ledger rows that become anonymous."""
    withdrawn: int
    """Number of inputs to process again, because they shared a file with forgotten items or were copies of them."""
    copies: int
    """Number of these that the stage had dropped as copies of forgotten items."""
    files: int
    bytes: int
    views: int


class ForgetResult(CommandRow):
    """What `reelmill forget` would do, or has done."""

    source: str
    keys: list[str]
    state: Literal["found", "forgotten", "unfinished", "released"]
    """`found`: nothing was done yet. `unfinished`: files remain, or a call was interrupted; runs of the source are
    refused. `released`: the objects in `left` were recorded as unrelated, and nothing is refused."""
    rows: list[ForgetRow]
    """Data sets that contain data of the items."""
    left: list[str]
    """Keys of objects that still contain data of the items or name them, found by a search."""


class RemainsRow(CommandRow):
    """Result of a search for forgotten items of a source."""

    source: str
    items: int
    """Number of forgotten items that were searched for."""
    objects: int
    """Number of objects in the store whose text was read."""
    named_only: int
    """Number of objects whose key alone was compared: pictures, sound, arrays, and unknown or damaged formats."""
    unfinished: bool
    """Whether items are being forgotten now, or a call was interrupted."""
    left: list[str]
    """Keys of objects that contain data of the items or name them."""


class RebuiltFile(CommandRow):
    """A file that was rebuilt."""

    name: str
    """Path relative to the root of its segment."""
    size: int
    digest: str
    """`sha256:<hex>`; empty: it was not rebuilt."""
    expected: str
    """Digest of the file in the data set; empty: there is no such file."""


class RebuildResult(CommandRow):
    """A sample that was rebuilt."""

    item: str
    stage: str
    folder: str
    same: bool
    """Whether all files have the digests recorded in the lineage."""
    files: list[RebuiltFile]
    other_versions: dict[str, tuple[str, str]]
    """Tool -> (version that made the data set, version here), where they differ."""


class ReleaseForgottenCommand(Protocol):
    def __call__(
        self,
        task: Task,
        env: Mapping[str, str],
        /,
        *,
        source: str,
        keys: Sequence[str],
        moment: str,
        user: str,
        act: bool,
    ) -> ForgetResult: ...


class CheckForgottenCommand(Protocol):
    def __call__(self, task: Task, env: Mapping[str, str], /) -> Sequence[RemainsRow]: ...


class RebuildCommand(Protocol):
    def __call__(
        self,
        card: Path,
        env: Mapping[str, str],
        /,
        *,
        sample: str,
        folder: Path,
        timeout: float,
        own: Task | None,
        named: Collection[str],
    ) -> RebuildResult: ...
