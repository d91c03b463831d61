"""`chunk`: divide long videos into short training samples."""

from typing import Annotated, Literal

from pydantic import Field

from reelmill.contract.spec.block import StageBlock

Class = Annotated[str, Field(min_length=1, max_length=60)]

CLASSES = ("left", "right", "down", "up", "right_up", "right_down", "left_down", "left_up", "front")
"""The nine actions of driver videos; the id of a label is its index."""


class ChunkBlock(StageBlock):
    """Divides the frames of each item into chunks; all views of a chunk have the same frame numbers."""

    takes = frozenset({"videos", "spans", "views"})
    spans_ignored = True
    gives = "chunks"

    max_frames: Annotated[int, Field(ge=1, le=10_000_000)] | None = None
    """Number of frames per chunk; the last chunk of a video may have fewer. If absent, the whole video is one chunk.
    The limit of a trainer depends on the size of its frames: 500 to 1000 at 224x224, 1000 to 2000 at 112x112, 2000 to
    4000 at 56x56."""
    overlap: Annotated[int, Field(ge=0, le=10_000_000)] = 0
    """Number of frames that a chunk shares with the previous one, so that an action at a boundary is complete in
    one."""
    views: Annotated[list[Annotated[str, Field(min_length=1, max_length=40)]], Field(max_length=16)] = []
    """Views to use. If empty, all views of the item."""
    output: Literal["index", "npy", "mp4"] = "index"
    """`index`: chunks refer to frames of the videos, nothing is copied; `npy`: each view as a uint8 array (frames,
    height, width, 3), RGB; `mp4`: each view encoded again, with exactly the frames of the chunk."""
    width: Annotated[int, Field(ge=8, le=8192)] | None = None
    """Width of written frames in pixels, together with `height`. If absent, the display width of the video."""
    height: Annotated[int, Field(ge=8, le=8192)] | None = None
    """Height of written frames in pixels, together with `width`. If absent, the display height of the video."""
    keypoints: bool = True
    """Include the keypoints of items that have them."""
    labels: bool = True
    """Include the labels of items that have them, relative to the start of the chunk and cut at its boundaries."""
    gaps: Literal["front", "drop"] = "front"
    """Frames without a label: label them `front`, or `drop` them from the sample. With `drop`, a chunk without any
    label is omitted and counted."""
    classes: Annotated[list[Class], Field(min_length=1, max_length=1000)] = list(CLASSES)
    """Names of the labels; the id of a label is its index. An item with any other label fails."""
    crf: Annotated[int, Field(ge=0, le=51)] = 18
    """Constant rate factor with `output: mp4`; lower is better quality."""

    @property
    def output_version(self) -> int:
        """2: encoded pictures keep odd sides and interlaced fields (ADR 21)."""
        return 2 if self.output == "mp4" else super().output_version

    def refusals(self) -> list[str]:
        wrong = []
        if self.overlap and self.max_frames is None:
            wrong.append("overlap requires maxFrames: without it, a video is a single chunk")
        if self.max_frames is not None and self.overlap >= self.max_frames:
            wrong.append(f"overlap {self.overlap} must be less than maxFrames {self.max_frames}")
        if (self.width is None) != (self.height is None):
            wrong.append("width and height must be given together")
        if self.width is not None and self.output == "index":
            wrong.append("width and height require output npy or mp4: with output index, the reader resizes frames")
        if self.output == "mp4" and any(side is not None and side % 2 for side in (self.width, self.height)):
            wrong.append("width and height must be even with output mp4")
        if len(set(self.classes)) < len(self.classes):
            wrong.append("classes contains a name twice")
        if self.labels and self.gaps == "front" and "front" not in self.classes:
            wrong.append("gaps front requires a class named front: add it, or set gaps to drop")
        return wrong
