"""The records of a pass in the store: how it was opened, what its shards committed, how it was closed.

Each is one JSON object written once, with If-None-Match; `segment.json` is the only truth about a segment.
"""

from typing import Literal

from pydantic import Field

from reelmill.contract.model import Model


class Counts(Model):
    """Items in and what became of them. The law: `in = done + filtered + failed + skipped`."""

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


class Object(Model):
    """A file in the store: key relative to its root, size in bytes, `sha256:<hex>`."""

    key: str
    size: int
    digest: str


class Slice(Model):
    """`count` rows of one JSON lines file, from row `first`. `upstream` names whose items they are."""

    upstream: str
    rows: str
    """Key of the rows file."""
    first: int
    count: int
    ordinal: int | None = None
    """Ordinal, in the upstream, of the slice's first item; the others follow. None: rows carry their own (retries)."""


class ShardPlan(Model):
    """One line of `pass.json`: the rows that a shard works on, in order."""

    slices: tuple[Slice, ...]
    count: int
    weight: float


class Runner(Model):
    """Who opened or runs a pass."""

    uid: str
    name: str
    run: int


class Pass(Model):
    """`pass.json`: how a pass was opened. It is finished exactly like this, by whoever comes."""

    stage: str
    key: str
    segment: int
    kind: Literal["cover", "retry"]
    covers: dict[str, tuple[int, int]] = Field(default_factory=dict)
    """Per upstream name: first and last segment covered, both counted from 1. Empty for a retry."""
    retries: tuple[str, ...] = ()
    """Classes retried; empty with kind `retry` means all."""
    in_: int = Field(alias="in")
    first_ordinal: int
    """Number of the pass's first input: how many inputs the committed passes before it had."""
    shards: tuple[ShardPlan, ...]
    definition: dict[str, object]
    """Stage type, data version and canonical params: a task that says otherwise is stale."""
    versions: dict[str, str] = Field(default_factory=dict)
    runner: Runner


class ShardCommit(Model):
    """`shards/00012.json`: what of a shard counts. Written last, once."""

    shard: int
    of: int
    counts: Counts
    reasons: dict[str, int] = Field(default_factory=dict)
    """`outcome:reason` -> rows, for all that is not done."""
    outputs: tuple[Object, ...] = ()
    """Files that span items."""
    counters: dict[str, int] = Field(default_factory=dict)
    """Whatever a stage counts, such as `gpu_fallback`."""
    items: Object | None
    item_count: int = 0
    weight: float = 0.0
    ledger: Object
    seconds: float = 0.0
    bytes: int = 0


class Part(Model):
    """One shard inside a closed segment, or one file of a source's listing."""

    items: Object | None
    ledger: Object | None
    count: int
    """Rows in `items`."""
    weight: float
    first_ordinal: int
    """Ordinal of its first item. A rows file counts its own from 0: the ordinal of an item is this plus its row's."""
    outputs: tuple[Object, ...] = ()


class Segment(Model):
    """`segment.json`: closes a pass. `abandoned` covers nothing and counts for nothing."""

    state: Literal["committed", "abandoned"]
    stage: str
    key: str
    segment: int
    kind: Literal["cover", "retry", "listing"]
    covers: dict[str, tuple[int, int]] = Field(default_factory=dict)
    counts: Counts
    """Of this pass."""
    totals: Counts
    """Effective, over all segments up to this one: the latest row of each key counts."""
    reasons: dict[str, int] = Field(default_factory=dict)
    """Effective `outcome:reason` totals of what is not done."""
    coverage: dict[str, int] = Field(default_factory=dict)
    """Per upstream: segments covered, up to and with this one."""
    counters: dict[str, int] = Field(default_factory=dict)
    """Whatever a stage counts, such as `gpu_fallback`, effective totals."""
    items: int
    """Items in this segment."""
    next_ordinal: int
    """First ordinal free after this segment."""
    next_number: int = 0
    """First input number free after this segment (not for listings)."""
    weight: float = 0.0
    parts: tuple[Part, ...] = ()
    versions: dict[str, str] = Field(default_factory=dict)
    definition: dict[str, object] = Field(default_factory=dict)
    seconds: float = 0.0
    """Worker time that the pass took."""
    bytes: int = 0
    """Bytes that the pass wrote for users."""


class StageRecord(Model):
    """`_reelmill/stage.json`: a view of a data set for people and tools; `segment.json` files are the truth."""

    stage: str
    key: str
    segment: int
    """Last segment included."""
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
    """Fingerprint of the view parameters that the view files were made with; empty while heavy ones wait."""
    views: tuple[str, ...] = ()
    """Names of the view files, below the data set's root."""
