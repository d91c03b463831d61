"""The status of a pipeline: the planner's state and the information for users, bounded at any scale.

The status is a cache: if it is lost, the next survey restores it from the store. It contains no lists of shards or
items, only counts, ranges cut to 256 characters and the most frequent reasons, so it stays far below 64 KiB. Only the
planner writes it.
"""

from typing import Annotated, Literal

from pydantic import Field

from reelmill.contract.counters import REPORTED
from reelmill.contract.model import Model
from reelmill.contract.records.flow import Volume
from reelmill.contract.records.segment import Counts
from reelmill.contract.records.usage import Usage
from reelmill.contract.spending import Spent
from reelmill.contract.task_parts.verification import Verification
from reelmill.contract.text.messages import safe_message

RANGES = 256
"""Maximum length in characters of a list of ranges; a longer one is cut and ends with `…`."""
MESSAGE, LONG_MESSAGE = 256, 1024
"""Maximum length in characters of a stage's message, and of a condition's."""
CLASSES = 8
"""Maximum number of classes in a retry request."""


def cut(text: str, length: int) -> str:
    """Prepare a text for a status or event: without credentials in URLs, and cut to `length` characters with `…`."""
    text = safe_message(text)
    return text if len(text) <= length else text[: length - 1] + "…"


class Condition(Model):
    """A condition as defined by the Kubernetes API conventions."""

    type: str
    status: Literal["True", "False", "Unknown"]
    reason: str
    """The reason as a CamelCase word."""
    message: Annotated[str, Field(max_length=LONG_MESSAGE)] = ""
    last_transition_time: str
    """Time of the last change of `status`, RFC 3339."""
    observed_generation: int = 0


class Stall(Model):
    """Why the survey or a stage cannot continue by itself. An edit of the spec or a `retry` request clears it."""

    reason: str
    """The reason as a CamelCase word."""
    message: Annotated[str, Field(max_length=MESSAGE)] = ""
    hint: Annotated[str, Field(max_length=MESSAGE)] = ""
    exit: int = 0
    """Exit code of the step that failed; 0 if none failed."""
    spec: str = ""
    """Fingerprint of the spec that stalled."""


class SurveyStatus(Model):
    """The state of the survey."""

    wanted: bool = True
    """A survey was requested that has not started yet."""
    listing: bool = True
    """The requested survey has to list the sources."""
    job: str = ""
    """Name of the running Job."""
    lists: bool = False
    """The running survey lists the sources."""
    routine: bool = False
    """The survey is due only because of `refresh`, so a complete pipeline stays complete meanwhile."""
    seen: bool = False
    """The Job was observed to exist."""
    run: int = 0
    """Number of the Job."""
    tries: int = 0
    """Number of consecutive surveys that failed or ended without a report."""
    listed: str = ""
    """Fingerprint of the definition whose sources were last listed."""
    listed_at: str = ""
    """Time at which the sources were last listed, or listing was given up, RFC 3339."""
    stalls: int = 0
    """Number of consecutive times that listing was given up."""
    again_at: str = ""
    """Time of the next automatic survey after one was given up, RFC 3339."""


PassStep = Literal["open", "shards", "commit"]


class PassStatus(Model):
    """The open pass of a stage."""

    segment: int
    """Number of the segment that the pass makes."""
    kind: Literal["cover", "retry", "adopted", "view"] = "cover"
    """`cover`: new inputs; `retry`: failed inputs; `adopted`: found open in the store; `view`: only builds views."""
    step: PassStep = "open"
    job: str = ""
    """Name of the step's Job."""
    seen: bool = False
    """The Job was observed to exist."""
    run: int = 0
    """Number of the Job."""
    after: str = ""
    """Name of the finished Job whose report determines this step; empty for the first step."""
    asked: bool = False
    """The retry pass was requested by a user, not started by `retryItems`."""
    classes: Annotated[list[str], Field(max_length=CLASSES)] = Field(default_factory=list)
    """Failure classes of a requested retry; empty: all."""
    attempt: int = 0
    """Number of Jobs that ran the shards of the pass, including the current one."""
    memory: Annotated[str, Field(max_length=32)] = ""
    """Memory of the pods of this attempt, if it is more than the stage's because pods were killed for lack of it."""
    close_lost: bool = False
    """The commit closes shards that are not committed as lost."""
    abandon: bool = False
    """The commit closes the pass as abandoned."""
    shards: int = 0
    """Number of shards."""
    done: int = 0
    """Number of committed shards."""
    active: int = 0
    """Number of running pods."""
    failed: Annotated[str, Field(max_length=RANGES)] = ""
    """Ranges of the shards that failed in this attempt."""
    items: int = 0
    """Number of input items of the pass."""
    complete: bool = True
    """All upstreams were complete when the commit started."""
    view: str = ""
    """Fingerprint of the parameters of the views that the commit builds."""
    started_at: str = ""
    """Start of the step, RFC 3339."""
    eta: str = ""
    """Estimated time at which all shards are done, RFC 3339; empty until some are done."""

    @property
    def whole(self) -> bool:
        """Whether one Job does all steps of the pass."""
        return self.step == "shards" and not self.after


class SourceStatus(Model):
    """The status of a source. Its number of rows is `items + failed`."""

    name: str
    key: str
    segments: int = 0
    """Number of segments."""
    items: int = 0
    """Number of items."""
    failed: int = 0
    """Number of rows that are not valid items; the ledger has the reasons."""
    new: int = 0
    """Number of rows that the last listing added, valid or not."""
    drifted: int = 0
    """Number of items that changed or disappeared since they were listed."""
    surveyed: bool = False
    """The values come from a survey."""


