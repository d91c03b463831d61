"""What `reelmill trace` and `reelmill lineage` give back: the steps of an item's way, and what a table of them has."""

from typing import Any, Literal

from pydantic import Field

from reelmill.contract.commands.result_rows import CommandRow, Outcomes

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
    """Inputs that were in a file with forgotten ones, and are to be processed again."""
    files: int
    bytes: int
    views: int


class ForgetResult(CommandRow):
    """What `reelmill forget` would do, or has done."""

    source: str
    keys: list[str]
    state: Literal["found", "forgotten", "unfinished"]
    """`found`: nothing was done yet. `unfinished`: something is left, or a call was cut off."""
    rows: list[ForgetRow]
    """Data sets that have something of the items."""
    left: list[str]
    """Keys of records and files that still have something of the items, as a search has found."""
