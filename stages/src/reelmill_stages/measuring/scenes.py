"""Measurement of scenes in the same decode that detects them.

The end of a scene is known only after it, so frames are chosen as if the scene continued, and the last `BEHIND` frames
wait for the detector's decision. If a scene turns out different (cut later than that, divided, or with a margin),
`SceneFrames.of` returns None, and the clip is decoded separately.
"""

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass

from reelmill.contract.measures import Measure, MeasureFamily
from reelmill.contract.spec.stages.measure import FrameChoice, MeasureBlock
from reelmill_stages.measuring.container import picture_measures
from reelmill_stages.measuring.frames import MeasuredFrames, MeasuredScene
from reelmill_stages.measuring.pictures.look import look
from reelmill_stages.measuring.pictures.planes import planes_of
from reelmill_stages.measuring.selection import chosen
from reelmill_stages.media.decoding.decode import Picture
from reelmill_stages.media.decoding.picture import Turned
from reelmill_stages.media.timeline.selection import TINY
from reelmill_stages.media.timeline.timeline import Stretch, Timeline

BEHIND = 16
"""Number of frames that are held before they are measured: as many as a detector's default for merging short scenes."""


class SceneFrames:
    """Measures frames while scenes are detected; implements `media.decoding.scenes.Watcher`."""

    def __init__(self, block: MeasureBlock, timeline: Timeline) -> None:
        self._block = block
        self._timeline = timeline
        self._turned = Turned(timeline.shape)
        self._waiting: deque[Picture] = deque()
        self._scene: _Scene | None = None
        self._scenes: dict[int, _Scene] = {}

    def see(self, picture: Picture) -> None:
        """Receive the next frame."""
        self._waiting.append(picture)
        if len(self._waiting) > BEHIND:
            self._measure_frame()

    def cut(self, index: int) -> None:
        """Receive the index of a frame that begins a scene; it was already passed to `see`."""
        while self._waiting and self._waiting[0].index < index:
            self._measure_frame()
        self._end_scene()

    def of(self, shown: Stretch) -> MeasuredScene | None:
        """Return the measured frames of a clip, at the end; None unless exactly its needed frames were measured."""
        while self._waiting:
            self._measure_frame()
        self._end_scene()
        scene = self._scenes.get(shown.frames.start)
        if scene is None or scene.shape is None:
            return None
        wanted = chosen(self._block.frames, self._timeline, shown) if self._measures_pictures else Counter()
        fits = wanted == scene.frames.counts and shown.start <= self._timeline.pts[shown.frames.start]
        return MeasuredScene(scene.frames, scene.shape) if fits and self._is_shown_until_next(shown) else None

    def _end_scene(self) -> None:
        if self._scene is not None:
            self._scene.frames.end()
        self._scene = None

    @property
    def _measures_pictures(self) -> bool:
        return not self._block.families.isdisjoint({MeasureFamily.PICTURE, MeasureFamily.MOTION})

    def _is_shown_until_next(self, shown: Stretch) -> bool:
        """Whether the last frame is shown until the next one, as was assumed."""
        return shown.end == self._tick(shown.frames.stop)

    def _tick(self, index: int) -> int:
        return self._timeline.pts[index] if index < len(self._timeline) else self._timeline.end

    def _seconds(self, index: int) -> float:
        return self._timeline.seconds_at(self._tick(index))

    def _measure_frame(self) -> None:
        picture = self._waiting.popleft()
        index = picture.index
        upright = self._turned.of(picture.frame)
        if self._scene is None:
            self._scene = _Scene(MeasuredFrames(self._block), _Choice(self._block.frames, self._seconds(index)))
            self._scene.shape = picture_measures(picture.frame, upright)
            self._scenes[index] = self._scene
        if not self._measures_pictures:
            return
        at, until = self._seconds(index), self._seconds(index + 1)
        if times := self._scene.choice.times(until):
            planes = planes_of(picture.frame, upright.shape.crop, upright.turns)
            values = look(planes) if MeasureFamily.PICTURE in self._block.families else {}
            self._scene.frames.add(index, times, planes, values, at, until)


class _Choice:
    """Number of times that each frame of a clip is chosen, by `all` or `fps`, before its end is known.

    Equivalent to `selection.chosen`.
    """

    def __init__(self, choice: FrameChoice, begin: float) -> None:
        self._choice = choice
        self._begin = begin
        self._number = 0

    def times(self, until: float) -> int:
        """Return how often the next frame, shown until second `until`, is chosen."""
        if self._choice.fps is None:
            return 1
        before = self._number
        while self._begin + self._number / self._choice.fps < until - TINY:
            self._number += 1
        return self._number - before


@dataclass(slots=True)
class _Scene:
    frames: MeasuredFrames
    choice: _Choice
    shape: Mapping[Measure, float | str] | None = None
