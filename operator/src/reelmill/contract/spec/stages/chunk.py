"""`chunk`: long videos as many short training samples."""

from typing import Annotated, Literal

from pydantic import Field

from reelmill.contract.spec.block import StageBlock

Class = Annotated[str, Field(min_length=1, max_length=60)]

CLASSES = ("left", "right", "down", "up", "right_up", "right_down", "left_down", "left_up", "front")
"""The nine actions of driver videos; a label's id is its place."""


class ChunkBlock(StageBlock):
    """Divides each item's frames into chunks; all views of a chunk show the same frame numbers."""

    takes = frozenset({"videos", "spans", "views"})
    gives = "chunks"

    max_frames: Annotated[int, Field(ge=1, le=10_000_000)] | None = None
    """Frames of a chunk; the last one of a video may have fewer. Absent: the whole video is one. What fits depends on
    the pixels that a trainer loads: 500 to 1000 at 224x224, 1000 to 2000 at 112x112, 2000 to 4000 at 56x56."""
    overlap: Annotated[int, Field(ge=0, le=10_000_000)] = 0
    """Frames that a chunk shares with the one before, so that an action at the edge is whole in one of them."""
    views: Annotated[list[Annotated[str, Field(min_length=1, max_length=40)]], Field(max_length=16)] = []
    """Views that are taken; empty: all that an item has."""
    output: Literal["index", "npy", "mp4"] = "index"
    """`index` copies nothing: chunks point into the videos; `npy` writes each view as uint8 (frames, height, width, 3);
    `mp4` encodes each view anew, with exactly the chunk's frames."""
    width: Annotated[int, Field(ge=8, le=8192)] | None = None
    """Pixels of written frames; absent: as they are. With `height`, and not with `output: index`."""
    height: Annotated[int, Field(ge=8, le=8192)] | None = None
    """Pixels of written frames; absent: as they are."""
    keypoints: bool = True
    """Take the items' keypoints along, where they have any."""
    labels: bool = True
    """Take the items' labels along, where they have any: shifted to the chunk's start and cut at its edges."""
    gaps: Literal["front", "drop"] = "front"
    """Frames without a label: looking to the `front`, or no part of the sample. A chunk without any label is then left
    out and counted."""
    classes: Annotated[list[Class], Field(min_length=1, max_length=1000)] = list(CLASSES)
    """Names of the labels, the place is the id; an item with another label fails."""
    crf: Annotated[int, Field(ge=0, le=51)] = 18
    """Quality, with `output: mp4`: lower is better."""

    def refusals(self) -> list[str]:
        wrong = []
        if self.overlap and self.max_frames is None:
            wrong.append("overlap needs maxFrames: whole videos share nothing")
        if self.max_frames is not None and self.overlap >= self.max_frames:
            wrong.append(f"overlap {self.overlap} must be less than maxFrames {self.max_frames}")
        if (self.width is None) != (self.height is None):
            wrong.append("width and height go together")
        if self.width is not None and self.output == "index":
            wrong.append("width and height are for written frames: output index writes none; the reader resizes")
        if self.output == "mp4" and any(side is not None and side % 2 for side in (self.width, self.height)):
            wrong.append("mp4 frames have even sides")
        if len(set(self.classes)) < len(self.classes):
            wrong.append("classes names one twice")
        if self.labels and self.gaps == "front" and "front" not in self.classes:
            wrong.append("gaps front needs a class front: name it, or write gaps drop")
        return wrong
