"""What a step is told (`REELMILL_TASK`) and what it reports back (its termination message).

The planner writes a Task and reads a report; the runtime reads a Task and writes a report. They know nothing else
of each other. A report is JSON under 4 KiB whatever the scale: Kubernetes cuts termination messages there.
"""

from enum import StrEnum
from typing import Any, Literal

from pydantic import Field, model_validator

from reelmill.contract.digest import fingerprint
from reelmill.contract.model import Model
from reelmill.contract.segment import Counts

ENV = "REELMILL_TASK"
"""Environment variable that carries the Task as JSON."""

INDEX_ENV = "JOB_COMPLETION_INDEX"
"""Environment variable with the index of the attempt's Job."""

REPORT_ENV = "REELMILL_REPORT"
"""File that takes the report; Kubernetes' termination log by default."""

REPORT_FILE = "/dev/termination-log"


CA_FOLDER = "/etc/reelmill/ca"
"""Where a pod mounts what a Secret may hold beside keys: a bundle below it that is not there was not given."""


def view_fingerprint(view: dict[str, object]) -> str:
    """Ten hex digits that tell view parameters apart: what reports carry and the planner compares."""
    return fingerprint(view)[:10]


class Step(StrEnum):
    """The kinds of Jobs. A run: a survey, then open, shards and commit of each pass. `remove`: after the last run."""

    SURVEY = "survey"
    OPEN = "open"
    SHARDS = "shards"
    COMMIT = "commit"
    REMOVE = "remove"
    """The resource was deleted with `onDelete: Delete`: take its data away."""


class Connection(Model):
    """How to reach an S3 server. Credentials never travel here: they come from the environment or the pod's
    identity.
    """

    endpoint: str = ""
    region: str = ""
    env_prefix: str = ""
    """Prefix of the environment variables that hold this connection's credentials: empty for the store,
    `RAW_` for a source `raw` with a Secret of its own (`RAW_AWS_ACCESS_KEY_ID`, …)."""
    ca: bool = False
    """A CA bundle is mounted for it: its path is in `<prefix>AWS_CA_BUNDLE`."""


class StoreRef(Model):
    """The store: a folder or `s3://bucket/prefix`, and how to reach it."""

    uri: str
    connection: Connection = Connection()


class Upstream(Model):
    """A data set that a stage reads."""

    name: str
    key: str


class SourceDef(Model):
    """A source as the survey lists it."""

    name: str
    key: str
    type: str
    """Adapter: the name of its block."""
    params: dict[str, object]
    connection: Connection | None = None
    """None: the store's own."""


class StageDef(Model):
    """A stage as its pods see it."""

    name: str
    key: str
    type: str
    """The name of its block."""
    data_version: int
    params: dict[str, object]
    """All parameters of the block, defaults filled in."""
    definition: dict[str, object]
    """What the key was made from; `pass.json` repeats it."""
    upstreams: tuple[Upstream, ...]


class Owner(Model):
    """The pipeline that a task works for."""

    namespace: str
    name: str
    uid: str


class ShardLimits(Model):
    """What one shard may use and how it deals with failing items."""

    workers: int = 0
    """Worker processes; 0: one per CPU of the cgroup limit."""
    fit_gpus: bool = False
    """Nobody asked for a number: beside GPUs at least one worker for each, and no more than their memory holds."""
    item_timeout: float = 120.0
    """Seconds of wall time for one group; then SIGKILL and `failed(decode_timeout)`."""
    early_abort: int = 50
    """If this many items come first and all fail in one class, the shard ends with exit 65."""
    checkpoint_seconds: float = 20.0

    @model_validator(mode="before")
    @classmethod
    def _without_what_is_gone(cls, given: Any) -> Any:
        """Drop `workerMemory`, which version 0.1.0 wrote, always 0, and nothing ever set."""
        if not isinstance(given, dict):
            return given
        return {name: value for name, value in given.items() if name != "workerMemory"}


