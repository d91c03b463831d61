"""Where ffmpeg begins to read a source for a clip."""

from fractions import Fraction
from math import ceil

from reelmill_stages.media.container.changes.flv_settings import settings_change
from reelmill_stages.media.cutting.cut import Cut, entry
from reelmill_stages.media.cutting.frame_filter import is_counted
from reelmill_stages.media.cutting.remux import Remuxer
from reelmill_stages.media.cutting.sound import pre_roll

_SEEKS_BY_FRAME = "mov"
_WIDE_MARGIN = 2.0
"""Seconds; more than any difference between decode and presentation times."""
_MARGIN = 1.0
"""Seconds by which to seek earlier in containers without an index of key frames."""


def seek_of(source: Remuxer, cut: Cut) -> float | None:
    """Return the seconds to seek to, on the container's clock; None to decode from the start.

    A seek relies on the container's key flags. If these are wrong, it must land well before the true key frame: frames
    decoded up to there may be garbage, and are dropped. It must also land before the sound that decoders need to warm
    up, and must not pass a change of settings in an FLV file.

    In an mp4, a seek to the exact time lands on that key frame, and a seek to a microsecond less on the previous one.
    """
    timeline, audio = source.timeline, source.audio
    number = entry(timeline, cut)
    if number == 0 or is_counted(timeline) or (timeline.container == "flv" and _has_changing_settings(source)):
        return None
    key = timeline.packets.pts[number] * timeline.time_base
    if _SEEKS_BY_FRAME in timeline.container and not timeline.repaired:
        sound_begins = cut.start * cut.time_base - (Fraction(0) if audio is None else pre_roll(audio))
        if key <= sound_begins:
            return ceil(key * 1_000_000) / 1_000_000
        sought = float(sound_begins)
    else:
        sought = float(key) - (_WIDE_MARGIN if timeline.repaired else _MARGIN)
    # Some demuxers reject seeks to before their first packet.
    return sought if sought > float(min(timeline.packets.pts) * timeline.time_base) else None


def _has_changing_settings(source: Remuxer) -> bool:
    sound_changes = source.audio is not None and settings_change(source.path, sound=True)
    return sound_changes or settings_change(source.path, sound=False)
