"""Scene detection with the detectors of PySceneDetect: the same cuts as its `detect()` finds.

The detectors are fed with reelmill's decoded frames, reduced as PySceneDetect does. The package comes with the extra
`scenes`, in the variant that does not need libGL; no window or file is opened.
"""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any, Literal, Protocol

from reelmill.contract.errors import SpecError
from reelmill_stages.media.container.demux import opened, video_stream
from reelmill_stages.media.decoding.decode import Picture, decode
from reelmill_stages.media.timeline.timeline import Timeline
from reelmill_stages.media_file import MediaFile

SceneDetectorName = Literal["content", "adaptive", "histogram"]


@dataclass(frozen=True, slots=True)
class SceneRule:
    """A detector with its parameters.

    `shortest` is the minimum length of a scene in seconds; shorter scenes are merged. None: 15 frames, as in
    PySceneDetect.
    """

    detector: SceneDetectorName
    threshold: float
    shortest: float | None = None


class Watcher(Protocol):
    """An observer that gets the same frames as the detector."""

    def see(self, picture: Picture) -> None:
        """Receive the next frame."""
        ...

    def cut(self, index: int) -> None:
        """Receive the index of a frame that begins a scene; it was already passed to `see`."""
        ...


def scenes(
    path: MediaFile, timeline: Timeline, frames: range, rule: SceneRule, watcher: Watcher | None = None
) -> list[range]:
    """Divide `frames` at scene changes. Decodes all of them.

    Raises SpecError if the extra is missing, and the errors of `decode`.
    """
    require()
    from scenedetect import FrameTimecode
    from scenedetect.common import Timecode

    from reelmill_stages.media.decoding.scene_pictures import ScenePictures

    detector, pictures = _detector(rule), ScenePictures(timeline.shape)
    rate, first = _rate(path, timeline), timeline.pts[frames.start]
    places: set[int] = set()

    def note(cuts: list[Any]) -> None:
        for cut in cuts:
            places.add(index := bisect_left(timeline.pts, first + cut.pts))
            if watcher:
                watcher.cut(index)

    at = None
    for picture in decode(path, timeline, frames):
        if watcher:
            watcher.see(picture)
        at = FrameTimecode(Timecode(picture.pts - first, timeline.time_base), rate)
        note(detector.process_frame(at, pictures.of(picture.frame)))
    if at is not None:
        note(detector.post_process(at))
    edges = [frames.start, *sorted(places - {frames.start, frames.stop}), frames.stop]
    return [range(start, stop) for start, stop in pairwise(edges)]


def require() -> str:
    """Return the version of the detectors. Raises SpecError if they are not installed."""
    try:
        import scenedetect
    except ImportError as error:
        raise SpecError(
            f"scene detection is not installed ({error})", hint="install reelmill-stages with the extra scenes"
        ) from error
    return str(scenedetect.__version__)


def _detector(rule: SceneRule) -> Any:
    from scenedetect import HistogramDetector

    from reelmill_stages.media.decoding.scene_scores import QuickAdaptiveDetector, QuickContentDetector

    known: Mapping[str, Any] = {
        "content": QuickContentDetector,
        "adaptive": QuickAdaptiveDetector,
        "histogram": HistogramDetector,
    }
    shortest = {} if rule.shortest is None else {"min_scene_len": rule.shortest}
    return known[rule.detector](rule.threshold, **shortest)


def _rate(path: MediaFile, timeline: Timeline) -> Fraction:
    """Return the frame rate as OpenCV reports it, in which PySceneDetect counts the minimum length of a scene."""
    with opened(path) as container:
        rate = video_stream(path, container, timeline.stream).guessed_rate
    return rate or Fraction(25)
