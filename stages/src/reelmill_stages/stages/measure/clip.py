"""One clip while its frames go by: collects the values of frames and pairs, and reduces them at the end."""

from array import array
from collections import Counter
from collections.abc import Mapping, Sequence

from reelmill.contract.measures import Measure, MeasureFamily
from reelmill.contract.records.rows import Item
from reelmill.contract.spec.stages.measure import MeasureBlock
from reelmill_stages.media.decoding.decode import Picture
from reelmill_stages.media.decoding.picture import Orientation
from reelmill_stages.media.timeline.timeline import Stretch, Timeline
from reelmill_stages.stages.measure.container import seen, told
from reelmill_stages.stages.measure.pictures.bars import BlackBars
from reelmill_stages.stages.measure.pictures.camera import Camera
from reelmill_stages.stages.measure.pictures.motion import STATIC, Pairs
from reelmill_stages.stages.measure.pictures.planes import Planes
from reelmill_stages.stages.measure.pictures.still import Still
from reelmill_stages.stages.measure.reduce import reduced, rounded
from reelmill_stages.stages.measure.selection import chosen

Said = Mapping[str, float | str | bool]
"""Name of a field -> its value."""
_LONGEST_TEXT = 4096
"""Characters of the measure `text`."""
_UNCHANGED = {Measure.TEMPORAL_INFORMATION: 0.0, Measure.MOTION: 0.0, Measure.STATIC: 1.0}
"""A frame that is chosen twice has not changed in between."""


class Clip:
    """A clip of a video: which of its frames are needed, and what they have told so far."""

    def __init__(self, block: MeasureBlock, item: Item, timeline: Timeline, shown: Stretch, *, models: bool) -> None:
        self.item = item
        self.shown = shown
        self._block = block
        self._timeline = timeline
        families = block.families
        self._motion = MeasureFamily.MOTION in families
        looks = MeasureFamily.PICTURE in families or self._motion
        self.measured: Counter[int] = chosen(block.frames, timeline, shown) if looks else Counter()
        self.judged: Counter[int] = chosen(block.model_frames, timeline, shown) if models else Counter()
        self.needed = frozenset(self.measured | self.judged) or frozenset(shown.frames[:1])
        """Indices of the frames that the clip needs; of a clip that needs none, the first tells the size."""
        self.restart()

    def restart(self) -> None:
        """Forget all frames, for another attempt at decoding."""
        self._left = len(self.needed)
        self._values: dict[Measure, array[float]] = {}
        self._told = dict(told(self._timeline, self.shown))
        self._lines: dict[str, None] = {}
        self._bars, self._still = BlackBars(), Still()
        self._pairs = Pairs() if self._motion else None
        self._camera = Camera()
        self._cuts = 0
        self._before: tuple[Planes, float] | None = None

    @property
    def complete(self) -> bool:
        """Whether all of them went by."""
        return self._left == 0

    def see(self, picture: Picture, upright: Orientation) -> None:
        """The next frame; called once for each that the clip needs, before the others."""
        if self._left == len(self.needed):
            self._told |= seen(picture.frame, upright)
        self._left -= 1

    def measure(self, index: int, planes: Planes, values: Mapping[Measure, float]) -> None:
        """A frame of `measured`, with the values of its picture."""
        times = self.measured[index]
        self._add(values, times)
        self._bars.add(planes.luma)
        if self._pairs is None:
            return
        at = self._seconds(index)
        self._still.add(planes, at, self._seconds(index + 1))
        if self._before is not None:
            self._compare(self._pairs, planes, at)
        self._add(_UNCHANGED, times - 1)
        self._before = planes, at

    def judge(self, index: int, values: Mapping[Measure, float], lines: Sequence[str]) -> None:
        """What a model says of a frame of `judged`, and the text in it."""
        self._add(values, self.judged[index])
        self._lines |= dict.fromkeys(lines)

    def say(self, words: Mapping[Measure, float | str]) -> None:
        """Measures of the clip that come from elsewhere, such as its sound."""
        self._told |= words

    def fields(self) -> Said:
        """The fields `measures.<name>` of the clip, in the order of their declaration. To be called once."""
        if self.measured:
            self._finish()
        if self.judged and MeasureFamily.TEXT in self._block.families:
            self._told[Measure.TEXT] = "\n".join(self._lines)[:_LONGEST_TEXT]
        found: dict[str, float | str | bool] = {}
        for measure in self._block.measures:
            for name, reduction in self._block.reductions(measure):
                value = reduced(self._values.get(measure, ()), reduction) if reduction else self._told.get(measure)
                value = rounded(value) if isinstance(value, int | float) else value
                if value is not None:
                    found[name] = value
        return found

    def _add(self, values: Mapping[Measure, float], times: int = 1) -> None:
        for measure, value in values.items():
            self._values.setdefault(measure, array("d")).extend([value] * times)

    def _compare(self, pairs: Pairs, planes: Planes, at: float) -> None:
        assert self._before is not None
        before, then = self._before
        change = pairs.change(before, planes, at - then)
        self._cuts += change.is_cut
        if change.temporal_information is not None:
            self._add({Measure.TEMPORAL_INFORMATION: change.temporal_information})
        if change.motion is not None:
            self._add({Measure.MOTION: change.motion, Measure.STATIC: float(change.motion < STATIC)})
        if change.camera is not None:
            self._camera.add(change.camera)

    def _seconds(self, index: int) -> float:
        """When a frame of the clip is shown first; after the last one, when that ends."""
        ends = index >= self.shown.frames.stop
        tick = self.shown.end if ends else max(self.shown.start, self._timeline.pts[index])
        return float((tick - self._timeline.origin) * self._timeline.time_base)

    def _finish(self) -> None:
        if MeasureFamily.PICTURE in self._block.families and (bars := self._bars.share) is not None:
            self._told[Measure.LETTERBOX] = bars
        if not self._motion:
            return
        seconds = self._told[Measure.DURATION]
        assert isinstance(seconds, float)
        if seconds > 0:
            self._told[Measure.FREEZE] = min(1.0, self._still.seconds / seconds)
        self._told[Measure.CUTS] = self._cuts
        if (camera := self._camera.name) is not None:
            self._told[Measure.CAMERA] = camera
