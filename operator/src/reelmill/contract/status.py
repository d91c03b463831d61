"""The status of a pipeline: what the planner remembers and what people read, bounded whatever the scale.

The status is a cache. All of it can be lost: the next run's survey finds everything in the store. Lists of shards and
items never enter it, only counts, ranges cut at 256 characters and the most frequent reasons; so it stays far under
64 KiB. The planner writes it, nobody else.
"""

from typing import Annotated, Literal

from pydantic import Field

from reelmill.contract.model import Model
from reelmill.contract.segment import Counts

RANGES = 256
"""Characters of a range list in the status; a longer one ends in `…`."""
MESSAGE = 256
"""Characters of a stage's message."""
CLASSES = 8
"""Classes that one retry request can name."""
LONG_MESSAGE = 1024
"""Characters of a condition's message."""


def cut(text: str, length: int) -> str:
    """`text` in at most `length` characters; what was cut ends in `…`."""
    return text if len(text) <= length else text[: length - 1] + "…"


class Condition(Model):
    """One condition, as Kubernetes' API conventions have it."""

    type: str
    status: Literal["True", "False", "Unknown"]
    reason: str
    """A fixed CamelCase word."""
    message: Annotated[str, Field(max_length=LONG_MESSAGE)] = ""
    last_transition_time: str
    """When `status` last changed, RFC 3339."""
    observed_generation: int = 0


class Stall(Model):
    """Why something cannot go on by itself. An edit of the spec or a `retry` request lifts it."""

    reason: str
    """A fixed CamelCase word."""
    message: Annotated[str, Field(max_length=MESSAGE)] = ""
    hint: Annotated[str, Field(max_length=MESSAGE)] = ""
    exit: int = 0
    """Exit code of the step that failed; 0 where none did."""
    spec: str = ""
    """Fingerprint of the spec that stalled."""


class SurveyStatus(Model):
    """The survey: running, wanted, or done for which definition."""

    wanted: bool = True
    """Something asked for a survey that was not begun yet."""
    listing: bool = True
    """The wanted survey has to list the sources."""
    job: str = ""
    """Its Job while it is under way."""
    lists: bool = False
    """The survey under way lists the sources."""
    routine: bool = False
    """It is wanted or under way only because `refresh` came round: what is complete stays so meanwhile."""
    seen: bool = False
    """The Job was observed to exist."""
    run: int = 0
    tries: int = 0
    """Surveys in a row that failed or ended without a report."""
    listed: str = ""
    """Fingerprint of the definition whose sources were last listed; another one means: not listed yet."""
    listed_at: str = ""
    """When the sources were last listed, or listing was given up, RFC 3339."""
    stalls: int = 0
    """How often in a row listing was given up."""
    again_at: str = ""
    """When a survey that was given up is tried again by itself, RFC 3339."""


PassStep = Literal["open", "shards", "commit"]


class PassStatus(Model):
    """The pass that a stage works on."""

    segment: int
    kind: Literal["cover", "retry", "adopted", "view"] = "cover"
    """`adopted`: opened earlier and found in the store; `view`: only the views are presented again."""
    step: PassStep = "open"
    job: str = ""
    """Job of the step."""
    seen: bool = False
    """The Job was observed to exist."""
    run: int = 0
    after: str = ""
    """The finished Job that tells what this step has to do; empty for the first."""
    asked: bool = False
    """A retry pass that a person asked for; else `retryItems` began it."""
    classes: Annotated[list[str], Field(max_length=CLASSES)] = Field(default_factory=list)
    """Classes that a retry that was asked for takes up; empty: all."""
    attempt: int = 0
    """Jobs that tried the pass's shards, the current one included."""
    close_lost: bool = False
    abandon: bool = False
    shards: int = 0
    done: int = 0
    """Shards committed."""
    active: int = 0
    """Pods at work."""
    failed: Annotated[str, Field(max_length=RANGES)] = ""
    """Shards that failed in this attempt."""
    items: int = 0
    """Items that the pass takes in."""
    complete: bool = True
    """All upstreams were complete when the commit began."""
    view: str = ""
    """Fingerprint of the view parameters that the commit presents."""
    started_at: str = ""
    eta: str = ""
    """When the shards should be done if they go on as they did, RFC 3339; empty until some are."""


class SourceStatus(Model):
    """One source. Its rows are `items + failed`."""

    name: str
    key: str
    segments: int = 0
    items: int = 0
    failed: int = 0
    """Rows that cannot be items; the ledger says why."""
    new: int = 0
    """Rows that the last listing added, items and failed ones."""
    drifted: int = 0
    """Items that changed or vanished since they were listed."""
    surveyed: bool = False
    """What stands here was reported by a survey."""


