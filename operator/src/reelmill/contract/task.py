"""The input of a step (the task, in `REELMILL_TASK`) and its result (the report, in its termination message).

The planner writes a Task and reads a report; the runtime does the opposite. This is the only interface between the two.
A report is JSON of less than 4 KiB at any scale, because Kubernetes truncates longer messages.
"""

from enum import StrEnum
from typing import Literal

from pydantic import Field

from reelmill.contract.model import Model
from reelmill.contract.records.flow import Volume
from reelmill.contract.records.segment import Counts
from reelmill.contract.records.usage import Usage
from reelmill.contract.task_parts.next_pass import NextPass
from reelmill.contract.task_parts.shard_limits import ShardLimits
from reelmill.contract.task_parts.verification import VerificationTask, VerifyReport
from reelmill.contract.task_parts.web_limits import WebLimits

ENV = "REELMILL_TASK"
"""Environment variable that contains the Task as JSON."""
INDEX_ENV = "JOB_COMPLETION_INDEX"
"""Environment variable with the index of the pod in its Indexed Job."""
REPORT_ENV = "REELMILL_REPORT"
"""Environment variable with the path of the report file. Default: REPORT_FILE."""
RUN_PID_ENV = "REELMILL_RUN_PID"
"""Environment variable with the process ID of the `reelmill run` that started the step; not set in pods."""
REPORT_FILE = "/dev/termination-log"
"""The termination log of a Kubernetes container."""
CA_FOLDER = "/etc/reelmill/ca"
"""Folder in which a pod mounts optional CA bundles from Secrets; a missing file means that none was given."""


class Step(StrEnum):
    """The kinds of Jobs. Each pass has open, shards and commit, or `whole`."""

    SURVEY = "survey"
    OPEN = "open"
    SHARDS = "shards"
    COMMIT = "commit"
    VERIFY = "verify"
    """Compare all committed objects with their digests."""
    WHOLE = "whole"
    """All three steps of a small pass in one pod, with the task of the open step and a follow-up."""
    REMOVE = "remove"
    """The resource was deleted with `onDelete: Delete`: delete its data."""


STAGELESS = frozenset({Step.SURVEY, Step.VERIFY, Step.REMOVE})
"""Steps that do not belong to one stage."""


class Connection(Model):
    """Connection to an S3 server. It contains no credentials; these come from the environment or the pod's identity."""

    endpoint: str = ""
    region: str = ""
    env_prefix: str = ""
    """Prefix of the variables with its credentials: empty for the store, `RAW_` for a source `raw` with a Secret."""
    secret: str = Field(default="", exclude=True)
    """Name of the Secret with its credentials; if they are missing, no other identity is used. It is passed separately
    from the task (`task_parts.connection_secrets`)."""
    ca: bool = False
    """Whether a CA bundle may be mounted; its path is in `<prefix>AWS_CA_BUNDLE`."""


class StoreRef(Model):
    """The store: a folder or `s3://bucket/prefix`, and its connection."""

    uri: str
    connection: Connection = Connection()
    connected: str = Field(default="", exclude=True)
    """URI of the store that the connection belongs to, if this store stands in for it; empty: this one."""


class Upstream(Model):
    """A data set that a stage reads."""

    name: str
    key: str


class SourceDef(Model):
    """A source, as passed to steps."""

    name: str
    key: str
    type: str
    """The name of its block, which selects the adapter."""
    params: dict[str, object]
    """All parameters of the block, including defaults."""
    connection: Connection | None = None
    """Connection of the source; None: that of the store."""
    web: WebLimits | None = Field(None, exclude_if=lambda value: value is None)


class StageDef(Model):
    """A stage, as passed to steps."""

    name: str
    key: str
    type: str
    """The name of its block."""
    data_version: int
    params: dict[str, object]
    """All parameters of the block, including defaults."""
    definition: dict[str, object]
    """The values from which the key is computed; also stored in `pass.json`."""
    upstreams: tuple[Upstream, ...]


class Owner(Model):
    """The pipeline to which a task belongs."""

    namespace: str
    name: str
    uid: str


class Task(Model):
    """The complete input of a step, except its index and its credentials."""

    version: Literal[1] = 1
    step: Step
    owner: Owner
    run: int
    """Number of the Job, increased for every Job of the pipeline; part of unique names."""
    store: StoreRef
    sources: tuple[SourceDef, ...] = ()
    """Survey: sources to list. Verification: all. Removal: none. Other steps: those whose media the stage may read."""
    stages: tuple[StageDef, ...] = ()
    """Survey and verification: all stages. Removal: none. Other steps: exactly one."""
    segment: int = 0
    """Number of the segment that the pass makes, from 1; 0 for the survey."""
    waves: int = 1
    """Survey: maximum number of segments into which new items of a source are split."""
    refresh: bool = True
    """Survey: whether to list the sources; if false, only the state of the store is reported."""
    kind: Literal["cover", "retry"] = "cover"
    """Open: process new inputs, or retry failed ones."""
    cover: dict[str, int] = Field(default_factory=dict)
    """Open: upstream name -> last segment to cover."""
    retry: tuple[str, ...] = ()
    """Open: failure classes to retry; empty with kind `retry` means all."""
    shard_count: int = 0
    """Open: number of shards; 0: derived from the weight of the inputs."""
    shard_map: str = ""
    """Shards: ranges such as `0-3,7` that map the indexes of this Job to shards; empty: identity."""
    attempt: int = 1
    """Shards: number of this attempt at the pass, from 1."""
    limits: ShardLimits = ShardLimits()
    view: dict[str, object] = Field(default_factory=dict)
    """Commit, and steps that continue with the commit: the stage's `view` block."""
    complete: bool = True
    """Commit, and steps that continue with the commit: all upstreams are complete, so expensive views are built."""
    close_lost: bool = False
    """Commit: close shards that are not committed with `failed(shard_lost)` rows (otherwise, exit code 75)."""
    abandon: bool = False
    """Commit: close the pass as abandoned."""
    view_only: bool = False
    """Commit: only build the views again; `segment` is the last committed one."""
    verification: VerificationTask | None = None
    """Verification: identifies it."""

    @property
    def stage(self) -> StageDef:
        """The stage of an open, shards or commit task."""
        (stage,) = self.stages
        return stage


