"""`write`: data sets in the formats of training libraries."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from reelmill.contract.measures import measure
from reelmill.contract.spec.block import Block, StageBlock
from reelmill.contract.spec.spec_model import SpecModel
from reelmill.contract.spec.stages.chunk import ChunkBlock

ColumnName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", min_length=1, max_length=60)]
"""Name of a column: letters, digits and underscores."""

MediaKind = Literal["video", "image", "vector"]

ColumnType = Literal["string", "integer", "number", "boolean", "vector", "vectors", "json"]

LISTS_OF_NUMBERS = frozenset[ColumnType]({"vector", "vectors"})
"""Types of columns whose values are lists of numbers of 32 bits."""

KEY = "key"
"""Column with the key of the item."""
FIELDS = "fields"
"""Column with all fields of the item as JSON, if no columns are named."""
TASK = "task"
"""Column with the task of an episode."""
SHAPE = "vector_shape"
"""Column with the shape of an array, whose values are in another column."""
EPISODE_COLUMNS = ("episode_index", "tasks", "length", "dataset_from_index", "dataset_to_index")
"""Columns of LeRobot's table of episodes, other than those with locations of files."""
_MEASURES = "measures."
_WITH_NULL = ("json", "boolean", None)
_LARGEST_FILE = 2_000_000_000


class Column(SpecModel):
    """A column with the values of one field."""

    field: Annotated[str, Field(min_length=1, max_length=120)]
    """Name of a field of the items, with dots below objects: `measures.luma`."""
    name: ColumnName | None = None
    """Name of the column. If absent, the last part of `field`."""
    type: ColumnType | None = None
    """`string`; `integer` (64 bits); `number` (64 bits); `boolean`; `vector`, a list of numbers (32 bits); `vectors`, a
    list of such lists, such as one per frame; `json`, any value as JSON text. May be absent for measures, whose type is
    known."""
    width: Annotated[int, Field(ge=1, le=65536)] | None = None
    """Number of components of each of the `vectors`; an item with others fails. Required with `mds` and `lerobot`."""
    missing: Literal["fail", "null"] = "fail"
    """What happens to an item without the field: `failed(no_field)`, or the value is null."""

    @property
    def title(self) -> str:
        """The name of the column."""
        return self.name or self.field.rpartition(".")[2]

    @property
    def kind(self) -> ColumnType | None:
        """The type of the values; None if unknown."""
        if self.type is not None or not self.field.startswith(_MEASURES):
            return self.type
        known = measure(self.field.removeprefix(_MEASURES))
        return known.kind if known else None


def _known_format(value: object) -> object:
    if value in ("webdataset", "energon"):
        raise ValueError(f"tars for {value} are written by a pack stage: use pack: {{samplesPerTar: …}} instead")
    return value


class LerobotOptions(SpecModel):
    """What all episodes of a LeRobot data set have in common. An item that differs fails; nothing is encoded."""

    fps: Annotated[int, Field(ge=1, le=1000)]
    """Frames per second of all videos."""
    width: Annotated[int, Field(ge=8, le=16384)]
    """Width of all pictures in pixels."""
    height: Annotated[int, Field(ge=8, le=16384)]
    """Height of all pictures in pixels."""
    task: Annotated[str, Field(min_length=1, max_length=120)] = "text"
    """Field with the task of an episode, a text."""
    robot_type: Annotated[str, Field(max_length=100)] = ""
    """Type of the robot, as stored in the data set."""
    statistics: bool = True
    """Write statistics of pictures and numbers (`meta/stats.json`), with which policies normalise their input. For
    these, as many pictures are decoded as LeRobot samples: all of up to 100 frames, and 1000 of 10,000."""