class Task(Model):
    """One step, completely: a pod reads this, its index and its credentials, and nothing else."""

    version: Literal[1] = 1
    step: Step
    owner: Owner
    run: int
    """Rises with every Job of the pipeline; part of attempt-unique names."""
    store: StoreRef
    sources: tuple[SourceDef, ...] = ()
    """Survey: the sources to list. Other steps: the sources whose media the stage may have to read; removal: none."""
    stages: tuple[StageDef, ...] = ()
    """Survey: all stages. Other steps: exactly the one; removal: none."""
    segment: int = 0
    """Number of the segment that the pass makes (not for the survey)."""
    waves: int = 1
    """Survey: split what is new in a source into up to this many segments."""
    refresh: bool = True
    """Survey: list the sources (false: only report what the store has)."""
    kind: Literal["cover", "retry"] = "cover"
    cover: dict[str, int] = Field(default_factory=dict)
    """Open: per upstream, the last segment to cover."""
    retry: tuple[str, ...] = ()
    """Open: classes to retry; empty with kind `retry` means all."""
    shard_count: int = 0
    """Open: shards wanted; 0: planned by weight."""
    shard_map: str = ""
    """Shards: ranges such as `0-3,7` that map this Job's indexes to logical shards; empty: identity."""
    attempt: int = 1
    """Shards: which attempt of the pass this Job is."""
    limits: ShardLimits = ShardLimits()
    view: dict[str, object] = Field(default_factory=dict)
    """Commit: the stage's `view` block."""
    complete: bool = True
    """Commit: all upstreams are complete, so heavy views are worth building."""
    close_lost: bool = False
    """Commit: give undone shards up with `failed(shard_lost)` rows (else exit 75 when one is undone)."""
    abandon: bool = False
    """Commit: close the pass as abandoned."""
    view_only: bool = False
    """Commit: only present the views again; `segment` is the last committed one."""

    @property
    def stage(self) -> StageDef:
        """The one stage of an open, shards or commit task."""
        (stage,) = self.stages
        return stage


class OpenPass(Model):
    """A pass that was opened and not closed, found by the survey."""

    segment: int
    foreign: bool = False
    """Opened by another pipeline whose heartbeat is younger than 10 minutes: wait for it."""


class SourceReport(Model):
    """What the store knows of a source after the listing. Its rows are `items + failed`."""

    segments: int
    items: int
    failed: int = 0
    """Rows that cannot be items, effective: each has its line in the ledger."""
    new: int = 0
    """Rows that this listing added, items and failed ones."""
    drifted: int = 0
    """Items that changed or vanished since they were listed."""


class StageReport(Model):
    """What the store has of a stage key."""

    segments: int
    """Last closed segment, abandoned ones included."""
    coverage: dict[str, int] = Field(default_factory=dict)
    totals: Counts = Counts()
    items: int = 0
    reasons: dict[str, int] = Field(default_factory=dict)
    """The five most frequent `outcome:reason`, effective totals."""
    retries: int | None = None
    """Committed retry passes since the last committed cover pass; None: not counted."""
    open: OpenPass | None = None
    view: str = ""
    """`view_fingerprint` of the view parameters last presented; empty when the views lag behind the segments."""


class SurveyReport(Model):
    """Result of a survey."""

    step: Literal[Step.SURVEY] = Step.SURVEY
    sources: dict[str, SourceReport] = Field(default_factory=dict)
    stages: dict[str, StageReport] = Field(default_factory=dict)
    forecast: dict[str, int] = Field(default_factory=dict)
    """Per stage: bytes it will write, as far as its block can tell."""
    packed: str = ""
    """All of the above but `reasons`, where it is too long for a termination message (see `contract.compact`)."""


class OpenReport(Model):
    """Result of an open step. A pass that was open already is adopted: what it says counts, not the task."""

    step: Literal[Step.OPEN] = Step.OPEN
    segment: int
    shards: int
    """At least 1, also when there is nothing in."""
    done: str = ""
    """Ranges of shards that are committed already."""
    in_: int = Field(alias="in")
    weight: float = 0.0
    closed: bool = False
    """The segment is closed already."""
    foreign: bool = False
    """Another pipeline runs this pass now."""


class CommitReport(Model):
    """Result of a commit step."""

    step: Literal[Step.COMMIT] = Step.COMMIT
    segment: int
    state: Literal["committed", "abandoned"] = "committed"
    counts: Counts = Counts()
    totals: Counts = Counts()
    coverage: dict[str, int] = Field(default_factory=dict)
    items: int = 0
    reasons: dict[str, int] = Field(default_factory=dict)
    """The five most frequent `outcome:reason`, effective totals."""
    seconds: float = 0.0
    bytes: int = 0
    view: str = ""
    """`view_fingerprint` of the view parameters presented; empty when heavy views were left for later."""


class RemoveReport(Model):
    """Result of a removal, counted in data sets of this pipeline."""

    step: Literal[Step.REMOVE] = Step.REMOVE
    removed: int = 0
    """Taken away: nobody else claimed them."""
    kept: int = 0
    """Left, because another pipeline claims them; only the claim of this one is gone."""
    objects: int = 0
    """Objects deleted."""
    bytes: int = 0
    left: int = 0
    """Objects in its data sets that reelmill did not write: they stay."""
    left_names: tuple[str, ...] = ()
    """The first few of them."""


class Failure(Model):
    """How a step that failed on purpose says why."""

    step: Step
    error: str
    """Class name in the error tree."""
    message: str
    hint: str = ""


Report = SurveyReport | OpenReport | CommitReport | RemoveReport
