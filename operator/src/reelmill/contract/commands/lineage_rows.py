"""What `reelmill trace` and `reelmill lineage` give back: the steps of an item's way, and what a table of them has."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

from pydantic import Field

from reelmill.contract.commands.result_rows import CommandRow, Outcomes
from reelmill.contract.task import Task

Way = Literal["origin", "item", "result"]


class SourceTime(CommandRow):
    """Which part of a source object an item shows, as the stage that read the object has recorded it.

    Ticks are of the object's own clock, and ranges are half-open.
    """

    in_pts: int
    out_pts: int
    time_base: str
    """Seconds of a tick, such as `1/12800`."""
    first_frame: int | None = None
    end_frame: int | None = None
    """Numbers of frames, from 0. None where single frames were taken."""
    frames: tuple[int, ...] = ()
    """Single frames that were taken, by number."""


class TracedFile(CommandRow):
    """A file in the store."""

    key: str
    """Relative to the root of the store."""
    size: int
    digest: str


class TraceRow(CommandRow):
    """One step of an item's way: an item of a source or stage, or an input of a stage that made no item of it."""

    way: Way
    """`origin`: what the item was made of; `item`: itself; `result`: what was made of it."""
    stage: str
    stage_key: str
    segment: int
    item: str
    """Key of the item. Of an input without items, its key in the ledger; of a file that is no item's, empty."""
    outcome: Outcomes
    """`done` for an item; otherwise how the input ended."""
    reason: str = ""
    message: str = ""
    known: bool = True
    """Whether it is recorded what the item was made of. Otherwise the way back ends here; of an input, nothing says
    which items were made of it."""
    media: dict[str, Any] | None = None
    """The file that the next stage reads; of an item of a source, the source object with its version."""
    time: SourceTime | None = None
    """The part of the source object that it shows, if a stage has recorded it."""
    files: tuple[TracedFile, ...] = ()
    """All files of the item. A file may hold other items as well."""
    views: tuple[str, ...] = ()
    """Files about the whole data set (keys in the store), which may name the item."""
    provenance: dict[str, Any] = Field(default_factory=dict)
    versions: dict[str, str] = Field(default_factory=dict)
    """Of the tools, as the pass recorded them."""


class LineageResult(CommandRow):
    """What was written to a table of lineage."""

    file: str
    stage: str
    stage_key: str
    segment: int
    """The last segment of the stage that is in it."""
    rows: int
    items: int
    """Items of the stage."""
    ended: int
    """Inputs, of the stage and of those before it, of which no item was made."""
    unknown: int
    """Items of which nothing says what they were made of."""


class ForgetRow(CommandRow):
    """What goes from one data set."""

    stage: str
    stage_key: str
    items: int
    """Items that have something of the forgotten ones, or are in a file with them."""
    inputs: int
    """Rows of the ledger that become anonymous."""
    withdrawn: int
    """Inputs that are to be processed again: they were in a file with forgotten ones, or copies of them."""
    copies: int
    """Those of them that the stage had dropped as copies of forgotten items."""
    files: int
    bytes: int
    views: int


class ForgetResult(CommandRow):
    """What `reelmill forget` would do, or has done."""

    source: str
    keys: list[str]
    state: Literal["found", "forgotten", "unfinished", "released"]
    """`found`: nothing was done yet. `unfinished`: files are left, or a call was cut off; runs of the source are
    refused. `released`: what is in `left` was recorded as something else, and nothing is refused."""
    rows: list[ForgetRow]
    """Data sets that have something of the items."""
    left: list[str]
    """Keys of objects that still have something of the items or name them, as a search has found."""


class RemainsRow(CommandRow):
    """What a search for the forgotten items of a source has found."""

    source: str
    items: int
    """Forgotten items that were searched for."""
    objects: int
    """Objects of the store whose texts were read."""
    named_only: int
    """Objects of which only the key was compared: pictures, sound, arrays, and forms that are not known or damaged."""
    unfinished: bool
    """Whether items are being forgotten now, or a call was cut off."""
    left: list[str]
    """Keys of objects that have something of the items or name them."""


class RebuiltFile(CommandRow):
    """A file that was made again."""

    name: str
    """Below the root of its segment, as the data set has it."""
    size: int
    digest: str
    """`sha256:<hex>`; empty: it was not made."""
    expected: str
    """That of the file in the data set; empty: there is no such file."""


class RebuildResult(CommandRow):
    """A sample that was made again."""

    item: str
    stage: str
    folder: str
    same: bool
    """Whether all files have the digests that the lineage says."""
    files: list[RebuiltFile]
    other_versions: dict[str, tuple[str, str]]
    """Tool -> (its version when the data set was made, its version here), where they differ."""


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
