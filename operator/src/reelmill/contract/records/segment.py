"""The records of a pass in the store: its plan, the commits of its shards, and the closed segment.

Each is a JSON object that is written once, with If-None-Match. `segment.json` is authoritative for a segment. Parts
that records have once per shard are dataclasses with slots, which take a third of the memory of a model.
"""

from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from reelmill.contract.model import FORM, Model
from reelmill.contract.records.flow import Flow
from reelmill.contract.records.heartbeat import Runner
from reelmill.contract.records.usage import Usage


class Counts(Model):
    """Number of input items and of each outcome. Invariant: `in = done + filtered + failed + skipped`."""

    in_: int = Field(0, alias="in", ge=0)
    done: int = Field(0, ge=0)
    filtered: int = Field(0, ge=0)
    failed: int = Field(0, ge=0)
    skipped: int = Field(0, ge=0)

    @property
    def balanced(self) -> bool:
        return self.in_ == self.done + self.filtered + self.failed + self.skipped

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            in_=self.in_ + other.in_,
            done=self.done + other.done,
            filtered=self.filtered + other.filtered,
            failed=self.failed + other.failed,
            skipped=self.skipped + other.skipped,
        )


@dataclass(frozen=True, slots=True, kw_only=True, config=FORM)
class Object:
    """A file in the store: its key relative to the root, size in bytes, digest `sha256:<hex>`."""

    key: str
    size: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True, config=FORM)
class Slice:
    """`count` rows of a JSON lines file, starting with row `first` (from 0); `upstream` is the items' data set."""

    upstream: str
    rows: str
    """Key of the rows file."""
    first: int
    count: int
    ordinal: int | None = None
    """Ordinal, in the upstream, of the slice's first item; the others follow. None: each row has one (retries)."""
    digest: str = ""
    """Digest `sha256:<hex>` of the rows file. Empty in passes that version 0.1.0 opened."""


@dataclass(frozen=True, slots=True, kw_only=True, config=FORM)
class ShardPlan:
    """The input rows of one shard in `pass.json`, in order."""

    slices: tuple[Slice, ...]
    count: int
    weight: float


class Pass(Model):
    """`pass.json`: the plan of a pass, which every process that continues the pass follows."""

    stage: str
    key: str
    segment: int
    kind: Literal["cover", "retry"]
    covers: dict[str, tuple[int, int]] = Field(default_factory=dict)
    """Upstream name -> first and last segment covered, both counted from 1. Empty for a retry."""
    retries: tuple[str, ...] = ()
    """Failure classes to retry; empty with kind `retry` means all."""
    in_: int = Field(alias="in")
    first_ordinal: int
    """Number of the pass's first input, counted from 0 over all committed passes."""
    shards: tuple[ShardPlan, ...]
    positions: dict[str, str] = Field(default_factory=dict)
    """Upstream name -> ranges of the positions of its inputs, which are numbered in that order. Inputs of other
    upstreams are numbered in the order of the shards."""
    definition: dict[str, object]
    """Stage type, data version and canonical parameters; a task with another definition is stale."""
    versions: dict[str, str] = Field(default_factory=dict)
    runner: Runner
    usage: Usage | None = Field(None, exclude_if=lambda value: value is None)
    """Resources used to open the pass. None: unknown."""


PLAN_BLOCK = 500
"""Number of shards in a plan block."""


class PlanBlock(Model):
    """`plans/00001.json`: a block of shards of a large pass, so that a shard does not read the plan of all.

    It repeats a part of `pass.json`. Version 0.1.0 neither writes nor reads it.
    """

    plan: Pass
    """The pass, with the shards of this block only."""
    first: int
    """Number of the first shard of the block, which is not 0."""
    of: int
    """Number of shards in the pass."""
    before: ShardPlan
    """The inputs of all earlier shards together: one slice for each upstream, with its number of inputs."""
    after: ShardPlan
    """The inputs of all later shards together."""


class ShardCommit(Model):
    """`shards/00012.json`: the commit of a shard, written once after all of its files."""

    shard: int
    of: int
    counts: Counts
    reasons: dict[str, int] = Field(default_factory=dict)
    """`outcome:reason` -> number of rows, for all outcomes but done."""
    outputs: tuple[Object, ...] = ()
    """Files that contain several items."""
    counters: dict[str, int] = Field(default_factory=dict)
    """Counters of the stage in this shard, such as `gpu_fallback` (`contract.counters`)."""
    items: Object | None
    item_count: int = 0
    weight: float = 0.0
    ledger: Object
    signatures: Object | None = Field(None, exclude_if=lambda value: value is None)
    """Signatures of the done inputs, for a stage that decides over the whole data set (`Stage.decide`)."""
    lineage: Object | None = Field(None, exclude_if=lambda value: value is None)
    """For a stage with `assemble`: the inputs that its files, and their items, were made from (`AssembledFrom`). For
    all other items, the frozen outcomes of a shard record this."""
    seconds: float = 0.0
    bytes: int = 0
    flow: Flow | None = Field(None, exclude_if=lambda value: value is None)
    """Items, seconds and bytes of the inputs and of the output. None: unknown."""
    usage: Usage | None = Field(None, exclude_if=lambda value: value is None)
    """Resources used by the run that wrote this. None: unknown."""


