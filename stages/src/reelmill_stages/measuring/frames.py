"""Measures of a clip's frames: values of each frame, and of each pair of successive frames."""

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
"""Values of a pair in which the same frame was chosen twice."""


class MeasuredFrames:
    """Measures of the frames added so far, in order."""

    def __init__(self, block: MeasureBlock) -> None:
        self.counts: Counter[int] = Counter()
        """How often each frame was chosen, by index."""
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
        """Add the next frame, chosen `times` times, with the values of its picture.

        It is shown from second `at` until second `until`, when the next frame of the video is shown.
        """
        self.counts[index] = times
        self.add_values(values, times)
        self._bars.add(planes.luma)
        if self._pairs is None:
            return
        self._still.add(planes, at, until)
        if self._before is not None:
            self._compare(self._pairs, planes, at)
        if times > 1:
            self.add_values(_UNCHANGED, times - 1)
        self._before = planes, at

    def add_values(self, values: Mapping[Measure, float], times: int = 1) -> None:
        """Add values of a frame that count `times` times."""
        for measure, value in values.items():
            for _ in range(times):
                self._values[measure].append(value)

    def end(self) -> None:
        """Release the frames kept for comparison; there are no further frames."""
        self._before = None
        self._still.end()

    def values(self, measure: Measure) -> Sequence[float]:
        """Return the values of a measure, one for each frame or pair."""
        return self._values.get(measure, ())

    def measures(self, seconds: float) -> Mapping[Measure, float | str]:
        """Return the measures of a clip of this duration that are not reductions of values."""
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
            self.add_values({Measure.TEMPORAL_INFORMATION: change.temporal_information})
        if change.motion is not None:
            self.add_values({Measure.MOTION: change.motion, Measure.STATIC: float(change.motion < STATIC)})
        if change.flow is not None:
            self._camera.add(change.flow)


@dataclass(frozen=True, slots=True)
class MeasuredScene:
    """The measured frames of a scene, and the shape of the picture from its first frame."""

    frames: MeasuredFrames
    shape: Mapping[Measure, float | str]
