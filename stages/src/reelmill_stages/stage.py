"""The stage SDK. A stage is a class with up to four methods; the runtime handles shards, retries and stores.

`process` turns input items into output items, in worker processes with a time limit. `assemble` runs once per shard and
writes files that contain several items. In the commit step, `decide` filters inputs by comparing them with the whole
data set, and `present` writes files about the data set (views). docs/writing-a-stage.md has examples. Import everything
that a stage needs from this module.

For an item that cannot be processed, `process` returns `Failed` or raises `ItemError`. Any other exception counts as a
crash: the inputs of the group are retried one by one, and those that crash again fail with the reason `crash`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

from reelmill.contract.errors import ItemError, SpecError
from reelmill.contract.records.rows import Fields, Item, ListRows, Media, Output, Span, sent_by_fields
from reelmill.contract.records.segment import Counts
from reelmill.contract.spec.block import StageBlock
from reelmill.contract.spec.file import FileRef
from reelmill_stages.media_file import MediaFile
from reelmill_stages.model_servers.answers import Answers
from reelmill_stages.results import (
    Assembled,
    Done,
    Failed,
    File,
    Filtered,
    KeptSignatures,
    NewItem,
    Refused,
    Result,
    Signature,
    Signed,
    Skipped,
    Terms,
)  # fmt: skip
from reelmill_stages.weight import Weight

__all__ = [
    "Answers", "Assembled", "Counts", "DataSetReader", "Done", "Failed", "Fields", "File", "FileRef", "Filtered",
    "Input", "Item", "ItemError", "Kept", "KeptSignatures", "ListRows", "Media", "NewItem", "Output", "ReadFile",
    "Refused", "Result", "Shard", "Signature", "Signed", "Skipped", "Span", "SpecError", "Stage", "StageBlock",
    "Terms", "Work", "no_files",
]  # fmt: skip


@sent_by_fields
@dataclass(frozen=True, slots=True)
class Input:
    """An input item of a stage."""

    item: Item
    """The upstream item."""
    number: int
    """Number of the input, from 0: unique in the stage's data set and stable over retries, for names such as
    `sample_000012`. Within a pass, numbers follow the order of the metadata if the source has one (`Item.position`), or
    the order of processing otherwise and for stages with `assemble`."""


class ReadFile(Protocol):
    """Returns a file that a parameter refers to (`FileRef`) as a local file, after verifying its digest.

    Raises SpecError if the file does not exist or has another digest.
    """

    def __call__(self, uri: str, digest: str = "") -> Path: ...


def no_files(uri: str, digest: str = "") -> Path:
    """A `ReadFile` without files. Raises FileNotFoundError."""
    raise FileNotFoundError(f"{uri} {digest}".rstrip())


class Work(Protocol):
    """The environment of `process` in a worker process."""

    @property
    def scratch(self) -> Path:
        """An empty folder for the files of this group. It is kept until outputs are uploaded and payload assembled."""
        ...

    @property
    def gpu(self) -> int | None:
        """Index of the GPU that this worker may use, or None."""
        ...

    @property
    def answers(self) -> Answers:
        """Answers of model servers, kept in the stage's data set."""
        ...

    def fetch(self, media: Media) -> Path:
        """Download media to a local file, which must not be modified. The same media are downloaded once per group.

        Raises ItemError with the reason `missing` if the object no longer exists, and `changed` if it differs from the
        listing.
        """
        ...

    def open(self, media: Media) -> MediaFile:
        """Open a video for the functions of `reelmill_stages.media`: a local file, or a file that is read by ranges if
        the video is a large object in a bucket.

        If ranges are not enough, WholeFileNeeded is raised, and the group is processed again with local files. Raises
        the same errors as `fetch`.
        """
        ...

    def read(self, uri: str, digest: str = "") -> Path:
        """Return a file that a parameter refers to, like `ReadFile`. It is downloaded once per worker."""
        ...

    def files_in(self, uri: str, source: str) -> Iterator[Media]:
        """Yield the current objects in a folder of a source, without subfolders, sorted by name.

        Use this if there are too many files to list in the item.
        """
        ...

    def content(self, media: Media) -> bytes:
        """Return the content of a small object from `files_in`. Raises the same errors as `fetch`."""
        ...


@dataclass(frozen=True, slots=True)
class Kept:
    """A processed input, as passed to `assemble`."""

    input: Input
    """The input."""
    done: Done
    """The result of `process`; the paths of `payload` are valid until the input is assembled."""


@dataclass(frozen=True, slots=True)
class Shard:
    """The shard that `assemble` processes: number `index` (from 0) of the `of` shards of the pass."""

    index: int
    """Number of the shard, from 0."""
    of: int
    """Number of shards in the pass."""
    first_number: int
    """`Input.number` of the shard's first input."""
    count: int
    """Number of inputs of the shard, regardless of outcome."""
    segment: int
    """Number of the segment that the pass writes, from 1."""
    scratch: Path
    """A folder for the files that `assemble` writes."""
    read: ReadFile = no_files
    """Like `Work.read`."""


