"""What a stage is: a small class with up to three functions and no knowledge of shards, retries, ledgers or stores.

`process` runs in a worker process under a watchdog; `assemble` runs once per shard over what was processed, in order;
`present` runs in the commit step and writes files about the whole data set. Most stages have one of them.
A stage raises `ItemError` for an item that cannot be done, or returns `Failed`; anything else is a crash.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol

from reelmill.contract.record import Fields, Item, Media
from reelmill.contract.segment import Counts
from reelmill.contract.spec.block import StageBlock
from reelmill.contract.spec.file import FileRef


@dataclass(frozen=True, slots=True)
class File:
    """A finished local file. `name` is its place below the segment's (or, for views, the data set's) root."""

    name: str
    path: Path


@dataclass(frozen=True, slots=True)
class NewItem:
    """An item that a stage makes.

    `media` names one of `files` as the item's media, or is a `Media` of its own (a virtual clip). `files` are uploaded
    under the segment's root. `weight` is seconds of video, or bytes.
    """

    key: str
    group: str
    weight: float
    media: str | Media | None = None
    files: tuple[File, ...] = ()
    fields: Fields = field(default_factory=dict)
    provenance: Fields = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Done:
    """The input became `items`; `payload` are local files that only `assemble` sees.

    `counters` are added up over the data set (`gpu_fallback`, …).
    """

    items: tuple[NewItem, ...] = ()
    payload: tuple[File, ...] = ()
    fields: Fields = field(default_factory=dict)
    """What `assemble` needs to know besides the payload; JSON."""
    counters: Mapping[str, int] = field(default_factory=dict)
    message: str = ""
    """One line for the ledger, where the input became less than it was."""


@dataclass(frozen=True, slots=True)
class Filtered:
    """The input was looked at and left out on purpose."""

    reason: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Failed:
    """The input could not be done."""

    reason: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Skipped:
    """The input was not looked at (`cap`)."""

    reason: str
    message: str = ""


Result = Done | Filtered | Failed | Skipped


@dataclass(frozen=True, slots=True)
class Input:
    """An item on its way through a stage.

    `number` is unique in the stage's data set, rises with the item's position and never changes: names such as
    `sample_000012` are made of it.
    """

    item: Item
    number: int


class ReadFile(Protocol):
    """Gives a file that a parameter names (`FileRef`) as a local file, checked against its digest or its pin."""

    def __call__(self, uri: str, digest: str = "") -> Path: ...


def no_files(uri: str, digest: str = "") -> Path:
    """A `ReadFile` that has none."""
    raise FileNotFoundError(f"{uri} {digest}".rstrip())


class Work(Protocol):
    """What a worker process lends to `process`."""

    @property
    def scratch(self) -> Path:
        """An empty folder for this group's files; it lives until the outputs are taken and the payload is assembled."""
        ...

    @property
    def gpu(self) -> int | None:
        """Index of the GPU this worker may use, or None."""
        ...

    def fetch(self, media: Media) -> Path:
        """The media's bytes as a local file, to be read only. The same media is fetched once per group.

        Raises ItemError(`missing`) and ItemError(`changed`) where the object is gone or another than was listed.
        """
        ...

    def read(self, uri: str, digest: str = "") -> Path:
        """A file that a parameter names (`FileRef`), as a local file, once per worker, checked against its digest."""
        ...

    def files_in(self, uri: str, source: str) -> Iterator[Media]:
        """The objects of a source directly in a folder, as they are now, in order of their names: for files that are
        too many to be named one by one in an item's row.
        """
        ...

    def content(self, media: Media) -> bytes:
        """The bytes of a small object that `files_in` gave, in memory. Raises what `fetch` raises."""
        ...


@dataclass(frozen=True, slots=True)
class Kept:
    """One done input, as `assemble` sees it."""

    input: Input
    done: Done


@dataclass(frozen=True, slots=True)
class Shard:
    """Which part of a pass is being assembled. Counts of inputs are before any failed."""

    index: int
    of: int
    first_number: int
    """Number of the shard's first input."""
    count: int
    segment: int
    scratch: Path
    read: ReadFile = no_files
    """As `Work.read`."""


@dataclass(frozen=True, slots=True)
class Assembled:
    """A finished file that spans items, and the items that it makes. Each one yielded is a checkpoint."""

    file: File
    items: tuple[NewItem, ...] = ()
    through: int | None = None
    """Number of the last input that is in it; None: all that were consumed. An input consumed after it is in the next
    file, and has been read already."""
    counters: Mapping[str, int] = field(default_factory=dict)
    """Added up over the data set, like those of `Done`."""


@dataclass(frozen=True, slots=True)
class Refused:
    """An input that `process` did, and of which `assemble` finds that it cannot be done: it is failed."""

    number: int
    """The input's."""
    reason: str
    message: str = ""


class DataSetReader(Protocol):
    """The committed data set, as `present` and readers see it."""

    @property
    def name(self) -> str: ...

    @property
    def root(self) -> str:
        """Key of the data set's root in the store; views lie directly in it."""
        ...

    @property
    def totals(self) -> Counts: ...

    def items(self) -> Iterator[Item]:
        """Effective items in order of their ordinal."""
        ...

    def fetch(self, key: str) -> Path:
        """A file of the data set as a local file."""
        ...

    @property
    def scratch(self) -> Path: ...


class Stage:
    """Base of all stages; a stage overrides what it needs.

    One instance lives in each worker process, one in the shard's own process and one in the commit step.
    """

    spans: ClassVar[bool] = False
    """True where `assemble` writes files that span items."""
    block_type: ClassVar[type[StageBlock]] = StageBlock
    """Model of the parameters, of a class that a `run` stage names: by default there are none."""
    pace: float = 0.1
    """Seconds that one worker needs for a second of video, roughly: `shards: auto` is planned with it."""

    def __init__(self, block: StageBlock) -> None:
        self.block = block

    def check(self) -> None:
        """Called once by the open step. Raises SpecError when an extra or a file that a parameter names is missing."""

    def check_files(self, read: Callable[[FileRef], Path]) -> None:
        """Called once by the open step after `check`, before any item is touched; `read` gives a file that a parameter
        names. Raises SpecError when it is not what the stage needs, naming what it lacks.
        """

    def process(self, group: Sequence[Input], work: Work) -> Sequence[Result]:
        """One result per input, in order. The inputs share a group (mostly there is one)."""
        raise NotImplementedError

    def assemble(self, kept: Iterable[Kept], shard: Shard) -> Iterator[Assembled | Refused]:
        """Files that span items. `kept` streams: whatever was consumed is removed from disk when the file is taken."""
        return iter(())

    def present(self, data: DataSetReader, view: Mapping[str, Any]) -> Iterator[File]:
        """Files about the whole data set, written under its root. Paths inside of them are relative to it."""
        return iter(())

    def localise(self, view: Path, folder: Path) -> None:
        """Rewrite the paths inside an exported view (a file that `present` made) as absolute ones below `folder`.

        Not called of a class that a `run` stage names: an export imports no code of the user's.
        """

    def forecast(self, items: int, weight: float) -> int | None:
        """Bytes that so many items of so much total weight will take, or None."""
        return None
