"""The summary of a pipeline at one moment: what its commits and rows say, without logs.

`status`, the funnel, the run report and the dashboard show parts of it, so they cannot differ. A number that commits do
not tell is None or absent.
"""

from typing import Any, Literal

from pydantic import Field

from reelmill.contract.commands.funnel import FunnelRow
from reelmill.contract.commands.outcome import RunVerdict
from reelmill.contract.commands.result_rows import CommandRow, Number, StatusRow
from reelmill.contract.commands.tuning import Histogram, Values
from reelmill.contract.records.usage import Bound, Usage


class Moment(CommandRow):
    """The state of the store that a summary is of: the last segment of each data set that is included.

    No stage has covered a segment that is not included, whatever was written while the summary was made.
    """

    segments: dict[str, int]
    """Source or stage -> number of its last included segment; 0: it has none."""
    closed: Number | None
    """When the last of them was closed, as seconds since 1970 by the clock of the store; None: there is none."""
    state: str
    """Fingerprint of data sets and segments, 10 hex digits: summaries with the same one are of the same rows."""


class RunPart(CommandRow):
    """What one process of a pass committed: in a cluster, a pod."""

    id: str
    """Number of the Job and a random part, as in the names of records."""
    shards: int
    """Shards that it committed."""
    first: Number
    last: Number
    """When it committed the first and the last of them, as seconds since 1970 by the clock of the store."""


class PassRow(CommandRow):
    """One closed segment: a pass of a stage, or a listing of a source."""

    name: str
    """Name of the source or stage."""
    segment: int
    kind: Literal["cover", "retry", "listing"]
    in_: int = Field(alias="in")
    done: int
    filtered: int
    failed: int
    skipped: int
    items: int
    """Items that it made."""
    worker_seconds: Number
    written: int
    """Bytes of files that it wrote."""
    opened: Number | None
    closed: Number | None
    """As seconds since 1970 by the clock of the store; None: not known."""
    shards: int
    parts: list[RunPart]
    """Processes that committed its shards, by time; at most 200 of them."""
    by: str
    """The pipeline that opened it; empty for a listing."""


class Rate(CommandRow):
    """How fast a source or stage worked, over all of its passes."""

    name: str
    seconds: Number | None
    """Time during which at least one pass was open."""
    worker_seconds: Number
    items_per_second: Number | None
    video_per_second: Number | None
    """Seconds of video that went in, for each second; None where durations are not known."""
    written_per_second: Number | None
    """Bytes."""
    workers: Number | None
    """Workers that were busy at the same time, on average."""
    usage: Usage | None
    """What was used; None: not known."""
    cost: Number | None
    """Price of the pods that were used; None: not known."""
    bound: Bound | None
    """What bounds it, as far as commits tell; None: not known."""


class LossExample(CommandRow):
    """One input that was not kept."""

    key: str
    message: str


class LossGroup(CommandRow):
    """Inputs that a source or stage did not keep, for one reason."""

    name: str
    outcome: Literal["filtered", "failed", "skipped"]
    reason: str
    items: int
    seconds: Number | None
    bytes: int | None
    examples: list[LossExample]
    """Some of them, chosen by the digest of their keys."""


class Distribution(CommandRow):
    """The values of one field in the items of a source or stage."""

    name: str
    """Name of the source or stage."""
    field: str
    histogram: Histogram | None
    quantiles: dict[str, Number]
    """`p01`, `p05`, `p25`, `p50`, `p75`, `p95` and `p99` of the numbers."""
    values: Values | None


class DataSetOrigin(CommandRow):
    """Where the items of a source or stage come from."""

    name: str
    kind: Literal["source", "stage"]
    type: str
    key: str
    uri: str
    upstreams: dict[str, str]
    """Upstream -> key."""
    definition: dict[str, Any]
    """What its key is computed from."""
    versions: dict[str, str]
    """Versions of the software that wrote the last segment."""


class Overview(CommandRow):
    """What commits alone tell; no rows of items are read for it."""

    pipeline: str
    """Name of the pipeline."""
    store: str
    """URI of the store."""
    moment: Moment
    verdict: RunVerdict
    rows: list[StatusRow]
    funnel: list[FunnelRow]
    passes: list[PassRow]
    rates: list[Rate]
    currency: str
    """Of costs; empty: not known."""
    origins: list[DataSetOrigin]


class Summary(CommandRow):
    """An overview, and what the rows of items and ledgers tell."""

    overview: Overview
    losses: list[LossGroup]
    distributions: list[Distribution]
    left_out: list[str]
    """What was left out so that the summary has a bounded size, in words."""


class ReportResult(CommandRow):
    """A run report, with the moment and the verdict that it shows."""

    moment: Moment
    verdict: RunVerdict
    html: str
