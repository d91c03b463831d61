"""Collection of a clip's measures while its frames are decoded."""

from collections import Counter
from collections.abc import Mapping, Sequence

from reelmill.contract.measures import Measure, MeasureFamily
from reelmill.contract.records.rows import Item
from reelmill.contract.spec.stages.measure import MeasureBlock
from reelmill_stages.measuring.container import container_measures, picture_measures
from reelmill_stages.measuring.frames import MeasuredFrames, MeasuredScene
from reelmill_stages.measuring.pictures.planes import Planes
from reelmill_stages.measuring.reduce import reduced, rounded
from reelmill_stages.measuring.selection import chosen
from reelmill_stages.media.decoding.decode import Picture
from reelmill_stages.media.decoding.picture import Orientation
from reelmill_stages.media.timeline.timeline import Stretch, Timeline

Said = Mapping[str, float | str | bool]
"""Values by name of the field."""
_LONGEST_TEXT = 4096
"""Maximum number of characters of the measure `text`."""


class Clip:
    """A clip of a video: the frames that it needs, and its measures so far."""

    def __init__(self, block: MeasureBlock, item: Item, timeline: Timeline, shown: Stretch, *, models: bool) -> None:
        self.item = item
        self.shown = shown
        self._block = block
        self._timeline = timeline
        looks = not block.families.isdisjoint({MeasureFamily.PICTURE, MeasureFamily.MOTION})
        self.measured: Counter[int] = chosen(block.frames, timeline, shown) if looks else Counter()
        self.judged: Counter[int] = chosen(block.model_frames, timeline, shown) if models else Counter()
        self.needed = frozenset(self.measured | self.judged) or frozenset(shown.frames[:1])
        """Indices of the frames that the clip needs; at least the first, for the size of the picture."""
        self.restart()

    def restart(self) -> None:
        """Discard all frames, for another attempt at decoding."""
        self._left = len(self.needed)
        self._recorded = dict(container_measures(self._timeline, self.shown))
        self._lines: dict[str, None] = {}
        self._frames = MeasuredFrames(self._block)

    def takes(self, measured: MeasuredScene) -> bool:
        """Use what was measured elsewhere, if it is all that the clip needs. Returns whether it is."""
        counts = measured.frames.counts
        first = min(counts, default=0) - min(self.measured, default=0)
        if self.judged or {index - first: times for index, times in counts.items()} != self.measured:
            return False
        self._frames, self._left = measured.frames, 0
        self._recorded |= measured.shape
        return True

    @property
    def complete(self) -> bool:
        """Whether all needed frames were passed to `see`."""
        return self._left == 0

    def see(self, picture: Picture, upright: Orientation) -> None:
        """Receive the next frame. Call this once for each needed frame, before the other methods."""
        if self._left == len(self.needed):
            self._recorded |= picture_measures(picture.frame, upright)
        self._left -= 1

    def measure(self, index: int, planes: Planes, values: Mapping[Measure, float]) -> None:
        """Add a frame of `measured`, with the values of its picture."""
        at, until = self._seconds(index), self._seconds(index + 1)
        self._frames.add(index, self.measured[index], planes, values, at, until)

    def judge(self, index: int, values: Mapping[Measure, float], lines: Sequence[str]) -> None:
        """Add a model's values for a frame of `judged`, and the text in it."""
        self._frames.add_values(values, self.judged[index])
        self._lines |= dict.fromkeys(lines)

    def record(self, words: Mapping[Measure, float | str]) -> None:
        """Add measures of the clip from other sources, such as its sound."""
        self._recorded |= words

    def fields(self) -> Said:
        """Return the fields `measures.<name>` of the clip, in the order of their declaration. Call this once."""
        if self.measured:
            seconds = self._recorded[Measure.DURATION]
            assert isinstance(seconds, float)
            self._recorded |= self._frames.measures(seconds)
        if self.judged and MeasureFamily.TEXT in self._block.families:
            self._recorded[Measure.TEXT] = "\n".join(self._lines)[:_LONGEST_TEXT]
        found: dict[str, float | str | bool] = {}
        for measure in self._block.measures:
            for name, reduction in self._block.reductions(measure):
                value = reduced(self._frames.values(measure), reduction) if reduction else self._recorded.get(measure)
                value = rounded(value) if isinstance(value, int | float) else value
                if value is not None:
                    found[name] = value
        return found

    def _seconds(self, index: int) -> float:
        """Return when a frame of the clip is first shown; after the last one, when that ends."""
        ends = index >= self.shown.frames.stop
        tick = self.shown.end if ends else max(self.shown.start, self._timeline.pts[index])
        return self._timeline.seconds_at(tick)
