"""Memory use of the samples of a chunk index, for the log of a training process. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reelmill_stages.media.keypoints import JOINTS

Entry = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SampleShape:
    """What a sample contains of each segment.

    `frames` of (height, width) pixels (None: as in the video), `views` (empty: all), `pixel` bytes per value, and
    optionally keypoints.
    """

    frames: int | None
    size: tuple[int, int] | None
    views: Sequence[str]
    pixel: int
    rgb: bool
    points: bool

    def bytes(self, entries: Iterable[Entry]) -> int | None:
        """Return the size of the chunks in bytes as one sample, or None if the size of the frames is not known."""
        if self.rgb and self.size is None:
            return None
        height, width = self.size or (0, 0)
        total = 0
        for entry in entries:
            views = len(self.views or entry["views"])
            lengths = [end - start for start, end, _ in entry["labels"] or [[0, length(entry), ""]]]
            if self.rgb:
                frames = sum(self.frames or each for each in lengths)
                total += views * frames * 3 * height * width * self.pixel
            if self.points and entry.get("keypoints"):
                total += views * len(lengths) * max(lengths) * JOINTS * 3 * 4
        return total


def length(entry: Entry) -> int:
    """Number of frames of a chunk."""
    frames: int = entry["chunk_end_frame"] - entry["chunk_start_frame"]
    return frames


def log_lines(split: str | None, entries: Iterable[Entry], limit: int | None, shape: SampleShape) -> Iterator[str]:
    """Yield the log lines about a data set: its chunks, their frames, and the memory of its largest sample."""
    videos: dict[str, list[Entry]] = {}
    for entry in entries:
        videos.setdefault(entry["original_item"]["key"], []).append(entry)
    chunks = [entry for each in videos.values() for entry in each]
    if limit is not None:
        yield f"Video chunking enabled: {len(videos)} videos -> {len(chunks)} chunks (max {limit} frames/chunk)"
    yield f"{split.capitalize() if split else 'Whole'} dataset: {len(chunks)} samples"
    if not chunks:
        return
    yield f"Each sample: at most {max(map(length, chunks))} frames per video"
    sizes = [shape.bytes([entry]) for entry in chunks]
    wholes = [shape.bytes(each) for each in videos.values()]
    most, whole = (max((size for size in each if size is not None), default=None) for each in (sizes, wholes))
    if most is not None and whole is not None:
        yield f"Memory per sample: at most {_size_text(most)} (vs {_size_text(whole)} without chunking)"


def _size_text(size: int) -> str:
    return f"{size / 1e9:.2f} GB" if size >= 1e8 else f"{size / 1e6:.2f} MB"
