"""Rows that the commands in `reelmill-stages` return to the command line.

`to_json` returns the form of `--output json`: these names in this order, with `in` and `pass` without underscore.
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
"""A number; integers are kept, so that they are written without a decimal point."""


class CommandRow(BaseModel):
    """Base class of all rows: immutable; unknown fields are rejected."""

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
    """Number of committed shards."""
    by: str
    """Name of the pipeline that opened it."""
    seconds_ago: Number | None
    """Age of the last heartbeat in seconds; None: there was none."""
    ended: bool = False
    """Whether the last heartbeat came from a run on this machine that has ended."""

    @property
    def is_worked_on(self) -> bool:
        """Whether its pods or processes seem to be alive."""
        return not self.ended and self.seconds_ago is not None and self.seconds_ago < YOUNG_SECONDS


class FormerKey(CommandRow):
    """The data set that a name pointed to last, if it differs from that of the current definition."""

    key: str
    definition: dict[str, Any]
    """Empty if there is no record of it."""


class StatusRow(CommandRow):
    """The state of a source or stage in the store."""

    name: str
    kind: Literal["source", "stage"]
    type: str
    """Name of its block."""
    key: str
    state: Literal["empty", "working", "behind", "current"]
    segments: int
    items: int
    weight: Number
    """Seconds of video, or bytes if no duration is known."""
    in_: int = Field(alias="in")
    done: int
    filtered: int
    failed: int
    skipped: int
    reasons: dict[str, int]
    """`outcome:reason` -> items, effective."""
    counters: dict[str, int]
    """Counters other than outcomes, such as `reencoded`, over all segments."""
    uncovered: dict[str, int]
    """Upstream -> segments still to cover."""
    pass_: OpenPassRow | None = Field(alias="pass")
    latest: FormerKey | None
    uri: str
    worker_seconds: Number = 0
    written: int = 0
    """Seconds spent by workers, and bytes of files written, over all segments."""
    flow: Flow | None = None
    """Items, seconds and bytes by outcome; null if commits of earlier versions do not contain them."""
    usage: Usage | None = None
    """Resources used by all closed passes; null if commits of earlier versions do not contain them."""
    bound: str = ""
    """What the workers spent most of their time on; empty: unknown."""
    listed: bool = False
    """Whether a run has listed this source, or started to. False for stages."""

    def failed_reasons(self) -> set[str]:
        """Reasons of failed items. An open pass may have more, which are not counted yet."""
        names = (name.partition(":")[::2] for name in self.reasons)
        return {reason for outcome, reason in names if outcome == Outcome.FAILED}


class StageLedgerRow(CommandRow):
    """A ledger row with the name of its source or stage; see `LedgerRow`."""

    stage: str
    key: str
    ordinal: int
    outcome: Outcomes
    reason: str
    message: str
    seconds: Number
    attempt: int


class LedgerCount(CommandRow):
    """Number of items of a source or stage with one outcome and reason."""

    stage: str
    outcome: str
    reason: str
    items: int
    counters: dict[str, int]
    """For `done`, the counters other than outcomes; empty for other outcomes."""


class LogLine(CommandRow):
    """A log line in the store, written by a run of a shard or of the commit step (`shard` is None)."""

    segment: int
    shard: int | None
    run: str
    line: str


COUNTED = "counted"
"""Rule of findings that report the counters of a stage other than outcomes."""


class FindingRow(CommandRow):
    """The result of checking one rule of a consumer in one file."""

    format: str
    file: str
    rule: str
    ok: bool
    message: str


class DamageRow(CommandRow):
    """An object that differs from what was committed."""

    stage: str
    """Name of the source or stage; empty for objects at the root of the store."""
    key: str
    """Key of the object in the store."""
    problem: str
    remedy: str


class IntegrityResult(CommandRow):
    """Result of a check of committed objects."""

    objects: int
    """Number of objects that were compared."""
    bytes: int
    """Bytes that were read."""
    by_checksum: int
    """Number of objects that were verified by the server's checksum alone."""
    earlier: int
    """Number of objects that an interrupted earlier check had found intact."""
    damage: list[DamageRow]


class RepairRow(CommandRow):
    """A damaged object, and whether it was rebuilt."""

    stage: str
    key: str
    problem: str
    repaired: bool
    why: str
    """Why it was not rebuilt; empty if it was."""


class RepairResult(CommandRow):
    """Result of a repair."""

    rows: list[RepairRow]
    trash: str
    """URI of the folder that damaged objects were moved to; empty if none was moved."""


class SourceForecast(CommandRow):
    """What a listing of a source would find now, in rows. All numbers are None if `code` lists the source."""

    listed: int | None = None
    new: int | None = None
    problems: int | None = None
    """Number of rows that cannot become items."""
    changed: int | None = None
    lists_changed: bool | None = None
    """Whether rows of the source's lists refer to its items in a different way than before."""
    weight: Number | None = None
    """Size of the new items: seconds of video, or bytes."""
    vanished: int | None = None
    hidden: int | None = None
    """Number of objects that are ignored: in the pipeline's store, or in a reelmill data set but not committed."""
    code: str = ""
    """`module:name` of the user's code that lists the source in a run; a forecast does not run it."""


class StageForecast(CommandRow):
    """The remaining work of a stage."""

    items: int | None
    """None if it depends on a source whose rows are unknown."""
    bytes: int | None
    """Bytes that it will write; None if its block cannot estimate them."""
    code: str = ""
    """`module:name` of the user's class that a run would import."""


class Forecast(CommandRow):
    """What a run would find and process, by name of source and stage."""

    sources: dict[str, SourceForecast]
    stages: dict[str, StageForecast]


class ReplayedFile(CommandRow):
    """A file that a replay wrote."""

    name: str
    size: int
    """Size in bytes."""
    compared: Literal["same", "different", "new", "part"]
    """Comparison with the committed file; `part`: it is a part of a file that spans items."""


class ReplayResult(CommandRow):
    """Result of one stage on one item."""

    stage: str
    item: str
    folder: str
    outcome: Literal["done", "filtered", "failed", "skipped", "crash", "timeout"]
    reason: str
    message: str
    files: list[ReplayedFile]


class ExportMode(StrEnum):
    """How files are placed in an exported folder."""

    LINK = "link"
    COPY = "copy"
    DOWNLOAD = "download"


class ExportResult(CommandRow):
    """Contents of an export."""

    folder: str
    files: int
    bytes: int
    mode: ExportMode
    views: list[str]
    """Names of the view files, relative to the folder."""