StageState = Literal["waiting", "opening", "queued", "running", "committing", "shared", "done", "cached", "stalled"]


class StageStatus(Model):
    """The status of a stage."""

    name: str
    key: str
    type: str = ""
    state: StageState = "waiting"
    message: Annotated[str, Field(max_length=MESSAGE)] = ""
    path: str = ""
    """Folder of the stage's data set, relative to `store`."""
    logs: str = ""
    """Folder, relative to `store`, of the logs of the last pass with failed shards; file names begin with the shard."""
    segments: int = 0
    """The last closed segment."""
    coverage: dict[str, int] = Field(default_factory=dict)
    """Upstream name -> last segment covered."""
    totals: Counts = Counts()
    """Effective number of input items and of each outcome."""
    items: int = 0
    """Number of output items."""
    reasons: dict[str, int] = Field(default_factory=dict)
    """Effective totals of the most frequent `outcome:reason`."""
    counters: Annotated[dict[str, int], Field(max_length=REPORTED)] = Field(default_factory=dict)
    """What was counted besides outcomes, such as `reencoded`, over all segments: fallbacks first."""
    given: Volume | None = Field(None, exclude_if=lambda value: value is None)
    made: Volume | None = Field(None, exclude_if=lambda value: value is None)
    """Items, seconds of video and bytes of all inputs, and of all items that the stage made; absent: not known."""
    usage: Usage | None = Field(None, exclude_if=lambda value: value is None)
    """What all passes so far have used; absent: not known."""
    bound: Literal["", "decode", "compute", "store", "waiting"] = ""
    """What the workers spent most of their time on; empty: not known."""
    rate: float = 0.0
    """Items per second of wall time in the last pass."""
    bytes: int = 0
    """Bytes that the last pass wrote."""
    forecast: int = 0
    """Estimated number of bytes that the stage will write."""
    surveyed: bool = False
    """The values come from a survey or from later steps."""
    worked: bool = False
    """A pass was finished since the status was created."""
    found: int = 0
    """Segment of an open pass that the survey found; 0: none."""
    shared: int = 0
    """How often another pipeline was found working on the pass."""
    look_at: str = ""
    """Time of the next check of the shared pass, RFC 3339."""
    retries: int | None = None
    """Number of retry passes since the last cover pass; null: unknown."""
    tries: int = 0
    """Number of failed open and commit steps and stale plans since the last commit."""
    abort_off: bool = False
    """Early aborts are disabled until the next commit, because other shards succeeded or a retry was requested."""
    retry: Annotated[list[str], Field(max_length=CLASSES)] | None = None
    """Failure classes of a requested retry that has not started yet; empty: all."""
    abandon: bool = False
    """The open pass is to be closed as abandoned."""
    view: str = ""
    """Fingerprint of the parameters of the current views; empty while expensive views wait for complete upstreams."""
    pass_: PassStatus | None = Field(None, alias="pass")
    stall: Stall | None = None


class Handled(Model):
    """Tokens of the last handled requests, so that each request is handled once."""

    refresh: Annotated[str, Field(max_length=128)] = ""
    retry: Annotated[str, Field(max_length=128)] = ""
    abandon: Annotated[str, Field(max_length=128)] = ""


class Removal(Model):
    """Removal of the data of a deleted pipeline with `onDelete: Delete`."""

    job: str = ""
    """Name of the running Job."""
    seen: bool = False
    """The Job was observed to exist."""
    tries: int = 0
    """Number of failed Jobs."""
    again_at: str = ""
    """Start time of the next Job, RFC 3339."""
    message: Annotated[str, Field(max_length=MESSAGE)] = ""
    """Why the last Job failed."""


class Status(Model):
    """The status of a pipeline."""

    observed_generation: int = 0
    run: int = 0
    """Number of the last Job; it never decreases."""
    spec: str = ""
    """Fingerprint of the last planned spec."""
    definition: str = ""
    """Fingerprint of the definition of the data: store, sources, stage keys."""
    place: str = ""
    """Fingerprint of the store."""
    store: str = ""
    """URI of the store."""
    handled: Handled = Handled()
    survey: SurveyStatus = SurveyStatus()
    sources: list[SourceStatus] = Field(default_factory=list)
    stages: list[StageStatus] = Field(default_factory=list)
    stall: Stall | None = None
    """Why the survey cannot continue."""
    verification: Verification | None = None
    """The periodic verification, with `spec.verify`."""
    removal: Removal | None = None
    """Removal of the data, while the resource is being deleted with `onDelete: Delete`."""
    active: str = ""
    """Names of the running stages, for `kubectl get`."""
    shards: str = ""
    """Committed and planned shards of running passes, for `kubectl get`."""
    failed: int = 0
    """Number of failed items of all sources and stages, for `kubectl get`."""
    spent: Spent = Spent()
    conditions: list[Condition] = Field(default_factory=list)

    def stage(self, name: str) -> StageStatus:
        """The status of a stage. Raises KeyError if there is none with that name."""
        if found := next((stage for stage in self.stages if stage.name == name), None):
            return found
        raise KeyError(name)

    def condition(self, type_: str) -> Condition | None:
        """The condition of a type, or None if it was never set."""
        return next((condition for condition in self.conditions if condition.type == type_), None)

    def holds(self, type_: str) -> bool:
        """Whether a condition is True."""
        return any(condition.type == type_ and condition.status == "True" for condition in self.conditions)