class DataSetReader(Protocol):
    """A committed data set, as passed to `present`."""

    @property
    def name(self) -> str:
        """Name of the stage."""

    @property
    def root(self) -> str:
        """Key of the data set's root in the store; views are written directly into it."""
        ...

    @property
    def uri(self) -> str:
        """URI of the root (`s3://…`) or path of its folder, for formats without relative paths."""
        ...

    @property
    def totals(self) -> Counts:
        """Effective number of inputs and of each outcome, over all segments."""

    def items(self) -> Iterator[Item]:
        """Yield the effective items, in order of their ordinals."""
        ...

    def list_rows(self) -> Iterator[ListRows]:
        """Yield the rows of the sources' lists with the files that they refer to, as of the covered listings.

        Lists can grow and change while the items stay the same; views that depend on lists are then rebuilt.
        """
        ...

    def fetch(self, key: str, digest: str = "") -> Path:
        """Return an object as a local file, which must not be modified; `digest`, if given, is verified.

        Raises NotFound and StoreDamaged.
        """

    @property
    def scratch(self) -> Path:
        """A folder for temporary files."""


class Stage:
    """The base class of stages; a stage overrides the methods that it needs.

    Each worker process, the main process of the shard and the commit step have separate instances, so instances cannot
    share state.
    """

    spans: ClassVar[bool] = False
    """Whether `assemble` writes files that contain several items."""
    decides: ClassVar[bool] = False
    """Whether `decide` filters inputs by their signatures. Not available to a stage with `assemble`."""
    alone: ClassVar[bool] = False
    """Whether `process` is called with one input at a time, because the inputs of a group share no work."""
    asks: ClassVar[bool] = False
    """Whether the stage uses `Work.answers`."""
    reads_media: ClassVar[bool] = True
    """Whether `process` uses `Work`. If False, which only built-in stages may set, `process` is called with many items
    of any groups at once, in the main process of the shard, without the protection of a worker against hangs and
    crashes.
    """
    block_type: ClassVar[type[StageBlock]] = StageBlock
    """Model of the parameters, for a class of a `run` stage. The default has no parameters."""
    pace: float = 0.1
    """Rough estimate of the seconds that a worker needs for one second of video, for `shards: auto`."""

    def __init__(self, block: StageBlock) -> None:
        self.block = block
        """The validated parameters, an instance of `block_type`."""

    def check(self) -> None:
        """Check that the environment is complete, for example that optional packages are installed.

        Called once by the open step, before any item is processed. Raises SpecError.
        """

    def check_server(self) -> None:
        """Check that the stage's model server answers and provides what the stage needs.

        Called by the survey if there is work for the stage, and by the open step. Raises SpecError.
        """

    def check_files(self, read: Callable[[FileRef], Path]) -> None:
        """Check the files that parameters refer to; `read` returns one as a local file.

        Called once by the open step, after `check`. Raises SpecError if a file is not suitable.
        """

    def process(self, group: Sequence[Input], work: Work) -> Sequence[Result]:
        """Process the inputs of one group (often a single one). Returns one result for each input, in order.

        Raises ItemError if the whole group fails.
        """
        raise NotImplementedError

    def assemble(self, kept: Iterable[Kept], shard: Shard) -> Iterator[Assembled | Refused]:
        """Write files that contain several items from the processed inputs of a shard, in order.

        `kept` is a stream: the payload of consumed inputs is deleted when the file that contains them is yielded.
        """
        return iter(())

    def terms(self, signatures: Sequence[bytes]) -> Terms:
        """Return the 64-bit terms by which `decide` finds these signatures once they are kept.

        The terms must depend only on the signatures.
        """
        raise NotImplementedError

    def prepare(self, given: Iterable[Signed]) -> None:
        """See all inputs of a pass, in order, before the first `decide` of the pass, which the same instance decides.

        For verdicts that depend on totals, such as a share of the pass. Inputs that are not consumed cost nothing.
        """

    def decide(self, given: Sequence[Signed], kept: KeptSignatures) -> Sequence[Filtered | None]:
        """Decide which of these inputs to filter, in order; None keeps an input. `kept` has the inputs kept before.

        The result may cover only the first inputs; `decide` is then called again with the rest. Verdicts must depend
        only on keys and signatures, not on how many inputs are given at once.
        """
        raise NotImplementedError

    def present(self, data: DataSetReader, view: Mapping[str, Any]) -> Iterator[File]:
        """Write views: files about the whole data set, stored in its root. `view` is the stage's `view` block.

        Paths inside the files must be relative to the root of the data set.
        """
        return iter(())

    def localise(self, view: Path, folder: Path) -> None:
        """Rewrite the relative paths in `view`, a local copy of a file that `present` wrote, as absolute paths.

        `folder` is the root of the exported data set. Called by `reelmill export`, for built-in stages only.
        """

    def forecast(self, items: int, weight: Weight) -> int | None:
        """Estimate the bytes that the stage writes for `items` inputs with the total `weight`; None if unknown."""
        return None
