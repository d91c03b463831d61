"""What the commands that read a store give back: the rows that cross from `reelmill-stages` to the command line.

`to_json` gives the form of `--output json`: the names here in this order, `in` and `pass` without their underscore.
"""

from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from reelmill.contract.records.flow import Flow
from reelmill.contract.records.heartbeat import YOUNG_SECONDS
from reelmill.contract.records.rows import Outcome
from reelmill.contract.records.usage import Usage

Outcomes = Literal["done", "filtered", "failed", "skipped"]
Number = int | float
"""Not only float: a whole number is written as it is, without a decimal point."""


class CommandRow(BaseModel):
    """The base of all rows: immutable; unknown fields are refused."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
    )

    def to_json(self) -> dict[str, Any]:
        """The row as JSON values."""
        return self.model_dump(mode="json")


class OpenPassRow(CommandRow):
    """A pass that was opened and not closed."""

    segment: int
    shards: int
    committed: int
    """Shards committed."""
    by: str
    """Name of the pipeline that opened it."""
    seconds_ago: Number | None
    """Age of the last heartbeat in seconds; None: there was none."""
    ended: bool = False
    """Whether the run that gave the last heartbeat was one of this machine, and has ended."""

    @property
    def is_worked_on(self) -> bool:
        """Whether its pods or processes seem to be alive."""
        return not self.ended and self.seconds_ago is not None and self.seconds_ago < YOUNG_SECONDS


class FormerKey(CommandRow):
    """The data set that a name pointed at last, where it is another one than the present definition's."""

    key: str
    definition: dict[str, Any]
    """Empty where there is no record of it."""


class StatusRow(CommandRow):
    """What the store has of a source or stage."""

    name: str
    kind: Literal["source", "stage"]
    type: str
    """Name of its block."""
    key: str
    state: Literal["empty", "working", "behind", "current"]
    segments: int
    items: int
    weight: Number
    """Seconds of video, or bytes where no duration is known."""
    in_: int = Field(alias="in")
    done: int
    filtered: int
    failed: int
    skipped: int
    reasons: dict[str, int]
    """`outcome:reason` -> items, effective."""
    counters: dict[str, int]
    """What was counted besides outcomes, such as `reencoded`, over all segments."""
    uncovered: dict[str, int]
    """Upstream -> segments still to cover."""
    pass_: OpenPassRow | None = Field(alias="pass")
    latest: FormerKey | None
    uri: str
    worker_seconds: Number = 0
    written: int = 0
    """Seconds that workers took, and bytes of files that were written, over all segments."""
    flow: Flow | None = None
    """Items, seconds and bytes by outcome; null where commits of earlier versions do not tell."""
    usage: Usage | None = None
    """What all closed passes have used; null where commits of earlier versions do not tell."""
    bound: str = ""
    """What the workers spent most of their time on; empty: not known."""
    listed: bool = False
    """Whether a run has listed this source, or began to. False for stages."""

    def failed_reasons(self) -> set[str]:
        """Reasons of failed items. A pass that is still open may hold more, which nobody has counted."""
        names = (name.partition(":")[::2] for name in self.reasons)
        return {reason for outcome, reason in names if outcome == Outcome.FAILED}


class StageLedgerRow(CommandRow):
    """A ledger row with the source or stage that it is of; see `LedgerRow`."""

    stage: str
    key: str
    ordinal: int
    outcome: Outcomes
    reason: str
    message: str
    seconds: Number
    attempt: int


class LedgerCount(CommandRow):
    """How many items of a source or stage have one outcome and reason."""

    stage: str
    outcome: str
    reason: str
    items: int
    counters: dict[str, int]
    """Of `done`: what was counted besides outcomes; empty for other outcomes."""


class LogLine(CommandRow):
    """A line that a run of a shard, or of the commit step (`shard` is None), left in the store."""

    segment: int
    shard: int | None
    run: str
    line: str


COUNTED = "counted"
"""Rule of the findings that say what a stage counted besides outcomes."""


class FindingRow(CommandRow):
    """One rule of a consumer, looked at in one file."""

    format: str
    file: str
    rule: str
    ok: bool
    message: str


class DamageRow(CommandRow):
    """An object that is not what was committed."""

    stage: str
    """Name of the source or stage; empty for what lies at the root of the store."""
    key: str
    """Key of the object in the store."""
    problem: str
    remedy: str


class IntegrityResult(CommandRow):
    """What a check of committed objects found."""

    objects: int
    """Number of objects that were compared."""
    bytes: int
    """Bytes that were read."""
    by_checksum: int
    """Number of objects that the server's checksum was enough for."""
    earlier: int
    """Number of objects that an interrupted check had found whole before."""
    damage: list[DamageRow]


class RepairRow(CommandRow):
    """A damaged object, and whether it was made again."""

    stage: str
    key: str
    problem: str
    repaired: bool
    why: str
    """Why it was not made again; empty if it was."""


class RepairResult(CommandRow):
    """What a repair did."""

    rows: list[RepairRow]
    trash: str
    """URI of the folder that damaged objects were moved to; empty where none was moved."""


class SourceForecast(CommandRow):
    """What listing a source now would find, in rows. Where `code` lists the source, all numbers are None."""

    listed: int | None = None
    new: int | None = None
    problems: int | None = None
    """Rows that cannot be items."""
    changed: int | None = None
    lists_changed: bool | None = None
    """Rows of the source's lists point at its items in another way than before."""
    weight: Number | None = None
    """Of what is new: seconds of video, or bytes."""
    vanished: int | None = None
    hidden: int | None = None
    """Objects that are passed over: in the pipeline's own store, or in a reelmill data set and not committed."""
    code: str = ""
    """`module:name` of the user's own code that lists the source in a run; looking at a pipeline does not run it."""


class StageForecast(CommandRow):
    """What a stage still has to do."""

    items: int | None
    """None behind a source whose rows are not known."""
    bytes: int | None
    """Bytes that it will write; None where its block cannot tell."""
    code: str = ""
    """`module:name` of the user's own class that a run would import."""


class Forecast(CommandRow):
    """What a run would find and do, by name of source and stage."""

    sources: dict[str, SourceForecast]
    stages: dict[str, StageForecast]


class ReplayedFile(CommandRow):
    """A file that a replay made."""

    name: str
    size: int
    """Bytes."""
    compared: Literal["same", "different", "new", "part"]
    """With what was committed; `part`: it goes into a file that spans items."""


class ReplayResult(CommandRow):
    """How one stage on one item ended."""

    stage: str
    item: str
    folder: str
    outcome: Literal["done", "filtered", "failed", "skipped", "crash", "timeout"]
    reason: str
    message: str
    files: list[ReplayedFile]


class ExportMode(StrEnum):
    """How a file comes into an exported folder."""

    LINK = "link"
    COPY = "copy"
    DOWNLOAD = "download"


class ExportResult(CommandRow):
    """What an export holds."""

    folder: str
    files: int
    bytes: int
    mode: ExportMode
    views: list[str]
    """Names of the view files, below the folder."""