StageState = Literal["waiting", "opening", "queued", "running", "committing", "shared", "done", "cached", "stalled"]


class StageStatus(Model):
    """One stage."""

    name: str
    key: str
    type: str = ""
    state: StageState = "waiting"
    message: Annotated[str, Field(max_length=MESSAGE)] = ""
    path: str = ""
    """Where its data set lies below `store`."""
    logs: str = ""
    """Folder below `store` with the logs of the pass in which shards last failed; each name begins with the shard."""
    segments: int = 0
    """Last closed segment."""
    coverage: dict[str, int] = Field(default_factory=dict)
    """Per upstream, the last segment covered."""
    totals: Counts = Counts()
    """Items in and what became of them, effective."""
    items: int = 0
    """Items made."""
    reasons: dict[str, int] = Field(default_factory=dict)
    """The most frequent `outcome:reason`."""
    rate: float = 0.0
    """Items per second of wall time of the last pass."""
    bytes: int = 0
    """Bytes that the last pass wrote."""
    forecast: int = 0
    """Bytes that the survey foretold."""
    surveyed: bool = False
    """What stands here was reported by a survey or by steps since."""
    worked: bool = False
    """A pass was finished since the status began."""
    found: int = 0
    """Segment of an open pass that the survey found; 0: none."""
    shared: int = 0
    """How often the pass was seen in another pipeline's hands."""
    look_at: str = ""
    """When to look at the shared pass again, RFC 3339."""
    retries: int | None = None
    """Retry passes since the last cover pass; None: not known."""
    tries: int = 0
    """Open and commit steps that failed, and stale plans, since the last commit."""
    abort_off: bool = False
    """No early aborts until the next commit: other shards went well, or a retry was asked for."""
    retry: Annotated[list[str], Field(max_length=CLASSES)] | None = None
    """A retry that was asked for and not begun: its classes, or empty for all."""
    abandon: bool = False
    """The open pass is to be closed as abandoned."""
    view: str = ""
    """Fingerprint of the view parameters last presented; empty while heavy views wait for complete upstreams."""
    pass_: PassStatus | None = Field(None, alias="pass")
    stall: Stall | None = None


class Handled(Model):
    """Tokens of the requests taken up, so that each is handled once."""

    refresh: Annotated[str, Field(max_length=128)] = ""
    retry: Annotated[str, Field(max_length=128)] = ""
    abandon: Annotated[str, Field(max_length=128)] = ""


class Removal(Model):
    """The end of a pipeline with `onDelete: Delete`: how far the removal of its data is."""

    job: str = ""
    """Its Job while it is under way."""
    seen: bool = False
    """The Job was observed to exist."""
    tries: int = 0
    """Jobs that failed."""
    again_at: str = ""
    """When the next one is begun, RFC 3339."""
    message: Annotated[str, Field(max_length=MESSAGE)] = ""
    """Why the last one failed."""


class Status(Model):
    """The whole status."""

    observed_generation: int = 0
    run: int = 0
    """Number of the last Job; it only rises."""
    spec: str = ""
    """Fingerprint of the spec last planned."""
    definition: str = ""
    """Fingerprint of what defines the data: store, sources, stage keys."""
    place: str = ""
    """Fingerprint of the store."""
    store: str = ""
    """Where everything lies."""
    handled: Handled = Handled()
    survey: SurveyStatus = SurveyStatus()
    sources: list[SourceStatus] = Field(default_factory=list)
    stages: list[StageStatus] = Field(default_factory=list)
    stall: Stall | None = None
    """Why the survey cannot go on."""
    removal: Removal | None = None
    """Of a resource that is being deleted with `onDelete: Delete`."""
    active: str = ""
    """Stages at work, for `kubectl get`."""
    shards: str = ""
    """Shards done of those planned in running passes, for `kubectl get`."""
    failed: int = 0
    """Failed items of all sources and stages, for `kubectl get`."""
    conditions: list[Condition] = Field(default_factory=list)

    def stage(self, name: str) -> StageStatus:
        """The stage of a name. Raises KeyError."""
        return next((stage for stage in self.stages if stage.name == name), None) or _missing(name)

    def condition(self, type_: str) -> Condition | None:
        """The condition of a type, if it was ever set."""
        return next((condition for condition in self.conditions if condition.type == type_), None)

    def holds(self, type_: str) -> bool:
        """Whether a condition is True."""
        condition = self.condition(type_)
        return condition is not None and condition.status == "True"


def _missing(name: str) -> StageStatus:
    raise KeyError(name)
