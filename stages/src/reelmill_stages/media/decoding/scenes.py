"""Where scenes change, by PySceneDetect's content detector fed with our own decoded frames.

The package comes with the extra `scenes`, in the flavour that needs no libGL; nothing here opens a window or a file.
"""

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from reelmill.contract.errors import SpecError
from reelmill_stages.media.decoding.decode import decode
from reelmill_stages.media.timeline.timeline import Timeline
from reelmill_stages.media_file import MediaFile

if TYPE_CHECKING:
    from reelmill_stages.media.decoding.picture import Pixels

_WIDTH = 256
"""The detector compares averages; more pixels change nothing but the time it takes."""


def scenes(path: MediaFile, timeline: Timeline, frames: range, threshold: float) -> list[range]:
    """`frames` divided where the picture changes. Decodes all of them; a scene has at least 15 frames.

    Raises SpecError without the extra, and what `decode` raises.
    """
    code, detector = _detector(threshold)
    seconds = float((timeline.pts[frames.stop - 1] - timeline.pts[frames.start]) * timeline.time_base)
    fps = Fraction(len(frames) - 1) / Fraction(seconds) if seconds > 0 else Fraction(25)
    cuts: set[int] = set()
    at = None
    for index, pixels in _small(path, timeline, frames):
        at = code(index - frames.start, fps=fps)
        cuts.update(cut.frame_num for cut in detector.process_frame(at, pixels))
    if at is not None:
        cuts.update(cut.frame_num for cut in detector.post_process(at))
    edges = [0, *sorted(cut for cut in cuts if 0 < cut < len(frames)), len(frames)]
    return [range(frames.start + start, frames.start + stop) for start, stop in pairwise(edges)]


def require() -> str:
    """Version of the detector. Raises SpecError where it is not installed."""
    try:
        import scenedetect
    except ImportError as error:
        raise SpecError(
            f"scene detection is not installed ({error})", hint="install reelmill-stages with the extra scenes"
        ) from error
    return str(scenedetect.__version__)


def _detector(threshold: float) -> tuple[Any, Any]:
    require()
    from scenedetect import ContentDetector, FrameTimecode

    return FrameTimecode, ContentDetector(threshold=threshold)


def _small(path: MediaFile, timeline: Timeline, frames: range) -> Iterator[tuple[int, "Pixels"]]:
    # numpy and Pillow are a tenth of a second of every step, and clips are mostly cut without a look at them.
    from reelmill_stages.media.decoding.picture import render_coded

    for picture in decode(path, timeline, frames):
        width = min(_WIDTH, picture.frame.width)
        height = max(1, round(picture.frame.height * width / picture.frame.width))
        yield picture.index, render_coded(picture.frame, width=width, height=height, fit="stretch", color="bgr")
