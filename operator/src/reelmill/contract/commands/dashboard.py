"""What `reelmill dashboard` is given: its settings, and where the pipelines are that it shows.

The page is made in `reelmill-stages`, which reads stores. A cluster is read by the command line, which passes the page
an implementation of `Pipelines`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Literal, Protocol

from pydantic import AfterValidator, Field

from reelmill.contract.commands.result_rows import CommandRow, Number
from reelmill.contract.task import StoreRef, Task
from reelmill.contract.text.redaction import redacted

PipelineState = Literal[
    "working", "complete", "behind", "empty", "stopped", "waiting", "suspended", "stalled", "failed", "new", "deleting",
    "unreadable",
]  # fmt: skip
"""`behind`, `empty` and `stopped` are of a store alone: inputs that are not covered yet, nothing committed, and a pass
that is open while nobody works on it."""


PublicText = Annotated[str, AfterValidator(redacted)]
"""What a program said, for people who may not read the pipeline: without what looks like a credential."""


class PipelineRow(CommandRow):
    """One pipeline in the list of all."""

    namespace: str
    name: str
    state: PipelineState
    note: PublicText
    """Why it is in that state."""
    active: str
    """Names of the stages that are at work, with commas between them."""
    done: int
    """Shards of open passes that are committed."""
    shards: int
    """Shards of open passes."""
    items: int | None
    """Items that its last stages made; None: not known."""
    failed: int
    """Failed items of all sources and stages."""
    changed: Number | None
    """When its state changed last, in seconds since the epoch; None: not known."""
    store: str


class StageWork(CommandRow):
    """What a cluster says about the pass that a stage is working on."""

    stage: str
    state: str
    message: PublicText
    step: str
    """`open`, `shards` or `commit`; empty without an open pass."""
    shards: int
    done: int
    active: int
    """Running pods."""
    attempt: int
    failed: list[int]
    """Shards that failed in this attempt; at most a thousand."""
    seconds_left: Number | None


class PipelineDefinition(CommandRow):
    """A pipeline: the task for commands that read its store, and its document."""

    namespace: str
    name: str
    task: Task
    document: str
    """The resource or file as YAML, as it was written."""


class PodLine(CommandRow):
    """A line of the log of a pod. `shard` is None where the pod works on none."""

    pod: str
    stage: str
    shard: int | None
    line: str


class Pipelines(Protocol):
    """The pipelines of one place. All methods may be called from any thread.

    They raise SpecError, which says what a user can do, and TransientError.
    """

    @property
    def origin(self) -> str:
        """Where they are, in a few words: `cluster kind-a, namespace default`."""
        ...

    def rows(self) -> Sequence[PipelineRow]:
        """All pipelines, by namespace and name."""
        ...

    def definition(self, namespace: str, name: str) -> PipelineDefinition:
        """One of them. Raises SpecError where there is none of that name."""
        ...

    def work(self, namespace: str, name: str) -> Sequence[StageWork]:
        """What its stages are working on; empty where only the store is known."""
        ...

    def why(self, namespace: str, name: str, stage: str = "") -> str:
        """A paragraph that explains its state, or that of one stage; empty where only the store is known
        (`stored_state`).
        """
        ...

    def logs(self, namespace: str, name: str, stage: str, shard: int | None) -> Iterator[PodLine]:
        """The last lines of its pods; none where only the store is known."""
        ...


class DashboardSettings(CommandRow):
    """How the page is served."""

    host: str = "127.0.0.1"
    """Address to listen at."""
    port: int = Field(8787, ge=0, le=65535)
    """0: any free port."""
    allowed_hosts: tuple[str, ...] = ()
    """Names by which browsers may ask for the page, besides localhost and addresses."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses and networks of proxies whose X-Forwarded headers are believed."""
    root_path: str = ""
    """Path below which a proxy serves the page."""
    scratch: str = ""
    """Folder for indexes and pictures; empty: a temporary one."""


class DashboardCommand(Protocol):
    def __call__(
        self,
        settings: DashboardSettings,
        env: Mapping[str, str],
        /,
        *,
        ready: Callable[[str], None],
        pipelines: Pipelines | None = None,
        files: Sequence[PipelineDefinition] = (),
        store: StoreRef | None = None,
    ) -> None:
        """Serve the pipelines of a cluster, of files, or of a store, until a signal ends it.

        `ready` is called with the address once connections are accepted.
        """
        ...
