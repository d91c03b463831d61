"""`dedup`: keep one of several items that show the same."""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from reelmill.contract.spec.block import Block, StageBlock

_VIDEOS = frozenset({"videos", "spans"})
DISTANCES = {"perceptual": 36.0, "semantic": 0.03}
"""Default of `distance`."""
LARGEST = {"perceptual": 64.0, "semantic": 0.1}


class DedupBlock(StageBlock):
    """Filters items that are duplicates of an item that is kept, also of one that an earlier pass kept.

    The media of the others are not touched. A filtered item has the reason `duplicate`; its message names the kept
    item and the distance. Growth changes no verdict: an item that was kept stays, and one that was filtered is not
    looked at again.
    """

    passes_items = True
    keeps_fields = True

    by: Literal["exact", "perceptual", "semantic"] = "exact"
    """What makes two items duplicates. `exact`: the same bytes, or the same decoded pictures (the same video in another
    container). `perceptual`: the same pictures to the eye, after encoding, scaling or cutting; compares hashes of
    frames. `semantic`: similar vectors of an `embed` stage."""
    distance: Annotated[float, Field(ge=0, le=64)] | None = None
    """Largest distance between duplicates. `perceptual`: differing bits of 256 between two frames, at most 64, by
    default 36. `semantic`: cosine distance (1 - cosine), at most 0.1, by default 0.03. Not for `exact`."""
    fps: Annotated[float, Field(gt=0, le=30)] = 2.0
    """Frames per second that `perceptual` compares. A higher rate finds copies that begin at another frame more
    reliably; a frame takes 36 bytes in the index, and 192 for its terms."""
    overlap: Annotated[float, Field(gt=0, le=1)] = 0.5
    """Share of an item's frames that a kept item must show, in the same order, for `perceptual`. An item that shows
    more than a kept one is not a duplicate of it."""
    mirror: bool = False
    """Whether `perceptual` also finds copies that are mirrored left to right. Doubles the terms of the index."""
    passes: Literal["vectors", "clips"] = "vectors"
    """What `semantic` passes on: the items with vectors, as the `embed` stage made them, or the `clips` that these were
    made of, with their media and provenance. The ledger of the `embed` stage has the rows of clips without a vector."""
    measure: Annotated[str, Field(min_length=1, max_length=256)] | None = None
    """Field of the items, with dots below objects (`measures.bitrate`): of duplicates in one pass, the one with the
    `best` value is kept; items without a number there come last. If absent, the first by key is kept. What an earlier
    pass kept stays."""
    best: Literal["highest", "lowest"] = "highest"
    """Which value of `measure` is best."""

    @property
    def added_fields(self) -> frozenset[str]:
        return frozenset()

    def read_fields(self) -> Sequence[tuple[str, str]]:
        return [("measure", self.measure)] if self.measure else []

    @property
    def returns_inputs(self) -> bool:
        return self.passes == "clips"

    @property
    def limit(self) -> float:
        """The distance that applies."""
        return DISTANCES.get(self.by, 0.0) if self.distance is None else self.distance

    def misfit(self, upstream: Block, name: str) -> tuple[str, str] | None:
        given = upstream.given
        if self.by == "perceptual" and given not in _VIDEOS | {"anything"}:
            return f"dedup by {self.by} compares videos, but {name!r} produces {given}", "use by: exact"
        if self.by == "semantic" and given not in ("embeddings", "anything"):
            return (
                f"dedup by {self.by} compares vectors, but {name!r} produces {given}",
                "add an embed stage in between, or use by: perceptual",
            )
        return None

    def refusals(self) -> list[str]:
        wrong = []
        if self.by == "exact" and self.distance is not None:
            wrong.append("distance is for by: perceptual and by: semantic; exact duplicates have none")
        if self.distance is not None and self.distance > (most := LARGEST.get(self.by, 64.0)):
            wrong.append(f"distance {self.distance:g} is more than {most:g}, the most that by: {self.by} can search")
        others = {"fps": 2.0, "overlap": 0.5, "mirror": False}
        used = [field for field, default in others.items() if getattr(self, field) != default]
        if self.by != "perceptual" and used:
            wrong.append(f"{', '.join(used)}: only for by: perceptual")
        if self.by != "semantic" and self.passes != "vectors":
            wrong.append("passes is for by: semantic; the others read clips, and pass them on")
        if self.best != "highest" and self.measure is None:
            wrong.append("best is the order of measure: name a measure, or remove it")
        return wrong