class WriteBlock(StageBlock):
    """Writes items into the format of a training library. Files are stored as they are, byte for byte."""

    takes = frozenset({"videos", "images", "embeddings", "views", "chunks"})
    gives = "nothing"

    format: Annotated[Literal["parquet", "mds", "lance", "lerobot"], BeforeValidator(_known_format)]
    """`parquet`: for Hugging Face `datasets`, with its Video and Image features; `mds`: for MosaicML streaming;
    `lance`: for pylance, with files as blobs; `lerobot`: for LeRobot, version 3.0, with an episode per item."""
    media: Literal["video", "image", "vector", "none"] = "video"
    """What the file of an item is, which is also the name of its column: `video`; `image`; `vector`, the array of an
    `embed` stage; or `none`, to write fields alone."""
    made_of: Literal["video"] | None = None
    """With `media: vector`: also the video that an `embed` stage made the vector from, in the column `video`."""
    views: Annotated[list[ColumnName], Field(max_length=16)] = []
    """Views of items that have several, such as `front`: one video column each, instead of `video`."""
    columns: Annotated[list[Column], Field(max_length=200)] = []
    """Fields of the items to write, besides `key`. If empty, one column `fields` has all fields of an item as JSON.
    With `format: lerobot`, columns of `vectors` are features of the frames, and need one vector per frame."""
    lerobot: LerobotOptions | None = None
    """Required with `format: lerobot`."""
    samples_per_file: Annotated[int, Field(ge=1, le=100_000)] = 100
    """Number of items per file; the last file of a shard may have fewer. Failed items are missing from their file."""
    max_file_bytes: Annotated[int, Field(ge=1_000_000, le=_LARGEST_FILE)] = 500_000_000
    """Size in bytes above which a file ends before `samplesPerFile`. A single sample may be larger."""

    @property
    def output_version(self) -> int:
        """2 if statistics are written, or if lists of numbers count towards row groups and batches."""
        lists = self.format in ("parquet", "lance") and any(each.kind in LISTS_OF_NUMBERS for each in self.columns)
        return 2 if lists or (self.lerobot and self.lerobot.statistics) else super().output_version

    @property
    def batch(self) -> int:
        return self.samples_per_file

    @property
    def media_columns(self) -> Mapping[str, MediaKind]:
        """Name of each column with files -> kind of files."""
        if self.views:
            return dict.fromkeys(self.views, "video")
        made_of: Mapping[str, MediaKind] = {} if self.made_of is None else {self.made_of: self.made_of}
        return made_of if self.media == "none" else {**made_of, self.media: self.media}

    def read_fields(self) -> Sequence[tuple[str, str]]:
        named = [(f"columns[{number}].field", column.field) for number, column in enumerate(self.columns)]
        return [*named, ("lerobot.task", self.lerobot.task)] if self.lerobot else named

    def misfit(self, upstream: Block, name: str) -> tuple[str, str] | None:
        """See `Block.misfit`."""
        if isinstance(upstream, ChunkBlock) and upstream.output != "mp4":
            return f"{name!r} writes no video (output: {upstream.output})", "set output to mp4 in that chunk stage"
        if upstream.given in ("views", "chunks") and not (self.views or self.media == "none"):
            return f"{name!r} gives items with several views", "name them: views: [front, …]"
        media = {"images": "image", "embeddings": "vector"}.get(upstream.given, "video")
        if self.media not in (media, "none") and upstream.given != "anything":
            return f"the files of {name!r} are {upstream.given}", f"set media: {media}"
        return None

    def refusals(self) -> list[str]:
        wrong = [
            f"the column {column.title} needs a type: the type of {column.field} is unknown"
            for column in self.columns
            if column.kind is None
        ]
        if (self.format == "lerobot") != (self.lerobot is not None):
            wrong.append("format lerobot and the block lerobot belong together: give fps, width and height there")
        if self.format == "lerobot" and self.media != "video":
            wrong.append("a LeRobot data set has videos: remove media")
        if self.format == "mds":
            wrong += [
                f"mds has no null for {column.kind}: remove missing from the column {column.title}, or use type json"
                for column in self.columns
                if column.missing == "null" and column.kind not in _WITH_NULL
            ]
        wrong += self._vector_refusals()
        if self.made_of and self.media != "vector":
            wrong.append("madeOf is the file that a vector was made from: remove it, or set media: vector")
        if self.views and self.media != "video":
            wrong.append(f"views are videos: remove media: {self.media}, or views")
        names = [
            KEY,
            *([TASK, *EPISODE_COLUMNS] if self.lerobot else []),
            *(self.views or self.media_columns),
            *([SHAPE] if self.media == "vector" and self.format != "mds" else []),
            *([column.title for column in self.columns] or [FIELDS]),
        ]
        wrong += [f"two columns have the name {name}: give one a name of its own" for name in _repeated_names(names)]
        return wrong

    def _vector_refusals(self) -> list[str]:
        wrong = []
        for column in self.columns:
            if column.kind != "vectors":
                if column.width is not None:
                    wrong.append(f"the column {column.title} has a width without type vectors: remove it")
            elif self.format in ("mds", "lerobot"):
                if column.width is None:
                    wrong.append(f"vectors of {self.format} have one length: give the column {column.title} a width")
                if self.format == "lerobot" and column.missing == "null":
                    wrong.append(f"features of frames have no null: remove missing from the column {column.title}")
        return wrong


def _repeated_names(names: Sequence[Any]) -> list[Any]:
    return [name for name, count in Counter(names).items() if count > 1]
