"""Measures of a clip from the container and the packets; the shape of the picture comes from a decoded frame."""

from collections.abc import Mapping

import av

from reelmill.contract.measures import Measure
from reelmill_stages.media.decoding.picture import Orientation, shown_size
from reelmill_stages.media.timeline.timeline import Stretch, Timeline


def container_measures(timeline: Timeline, shown: Stretch) -> Mapping[Measure, float | str]:
    """Return the measures that need no frame."""
    seconds = float((shown.end - shown.start) * timeline.time_base)
    frames = len(shown.frames)
    found: dict[Measure, float | str] = {
        Measure.DURATION: seconds,
        Measure.FRAMES: frames,
        Measure.CODEC: timeline.codec,
    }
    if seconds > 0:
        found |= {
            Measure.FPS: frames / seconds,
            Measure.BIT_RATE: 8 * _bytes(timeline, shown.frames) / seconds,
        }
    return found


def picture_measures(frame: av.VideoFrame, upright: Orientation) -> Mapping[Measure, float | str]:
    """Return the measures that come from a decoded frame."""
    width, height = shown_size(frame, upright)
    return {
        Measure.WIDTH: width,
        Measure.HEIGHT: height,
        Measure.ASPECT_RATIO: width / height,
        Measure.PIXEL_FORMAT: frame.format.name,
    }


def _bytes(timeline: Timeline, frames: range) -> int:
    sizes = timeline.packets.sizes
    if len(frames) == len(timeline):
        return sum(sizes)
    return sum(sizes[number] for number in {timeline.numbers[index] for index in frames})
