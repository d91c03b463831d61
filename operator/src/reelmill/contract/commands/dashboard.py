"""Settings of `reelmill dashboard`, and the interface through which it reads pipelines.

The page is implemented in `reelmill-stages`, which reads stores. The command line reads clusters and passes an
implementation of `Pipelines` to the page.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Literal, Protocol

from pydantic import AfterValidator, Field

from reelmill.contract.commands.result_rows import CommandRow, Number
from reelmill.contract.task import StoreRef, Task
from reelmill.contract.text.redaction import redacted

PipelineState = Literal[
    "working", "complete", "behind", "empty", "stopped", "waiting", "suspended", "stalled", "failed", "new", "deleting",
    "unreadable", "reading",
]  # fmt: skip
"""States of pipelines. Four occur only if a store is read without a cluster: `behind` (inputs are not covered yet),
`empty` (nothing is committed), `stopped` (a pass is open, but nothing works on it) and `reading` (not read yet)."""


PublicText = Annotated[str, AfterValidator(redacted)]
"""Output of a program, with text that looks like a credential removed, for readers without access to the pipeline."""


class PipelineRow(CommandRow):
    """One pipeline in the list of all."""

    namespace: str
    name: str
    state: PipelineState
    note: PublicText
    """The reason for the state."""
    active: str
    """Names of the active stages, separated by commas."""
    done: int
    """Number of committed shards of open passes."""
    shards: int
    """Number of shards of open passes."""
    items: int | None
    """Number of items from the last stages; None: unknown."""
    failed: int
    """Number of failed items of all sources and stages."""
    changed: Number | None
    """Time of the last state change, in seconds since the epoch; None: unknown."""
    store: str


def row_to_be_read(namespace: str, name: str, store: str) -> PipelineRow:
    """Return the row of a pipeline of which only the name is known so far."""
    return PipelineRow(
        namespace=namespace, name=name, state="reading", note="", active="", done=0, shards=0, items=None, failed=0,
        changed=None, store=store,
    )  # fmt: skip


ShowRows = Callable[[Sequence[PipelineRow]], None]
"""Receives the rows that are known while others are still being read, repeatedly."""


class StageWork(CommandRow):
    """The open pass of a stage, as reported by the cluster."""

    stage: str
    state: str
    message: PublicText
    step: str
    """`open`, `shards` or `commit`; empty without an open pass."""
    shards: int
    done: int
    active: int
    """Number of running pods."""
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
    """The resource or file as YAML, unchanged."""
    tolerances: dict[str, str | None] = Field(default_factory=dict)
    """Stage -> its `failures.tolerate`; empty: unknown."""


class PodLine(CommandRow):
    """A log line of a pod. `shard` is None if the pod works on none."""

    pod: str
    stage: str
    shard: int | None
    line: str


class Pipelines(Protocol):
    """The pipelines of one cluster, store or set of files. All methods may be called from any thread.

    They raise SpecError, with a hint for the user, and TransientError.
    """

    @property
    def origin(self) -> str:
        """A short description of the place: `cluster kind-a, namespace default`."""
        ...

    def rows(self, show: ShowRows | None = None) -> Sequence[PipelineRow]:
        """All pipelines, sorted by namespace and name. `show` receives names before their pipelines have been read."""
        ...

    def definition(self, namespace: str, name: str) -> PipelineDefinition:
        """The definition of a pipeline. Raises SpecError if there is none with that name."""
        ...

    def work(self, namespace: str, name: str) -> Sequence[StageWork]:
        """The open passes of its stages; empty if only the store is available."""
        ...

    def why(self, namespace: str, name: str, stage: str = "") -> str:
        """A paragraph about its state, or that of one stage; empty if only the store is available (`stored_state`)."""
        ...

    def logs(self, namespace: str, name: str, stage: str, shard: int | None) -> Iterator[PodLine]:
        """The last log lines of its pods; none if only the store is available."""
        ...


class DashboardSettings(CommandRow):
    """Settings of the dashboard's server."""

    host: str = "127.0.0.1"
    """Address to listen on."""
    port: int = Field(8787, ge=0, le=65535)
    """0: any free port."""
    allowed_hosts: tuple[str, ...] = ()
    """Host names that requests may use, in addition to localhost and IP addresses."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses and networks of proxies whose X-Forwarded headers are trusted."""
    root_path: str = ""
    """Path prefix under which a proxy serves the page."""
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
