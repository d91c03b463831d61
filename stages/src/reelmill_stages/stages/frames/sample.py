"""One sample on its way: which frames of the file it takes, how far it is, what it becomes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason
from reelmill.contract.record import Span
from reelmill.contract.spec.stages.frames import FramesBlock
from reelmill_stages.media.decode import Picture, used_gpu
from reelmill_stages.media.picture import Pixels
from reelmill_stages.media.timeline import Timeline
from reelmill_stages.stages.frames.sampling import choose
from reelmill_stages.stages.frames.writer import frame_writer


@dataclass(frozen=True, slots=True)
class FrameSelection:
    """Frames of a file: `indices` into its timeline, the last `padded` of them repeats; `window` is the whole clip."""

    indices: tuple[int, ...]
    padded: int
    window: range


def take(block: FramesBlock, timeline: Timeline, span: Span | None) -> FrameSelection:
    """The frames that the block takes of a span. Raises ItemError(`zero_duration`) for a span without any."""
    window = range(len(timeline)) if span is None else timeline.window(span.start, span.end)
    if not window and span is not None:
        raise ItemError(
            ItemReason.ZERO_DURATION,
            f"no frame lies between {span.start:g} s and {span.end:g} s of a video of {timeline.duration:.3f} s",
        )
    choice = choose(block, [timeline.seconds(index) for index in window], _end(timeline, window))
    return FrameSelection(tuple(window[index] for index in choice.indices), choice.padded, window)


class SampleWriter:
    """Writes the frames of a take as they come, in order, and gathers their provenance."""

    def __init__(self, block: FramesBlock, taken: FrameSelection, folder: Path) -> None:
        self.taken = taken
        self.folder = folder
        self._block = block
        self._begin()

    def _begin(self) -> None:
        self._writer = frame_writer(self._block, self.folder, len(self.taken.indices))
        self._done = 0
        self._decoders: list[str] = []
        self._gpu = True

    def restart(self) -> None:
        """Begin anew, for another attempt at decoding."""
        self.discard()
        self._begin()

    def discard(self) -> None:
        """Drop all that was written."""
        self._writer.discard()

    def add(self, picture: Picture, pixels: Pixels) -> None:
        """A picture that the take holds; written as often as it holds it."""
        while self._done < len(self.taken.indices) and self.taken.indices[self._done] == picture.index:
            self._writer.add(pixels)
            self._done += 1
        self._gpu = self._gpu and used_gpu(picture)
        if picture.decoder not in self._decoders:
            self._decoders.append(picture.decoder)

    @property
    def complete(self) -> bool:
        return self._done == len(self.taken.indices)

    @property
    def by_gpu(self) -> bool:
        """Whether a GPU decoded all of it."""
        return self._gpu

    def close(self) -> Sequence[Path]:
        """The finished files of the frames."""
        return self._writer.close()

    def provenance(self, timeline: Timeline) -> Mapping[str, Any]:
        """Which frames these are, exactly: ticks of `time_base` seconds, half open, and what decoded them."""
        window = self.taken.window
        return {
            "stream": timeline.stream,
            "time_base": str(timeline.time_base),
            "in_pts": timeline.pts[window.start],
            "out_pts": timeline.pts[window.stop] if window.stop < len(timeline) else timeline.end,
            "frames": list(self.taken.indices),
            "pts": [timeline.pts[index] for index in self.taken.indices],
            "padded": self.taken.padded,
            "decoder": "+".join(self._decoders),
        }


def _end(timeline: Timeline, window: range) -> float:
    if window.stop < len(timeline):
        return timeline.seconds(window.stop)
    return timeline.duration
