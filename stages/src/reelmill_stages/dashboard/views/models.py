"""Data models of the pages and the API.

Texts are unchanged from the store and must be escaped by the code that shows them. Output of programs contains no
credentials (`PublicText`).
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
    """Number of pipelines that match the filter."""
    states: dict[str, int]
    """State -> number of pipelines in it."""
    read_at: Number | None
    """Time at which they were read, in seconds since the epoch.

    None: they are being read for the first time, and `rows` has those that are known so far, some only by name.
    """
    problem: PublicText
    """Why the last read failed; empty if it succeeded."""


class PipelineSummary(CommandRow):
    """One pipeline."""

    namespace: str
    name: str
    store: str
    row: PipelineRow | None
    """As in the list; None while the list is being read."""
    stages: list[StatusRow]
    """Sources and stages, each after those that it reads; empty if the store cannot be read."""
    funnel: list[FunnelRow]
    reads: dict[str, list[str]]
    """Name -> sources and stages that it reads."""
    work: list[StageWork]
    why: PublicText
    read_at: Number
    """Time at which the store was read, in seconds since the epoch."""
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
    """Number of inputs that are filtered, failed or skipped."""
    failed: int | None
    seconds: Number | None
    bytes: int | None


class ShardStrip(CommandRow):
    """The shards of the open pass of a stage, or of its last one."""

    segment: int
    """Number of the segment; 0: no pass was opened yet."""
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
    """`image`: its file `file` is an image; `frame`: one is made from its video."""
    plays: bool
    """Whether its file `file` is a video."""
    file: int
    values: dict[str, Any]
    """Values of the fields by which the page is sorted and filtered."""
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
    """Number of items of the data set."""
    read: int
    """Number of items in the index; others are on no page yet."""
    is_reading: bool
    problems: list[str]


class Count(CommandRow):
    """A number of items."""

    items: int
    exact: bool
    """False: there may be more than `items`, because it stopped there, or some rows are not read."""


class FieldHistogram(CommandRow):
    """The distribution of the numbers of one field."""

    field: str
    edges: list[Number]
    counts: list[int]


class FileView(CommandRow):
    """A file of an item. `number` is its place in URLs."""

    number: int
    name: str
    size: int
    digest: str
    kind: Literal["video", "image", "audio", "text", "other"]
    """What a browser can do with it."""
    problem: PublicText
    """Why it is not served."""


class ItemEvent(CommandRow):
    """What a stage did with an item, with one that it was made from, or with one made from it."""

    stage: str
    key: str
    segment: int
    outcome: str
    reason: str
    message: PublicText
    seconds: Number
    attempt: int
    replaced: bool
    """Whether a later pass processed it again."""
    item: int | None
    """Ordinal of the item with that key which the stage made; None if it made none."""


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
    """Field -> number or boolean; names of nested fields contain dots."""
    other: dict[str, Any]
    """Other fields, such as lists."""
    provenance: dict[str, Any]
    files: list[FileView]
    shown: int | None
    """Number of the file to show first; None: it has none that a browser can show."""
    span: list[Number] | None
    """[start, end) in seconds, if the item is a part of its file."""
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
    """`outcome:reason` -> number of inputs."""
    is_reading: bool
    problems: list[str]


class LogView(CommandRow):
    """A line of a log."""

    who: str
    """The pod, or the shard and run."""
    level: str
    time: str
    text: PublicText