class OpenPass(Model):
    """An open pass that the survey found."""

    segment: int
    foreign: bool = False
    """Whether another pipeline, whose heartbeat is less than 10 minutes old, works on the pass."""


class SourceReport(Model):
    """The state of a source in the store after the survey. Its number of rows is `items + failed`."""

    segments: int
    items: int
    failed: int = 0
    """Number of rows that are not valid items; each has a row in the ledger."""
    new: int = 0
    """Number of rows that this listing added, valid or not. `drifted`: items that changed or disappeared since."""
    drifted: int = 0
    hidden: int = 0
    """Number of objects that this listing ignored: in the pipeline's store, or in a data set but not committed."""


class StageReport(Model):
    """The state of a stage's data set in the store."""

    segments: int
    """The last closed segment, including abandoned ones."""
    coverage: dict[str, int] = Field(default_factory=dict)
    totals: Counts = Counts()
    items: int = 0
    reasons: dict[str, int] = Field(default_factory=dict)
    """Effective totals of the five most frequent `outcome:reason`."""
    counters: dict[str, int] = Field(default_factory=dict)
    """Totals of the stage's counters that `contract.counters.reported` selects, if `REPORTS_ENV` names them."""
    usage: Usage | None = Field(None, exclude_if=lambda value: value is None)
    """Usage of the stage, including an open pass, if `REPORTS_ENV` names it; None: unknown."""
    retries: int | None = None
    """Number of committed retry passes since the last committed cover pass; None: not counted."""
    open: OpenPass | None = None
    view: str = ""
    """`view_fingerprint` of the current views; empty if they are older than the last segment."""


class SurveyReport(Model):
    """The result of a survey."""

    step: Literal[Step.SURVEY] = Step.SURVEY
    sources: dict[str, SourceReport] = Field(default_factory=dict)
    stages: dict[str, StageReport] = Field(default_factory=dict)
    forecast: dict[str, int] = Field(default_factory=dict)
    """Stage name -> estimated number of bytes it will write, for stages with an estimate."""
    next: tuple[NextPass, ...] = ()
    """Passes that the survey opened or measured."""
    packed: str = ""
    """The compact form of the other fields, if they are too long for Kubernetes (see `contract.compact_report`)."""


class OpenReport(Model):
    """The result of an open step. If the pass was already open, the report describes that pass, not the task."""

    step: Literal[Step.OPEN] = Step.OPEN
    segment: int
    shards: int
    """Number of shards; at least 1, even without input items."""
    done: str = ""
    """Ranges of shards that are already committed."""
    in_: int = Field(alias="in")
    weight: float = 0.0
    closed: bool = False
    """Whether the segment is already closed."""
    foreign: bool = False
    """Whether another pipeline is working on this pass."""
    kind: Literal["", "cover", "retry"] = ""
    """The kind of the pass; empty if the task came without a follow-up."""
    small: bool = False
    """Whether one pod can do the whole pass."""


class CommitReport(Model):
    """The result of a commit step. `reasons`, `counters` and `usage` are as in StageReport."""

    step: Literal[Step.COMMIT] = Step.COMMIT
    segment: int
    state: Literal["committed", "abandoned"] = "committed"
    counts: Counts = Counts()
    totals: Counts = Counts()
    coverage: dict[str, int] = Field(default_factory=dict)
    items: int = 0
    reasons: dict[str, int] = Field(default_factory=dict)
    counters: dict[str, int] = Field(default_factory=dict)
    usage: Usage | None = Field(None, exclude_if=lambda value: value is None)
    given: Volume | None = Field(None, exclude_if=lambda value: value is None)
    made: Volume | None = Field(None, exclude_if=lambda value: value is None)
    """All inputs of the stage so far, and all its output items; None: unknown."""
    seconds: float = 0.0
    bytes: int = 0
    view: str = ""
    """`view_fingerprint` of the views that were built; empty if expensive views were postponed."""
    next: tuple[NextPass, ...] = ()
    """Passes of other stages that the step opened or measured."""


class RemoveReport(Model):
    """The result of a removal: `removed` and `kept` data sets, and deleted `objects` and `bytes`."""

    step: Literal[Step.REMOVE] = Step.REMOVE
    removed: int = 0
    kept: int = 0
    """Number of data sets kept because another pipeline claims them; only this pipeline's claim is removed."""
    objects: int = 0
    bytes: int = 0
    left: int = 0
    """Number of objects in its data sets that reelmill did not write and that are kept."""
    left_names: tuple[str, ...] = ()


class Failure(Model):
    """The report of a step that ended with a ReelmillError. For a whole pass, `step` is one of its three steps."""

    step: Step
    error: str
    """Name of the exception class (see `contract.errors`)."""
    message: str
    hint: str = ""


Report = SurveyReport | OpenReport | CommitReport | VerifyReport | RemoveReport