class KeptIndex(Model):
    """The signatures that one pass kept, divided into files so that a later pass reads only some (`kept_index`)."""

    count: int
    """Number of kept inputs. They are numbered from 0, in the order in which they were decided."""
    buckets: tuple[Object | None, ...] = ()
    """Buckets of terms and the inputs that have them. The number of buckets is a power of two, and a bucket has the
    terms that begin with the bits of its number. None: no term begins with them."""
    blocks: tuple[Object, ...] = ()
    """Keys and signatures of `block_size` inputs each."""
    block_size: int
    since: int = 0
    """The index also contains the kept inputs of the segments from this one on, because small indexes are merged. 0:
    only those of its own segment."""
    sums: tuple[int, ...] = ()
    """CRC-32 of each of `files`, with which later passes check what they read; it takes a third of the time of the
    digest. Empty: they check digests, or the checks in the files."""
    checked: bool = Field(False, exclude_if=lambda value: not value)
    """The files contain a check of each posting and a CRC-32 of each input. Later passes check only these, not whole
    files."""

    @property
    def files(self) -> tuple[Object, ...]:
        return (*(bucket for bucket in self.buckets if bucket), *self.blocks)


class Verdicts(Model):
    """`verdicts.json`: the decisions of a stage about the inputs of a pass, written once, after all files it names.

    Every process that closes the pass later follows it.
    """

    stage: str
    key: str
    segment: int
    rows: dict[int, Object] = Field(default_factory=dict)
    """Shard -> file with the verdicts about its filtered inputs; all others were kept."""
    kept: KeptIndex
    lost: tuple[ShardCommit, ...] = ()
    """Commits of the shards that were closed as lost, which are in no other record."""


@dataclass(frozen=True, slots=True, kw_only=True, config=FORM)
class Part:
    """One shard of a closed segment, or one file of a source's listing."""

    items: Object | None
    ledger: Object | None
    count: int
    """Number of rows in `items`."""
    weight: float
    first_ordinal: int
    """Ordinal of the first item. Ordinals in the rows file count from 0 and are relative to this."""
    outputs: tuple[Object, ...] = ()
    lineage: Annotated[Object | None, Field(exclude_if=lambda value: value is None)] = None
    """As in `ShardCommit`."""


class Segment(Model):
    """`segment.json`: closes a pass. An `abandoned` segment covers no inputs and does not enter totals."""

    state: Literal["committed", "abandoned"]
    stage: str
    key: str
    segment: int
    kind: Literal["cover", "retry", "listing"]
    covers: dict[str, tuple[int, int]] = Field(default_factory=dict)
    counts: Counts
    """Counts of this pass."""
    totals: Counts
    """Effective counts over all segments up to this one: the latest row of each key counts."""
    reasons: dict[str, int] = Field(default_factory=dict)
    """Effective totals by `outcome:reason`, for all outcomes but done."""
    coverage: dict[str, int] = Field(default_factory=dict)
    """Upstream name -> last segment covered by this and earlier segments."""
    counters: dict[str, int] = Field(default_factory=dict)
    """Effective totals of the stage's counters, such as `gpu_fallback`."""
    items: int
    """Number of items in this segment."""
    next_ordinal: int
    """The first free ordinal after this segment."""
    next_number: int = 0
    """The first free input number after this segment (not for listings)."""
    weight: float = 0.0
    parts: tuple[Part, ...] = ()
    list_rows: Object | None = Field(None, exclude_if=lambda value: value is None)
    """For a listing: which rows of the source's lists refer to which item. None, and not written, for a source without
    lists, and in segments of version 0.1.0, whose items contain their rows."""
    kept: KeptIndex | None = Field(None, exclude_if=lambda value: value is None)
    """For a stage that decides over the whole data set: the signatures that this pass kept. The parts of the segment
    name rows with the verdicts (`verdicts.json`) applied."""
    versions: dict[str, str] = Field(default_factory=dict)
    definition: dict[str, object] = Field(default_factory=dict)
    seconds: float = 0.0
    """Worker time of the pass in seconds."""
    bytes: int = 0
    """Size in bytes of the output files that the pass wrote."""
    flow: Flow | None = Field(None, exclude_if=lambda value: value is None)
    """Items, seconds and bytes: effective totals over all segments up to this one. None: unknown, such as after a
    segment of a version that did not record them."""
    usage: Usage | None = Field(None, exclude_if=lambda value: value is None)
    """Resources used by the pass: its open step, all runs of its shards, and the commit step until it closed the
    segment. None: unknown."""
    total_usage: Usage | None = Field(None, exclude_if=lambda value: value is None)
    """Known usage of all passes up to this one, including abandoned ones."""


class StageRecord(Model):
    """`_reelmill/stage.json`: a summary of a data set for users and tools; `segment.json` files are authoritative."""

    stage: str
    key: str
    segment: int
    """The last segment that is included."""
    definition: dict[str, object]
    upstreams: dict[str, str] = Field(default_factory=dict)
    """Upstream name -> key."""
    coverage: dict[str, int]
    totals: Counts
    reasons: dict[str, int] = Field(default_factory=dict)
    items: int
    weight: float = 0.0
    versions: dict[str, str] = Field(default_factory=dict)
    view: str = ""
    """Fingerprint of the parameters of the current view files; empty while expensive views are postponed."""
    views: tuple[str, ...] = ()
    """Names of the view files, relative to the root of the data set."""
