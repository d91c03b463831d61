"""A sample in progress: its frames, its files, and its provenance."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reelmill.contract.records.rows import Span
from reelmill.contract.spec.stages.frames import FramesBlock
from reelmill_stages.media.decoding.decode import Picture
from reelmill_stages.media.decoding.picture import Pixels
from reelmill_stages.media.gpu_fallback import GpuFallback
from reelmill_stages.media.timeline.item_span import shown_in
from reelmill_stages.media.timeline.timeline import Stretch, Timeline
from reelmill_stages.stages.frames.sampling import choose
from reelmill_stages.stages.frames.writer import frame_writer


@dataclass(frozen=True, slots=True)
class FrameSelection:
    """The frames of a sample: `indices` into the timeline, the last `padded` of them repeats; `shown` is the clip."""

    indices: tuple[int, ...]
    padded: int
    shown: Stretch

    @property
    def window(self) -> range:
        """Indices of all frames of the clip."""
        return self.shown.frames


def take(block: FramesBlock, timeline: Timeline, span: Span | None) -> FrameSelection:
    """The frames to sample from a span. Raises ItemError with reason `zero_duration` for a span without frames."""
    shown = shown_in(timeline, span)
    begin, end = (float((tick - timeline.origin) * timeline.time_base) for tick in (shown.start, shown.end))
    choice = choose(block, [max(begin, timeline.seconds(index)) for index in shown.frames], end)
    return FrameSelection(tuple(shown.frames[index] for index in choice.indices), choice.padded, shown)


class SampleWriter:
    """Writes the frames of a sample in order, and collects their provenance."""

    def __init__(self, block: FramesBlock, taken: FrameSelection, folder: Path) -> None:
        self.taken = taken
        self.folder = folder
        self._block = block
        self._begin()

    def _begin(self) -> None:
        self._writer = frame_writer(self._block, self.folder, len(self.taken.indices))
        self._done = 0
        self._decoders: list[str] = []
        self.fallback: GpuFallback | None = None
        """Why a GPU did not decode all of the sample."""

    def restart(self) -> None:
        """Start again, for another attempt at decoding."""
        self.discard()
        self._begin()

    def discard(self) -> None:
        """Delete the files."""
        self._writer.discard()

    def add(self, picture: Picture, pixels: Pixels) -> None:
        """Add a picture; it is written once for each time it is selected."""
        while self._done < len(self.taken.indices) and self.taken.indices[self._done] == picture.index:
            self._writer.add(pixels)
            self._done += 1
        self.fallback = self.fallback or picture.fallback
        if picture.decoder not in self._decoders:
            self._decoders.append(picture.decoder)

    @property
    def complete(self) -> bool:
        return self._done == len(self.taken.indices)

    def close(self) -> Sequence[Path]:
        """Close the files of the frames and return them."""
        return self._writer.close()

    def provenance(self, timeline: Timeline) -> Mapping[str, Any]:
        """Return the exact frames as half-open ranges in ticks of `time_base` seconds, and their decoders."""
        shown = self.taken.shown
        return {
            "stream": timeline.stream,
            "time_base": str(timeline.time_base),
            "in_pts": shown.start,
            "out_pts": shown.end,
            "frames": list(self.taken.indices),
            "pts": [timeline.pts[index] for index in self.taken.indices],
            "padded": self.taken.padded,
            "decoder": "+".join(self._decoders),
            **(self.fallback.to_json() if self.fallback else {}),
            **timeline.special_properties(),
        }
