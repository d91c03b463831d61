"""Frames of a clip while they go by: the values of each, and of each two that follow one another."""

from array import array
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reelmill.contract.measures import Measure, MeasureFamily
from reelmill.contract.spec.stages.measure import MeasureBlock
from reelmill_stages.measuring.pictures.bars import BlackBars
from reelmill_stages.measuring.pictures.camera import Camera
from reelmill_stages.measuring.pictures.motion import STATIC, Pairs
from reelmill_stages.measuring.pictures.planes import Planes
from reelmill_stages.measuring.pictures.still import Still

_UNCHANGED = {Measure.TEMPORAL_INFORMATION: 0.0, Measure.MOTION: 0.0, Measure.STATIC: 1.0}
"""A frame that is chosen twice has not changed in between."""


class MeasuredFrames:
    """What the frames that were added so far, in order, have told."""

    def __init__(self, block: MeasureBlock) -> None:
        self.counts: Counter[int] = Counter()
        """Index of each frame -> how often it was chosen."""
        self._looks = MeasureFamily.PICTURE in block.families
        self._values: defaultdict[Measure, array[float]] = defaultdict(lambda: array("d"))
        self._bars, self._still = BlackBars(), Still()
        self._pairs = Pairs() if MeasureFamily.MOTION in block.families else None
        self._camera = Camera()
        self._cuts = 0
        self._before: tuple[Planes, float] | None = None

    def add(
        self, index: int, times: int, planes: Planes, values: Mapping[Measure, float], at: float, until: float
    ) -> None:
        """The next frame, chosen so many times, with the values of its picture; shown from second `at` until `until`,
        when the next frame of the video is.
        """
        self.counts[index] = times
        self.tell(values, times)
        self._bars.add(planes.luma)
        if self._pairs is None:
            return
        self._still.add(planes, at, until)
        if self._before is not None:
            self._compare(self._pairs, planes, at)
        if times > 1:
            self.tell(_UNCHANGED, times - 1)
        self._before = planes, at

    def tell(self, values: Mapping[Measure, float], times: int = 1) -> None:
        """Values of a frame that count so many times."""
        for measure, value in values.items():
            for _ in range(times):
                self._values[measure].append(value)

    def end(self) -> None:
        """There is no further frame: let go of those that are kept for comparison."""
        self._before = None
        self._still.end()

    def values(self, measure: Measure) -> Sequence[float]:
        """The values of a measure, one for each frame or pair."""
        return self._values.get(measure, ())

    def told(self, seconds: float) -> Mapping[Measure, float | str]:
        """The measures of a clip of this duration that are no reductions of values."""
        found: dict[Measure, float | str] = {}
        if self._looks and (bars := self._bars.share) is not None:
            found[Measure.LETTERBOX] = bars
        if self._pairs is None:
            return found
        if seconds > 0:
            found[Measure.FREEZE] = min(1.0, self._still.seconds / seconds)
        found[Measure.CUTS] = self._cuts
        if (camera := self._camera.name) is not None:
            found[Measure.CAMERA] = camera
        return found

    def _compare(self, pairs: Pairs, planes: Planes, at: float) -> None:
        assert self._before is not None
        before, then = self._before
        change = pairs.change(before, planes, at - then)
        self._cuts += change.is_cut
        if change.temporal_information is not None:
            self.tell({Measure.TEMPORAL_INFORMATION: change.temporal_information})
        if change.motion is not None:
            self.tell({Measure.MOTION: change.motion, Measure.STATIC: float(change.motion < STATIC)})
        if change.flow is not None:
            self._camera.add(change.flow)


@dataclass(frozen=True, slots=True)
class MeasuredScene:
    """The measured frames of a scene, and what its first frame tells of the shape of the picture."""

    frames: MeasuredFrames
    shape: Mapping[Measure, float | str]
