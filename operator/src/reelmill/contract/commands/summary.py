"""Models of the summary of a pipeline at one moment, from its commits and rows, without logs.

`status`, the funnel, the run report and the dashboard show parts of it, so they always agree. A number that commits do
not contain is None or absent.
"""

from typing import Any, Literal

from pydantic import Field

from reelmill.contract.commands.funnel import FunnelRow
from reelmill.contract.commands.outcome import RunVerdict
from reelmill.contract.commands.result_rows import CommandRow, Number, StatusRow
from reelmill.contract.commands.tuning import Histogram, Values
from reelmill.contract.records.usage import Bound, Usage


class Moment(CommandRow):
    """The state of the store that a summary describes: the last included segment of each data set.

    No stage has covered a segment that is not included, even if segments were written while the summary was computed.
    """

    segments: dict[str, int]
    """Source or stage -> number of its last included segment; 0: none."""
    closed: Number | None
    """Time when the last of them was closed, in seconds since 1970 by the store's clock; None: there is none."""
    state: str
    """Fingerprint of data sets and segments, 10 hex digits: equal fingerprints mean equal rows."""


class RunPart(CommandRow):
    """Commits of one process of a pass; in a cluster, of one pod."""

    id: str
    """Number of the Job and a random suffix, as in the names of records."""
    shards: int
    """Number of shards that it committed."""
    first: Number
    last: Number
    """Times of its first and last commit, in seconds since 1970 by the store's clock."""


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
    """Number of output items."""
    worker_seconds: Number
    written: int
    """Bytes of files written."""
    opened: Number | None
    closed: Number | None
    """In seconds since 1970 by the store's clock; None: unknown."""
    shards: int
    parts: list[RunPart]
    """Processes that committed its shards, in order of time; at most 200."""
    by: str
    """The pipeline that opened it; empty for a listing."""


class Rate(CommandRow):
    """Throughput of a source or stage over all its passes."""

    name: str
    seconds: Number | None
    """Time in seconds during which at least one pass was open."""
    worker_seconds: Number
    items_per_second: Number | None
    video_per_second: Number | None
    """Seconds of input video per second; None if durations are unknown."""
    written_per_second: Number | None
    """Bytes."""
    workers: Number | None
    """Average number of busy workers."""
    usage: Usage | None
    """Resources used; None: unknown."""
    cost: Number | None
    """Cost of the pods; None: unknown."""
    bound: Bound | None
    """The limiting resource, derived from commits; None: unknown."""


class LossExample(CommandRow):
    """One dropped input."""

    key: str
    message: str


class LossGroup(CommandRow):
    """Inputs that a source or stage dropped for one reason."""

    name: str
    outcome: Literal["filtered", "failed", "skipped"]
    reason: str
    items: int
    seconds: Number | None
    bytes: int | None
    examples: list[LossExample]
    """A sample of them, chosen by the digest of their keys."""


class Distribution(CommandRow):
    """Distribution of the values of one field in the items of a source or stage."""

    name: str
    """Name of the source or stage."""
    field: str
    histogram: Histogram | None
    quantiles: dict[str, Number]
    """`p01`, `p05`, `p25`, `p50`, `p75`, `p95` and `p99` of the numbers."""
    values: Values | None


class DataSetOrigin(CommandRow):
    """Origin of the items of a source or stage."""

    name: str
    kind: Literal["source", "stage"]
    type: str
    key: str
    uri: str
    upstreams: dict[str, str]
    """Upstream -> key."""
    definition: dict[str, Any]
    """The definition that its key is computed from."""
    versions: dict[str, str]
    """Versions of the software that wrote the last segment."""


class Overview(CommandRow):
    """The part of a summary that comes from commits alone, without reading rows of items."""

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
    """Currency of costs; empty: unknown."""
    origins: list[DataSetOrigin]


class Summary(CommandRow):
    """An overview, with data from the rows of items and ledgers."""

    overview: Overview
    losses: list[LossGroup]
    distributions: list[Distribution]
    left_out: list[str]
    """Descriptions of what was omitted to bound the size of the summary."""


class ReportResult(CommandRow):
    """A run report, with the moment and the verdict that it shows."""

    moment: Moment
    verdict: RunVerdict
    html: str
