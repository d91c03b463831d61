"""What pages show and the API returns. Texts are as the store has them: whoever shows them escapes them. What programs
said is without credentials (`PublicText`).
"""

from typing import Any, Literal

from reelmill.contract.commands.dashboard import PipelineRow, PublicText, StageWork
from reelmill.contract.commands.funnel import FunnelRow
from reelmill.contract.commands.result_rows import CommandRow, Number, StatusRow


class PipelineList(CommandRow):
    """Some of the pipelines, in an order."""

    origin: str
    rows: list[PipelineRow]
    first: int
    """Number of the first of them, from 0."""
    matching: int
    """Pipelines that the filter keeps."""
    states: dict[str, int]
    """State -> all pipelines in it."""
    read_at: Number | None
    """When they were read, in seconds since the epoch; None: they are being read for the first time."""
    problem: PublicText
    """Why they could not be read again; empty if they could."""


class PipelineSummary(CommandRow):
    """One pipeline."""

    namespace: str
    name: str
    store: str
    row: PipelineRow | None
    """As in the list; None while the list is being read."""
    stages: list[StatusRow]
    """Sources and stages, each after those that it reads; empty where the store cannot be read."""
    funnel: list[FunnelRow]
    reads: dict[str, list[str]]
    """Name -> sources and stages that it reads."""
    work: list[StageWork]
    why: PublicText
    read_at: Number
    """When the store was read, in seconds since the epoch."""
    problem: PublicText
    """Why the store cannot be read."""


class ShardCell(CommandRow):
    """One shard, or several neighbours together, of a pass."""

    first: int
    last: int
    state: Literal["committed", "open", "failed"]
    """`failed` if one of them failed in the present attempt, `open` if one is not committed."""
    items_in: int | None
    """None: its commit was not read."""
    lost: int | None
    """Inputs that are filtered, failed or skipped."""
    failed: int | None
    seconds: Number | None
    bytes: int | None


class ShardStrip(CommandRow):
    """The shards of the open pass of a stage, or of its last one."""

    segment: int
    """0: no pass was opened yet."""
    is_open: bool
    shards: int
    committed: int
    cells: list[ShardCell]


class Tile(CommandRow):
    """An item in a gallery."""

    ordinal: int
    key: str
    text: str
    """A caption, cut."""
    picture: Literal["image", "frame", "none"]
    """`image`: its file `file` is one; `frame`: one is made of its video."""
    plays: bool
    """Whether its file `file` is a video."""
    file: int
    values: dict[str, Any]
    """Of the fields by which the page is sorted and filtered."""
    problem: PublicText
    """Why its row cannot be read."""


class ItemField(CommandRow):
    """A field by which items are sorted and filtered."""

    name: str
    numbers: int
    texts: int


class Gallery(CommandRow):
    """A page of items."""

    tiles: list[Tile]
    next: str
    """Cursor of the next page; empty at the end."""
    fields: list[ItemField]
    segment: int
    """The last segment of the data set."""
    items: int
    """Items of the data set."""
    read: int
    """Items that the index has; those that it has not are on no page yet."""
    is_reading: bool
    problems: list[str]


class Count(CommandRow):
    """A number of items."""

    items: int
    exact: bool
    """False: there may be more than `items`, because it stopped there, or some rows are not read."""


class FieldHistogram(CommandRow):
    """How the numbers of one field are distributed."""

    field: str
    edges: list[Number]
    counts: list[int]


class FileView(CommandRow):
    """A file of an item. `number` is its place in addresses."""

    number: int
    name: str
    size: int
    digest: str
    kind: Literal["video", "image", "audio", "text", "other"]
    """What a browser can do with it."""
    problem: PublicText
    """Why it is not served."""


class ItemEvent(CommandRow):
    """What a stage did with an item, or with one that it was made from or that was made of it."""

    stage: str
    key: str
    segment: int
    outcome: str
    reason: str
    message: PublicText
    seconds: Number
    attempt: int
    replaced: bool
    """Whether a later pass tried it again."""
    item: int | None
    """Ordinal of the item of that key which the stage made; None if it made none."""


class ItemView(CommandRow):
    """One item."""

    stage: str
    ordinal: int
    key: str
    group: str
    text: str
    texts: dict[str, str]
    """Field -> text."""
    values: dict[str, Any]
    """Field -> number or truth value; those within objects have dots in their names."""
    other: dict[str, Any]
    """Other fields, such as lists."""
    provenance: dict[str, Any]
    files: list[FileView]
    shown: int | None
    """Number of the file to show first; None: it has none that a browser shows."""
    span: list[Number] | None
    """[start, end) in seconds, where the item is a part of its file."""
    history: list[ItemEvent]
    unread: list[str]
    """Sources and stages of which some rows are not read; `history` may lack what they did."""
    previous: int | None
    following: int | None


class LossView(CommandRow):
    """An input that a stage did not keep."""

    id: int
    key: str
    outcome: str
    reason: str
    message: PublicText
    seconds: Number
    attempt: int
    upstream: str
    """Source or stage that has the item."""
    ordinal: int
    """Its ordinal there."""


class Losses(CommandRow):
    """A page of inputs that a stage did not keep."""

    rows: list[LossView]
    next: int
    """`after` of the next page; 0 at the end."""
    reasons: dict[str, int]
    """`outcome:reason` -> inputs."""
    is_reading: bool
    problems: list[str]


class LogView(CommandRow):
    """A line of a log."""

    who: str
    """The pod, or the shard and run."""
    level: str
    time: str
    text: PublicText
