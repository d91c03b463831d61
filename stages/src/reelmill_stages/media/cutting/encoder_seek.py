"""Where ffmpeg begins to read a source for a clip."""

from itertools import chain, islice
from math import ceil

import av

from reelmill_stages.media.container.changes.flv_settings import settings_change
from reelmill_stages.media.container.demux import demuxed, opened, video_stream
from reelmill_stages.media.cutting.cut import Cut, entry
from reelmill_stages.media.cutting.frame_filter import is_counted
from reelmill_stages.media.cutting.remux import Remuxer
from reelmill_stages.media.decoding.sound_start import is_independent, sound_start

_SEEKS_BY_FRAME = "mov"
_INDEXED = ("mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm")
"""Containers whose seeks land on packets."""
_WIDE_MARGIN = 2.0
"""Seconds; more than any difference between decode and presentation times."""
_MARGIN = 1.0
"""Seconds by which to seek earlier in containers without an index of key frames."""


def seek_of(source: Remuxer, cut: Cut) -> float | None:
    """Return the seconds to seek to, on the container's clock; None to decode from the start.

    A seek relies on the container's key flags. If these are wrong, it must land well before the true key frame: frames
    decoded up to there may be garbage, and are dropped. It must also land before the sound that decoders need to warm
    up, and must not pass a change of settings in an FLV file. Without an index, it is tried first.

    In an mp4, a seek to the exact time lands on that key frame, and a seek to a microsecond less on the previous one.
    """
    timeline, audio = source.timeline, source.audio
    number = entry(timeline, cut)
    if number == 0 or is_counted(timeline) or (timeline.container == "flv" and _has_changing_settings(source)):
        return None
    key = timeline.packets.pts[number] * timeline.time_base
    sound_begins = cut.start * cut.time_base
    if audio is not None and not is_independent(audio):
        sound_begins = sound_start(source.path, source.container, audio, sound_begins)
    if _SEEKS_BY_FRAME in timeline.container and not timeline.repaired:
        if key <= sound_begins:
            return ceil(key * 1_000_000) / 1_000_000
        sought = float(sound_begins)
    else:
        sought = float(min(key, sound_begins)) - (_WIDE_MARGIN if timeline.repaired else _MARGIN)
    # Some demuxers reject seeks to before their first packet, or to negative times.
    if sought <= max(0, float(min(timeline.packets.pts) * timeline.time_base)):
        return None
    return sought if timeline.container in _INDEXED or _arrives_as_listed(source, cut, sought) else None


def _arrives_as_listed(source: Remuxer, cut: Cut, sought: float) -> bool:
    """Whether the pictures of a cut have their times after a seek; without an index, a seek may land in a picture.

    The time of that picture is then assigned to the rest of it, and times of later ones are derived from it.
    """
    path, timeline = source.path, source.timeline
    first, last = entry(timeline, cut), max(timeline.numbers[index] for index in cut.frames)
    with opened(path) as container:
        stream = video_stream(path, container, timeline.stream)
        try:
            container.seek(round(sought * av.time_base))
            for packet in demuxed(container, stream):
                if timeline.packets.holds(first, packet):
                    following = islice(demuxed(container, stream), last - first)
                    return timeline.packets.follows(first, chain([packet], following))
        except av.FFmpegError:
            return False
    return False


def _has_changing_settings(source: Remuxer) -> bool:
    sound_changes = source.audio is not None and settings_change(source.path, sound=True)
    return sound_changes or settings_change(source.path, sound=False)
