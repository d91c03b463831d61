"""Division of one item into chunks with labels. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason
from reelmill.contract.records.rows import Item
from reelmill.contract.spec.stages.chunk import ChunkBlock
from reelmill_stages.stages.chunk.boundaries import boundaries
from reelmill_stages.stages.chunk.segments import Segment, segments


@dataclass(frozen=True, slots=True)
class ChunkPart:
    """One chunk: its number (from 0) out of `of`, and its frame numbers in the whole video."""

    number: int
    of: int
    window: range
    labels: list[Segment] | None
    """Labelled segments; None if the item has no labels."""

    def entry(self, start: int) -> dict[str, int]:
        """The fields of the chunk in an index; `start` is the first frame of the annotated range."""
        return {
            "chunk_idx": self.number,
            "total_chunks": self.of,
            "chunk_start_frame": self.window.start - start,
            "chunk_end_frame": self.window.stop - start,
            "start_frame_offset": start,
        }


def divided(item: Item, frames: range, block: ChunkBlock) -> list[ChunkPart]:
    """The chunks of a range of frames, including those without labels. Raises ItemError with reason `unknown_label`."""
    labels = _known_labels(item, block)
    fill = block.gaps == "front"
    windows = [
        range(frames.start + part.start, frames.start + part.stop)
        for part in boundaries(len(frames), block.max_frames, block.overlap)
    ]
    return [
        ChunkPart(number, len(windows), window, None if labels is None else segments(labels, window, fill=fill))
        for number, window in enumerate(windows)
    ]


def _known_labels(item: Item, block: ChunkBlock) -> Sequence[Sequence[Any]] | None:
    labelled = item.fields.get("labels") if block.labels else None
    if labelled is None:
        return None
    if unknown := sorted({str(label) for _, _, label in labelled} - set(block.classes)):
        raise ItemError(
            ItemReason.UNKNOWN_LABEL, f"{', '.join(unknown)} is none of the classes {', '.join(block.classes)}"
        )
    labels: Sequence[Sequence[Any]] = labelled
    return labels
