"""Verifies that an output has the same frames, duration and beginning of sound as its input."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason
from reelmill.contract.text.quantities import count_of
from reelmill_stages.media.container.demux import audio_streams, damage, decoded, opened
from reelmill_stages.media.timeline.timeline import Timeline, read_timeline
from reelmill_stages.media_file import MediaFile

_BLOCK = 1024
"""Number of samples of an AAC block."""


@dataclass(frozen=True, slots=True)
class Times:
    """The times of a file.

    `frames`, `seconds` from the first frame to the end of the last, and `sound`: seconds from the first frame to the
    first sample that a decoder returns, at least 0; None without sound. `block` is the length of an encoder's block of
    sound in seconds.
    """

    frames: int
    seconds: Fraction
    sound: Fraction | None
    block: Fraction = Fraction(0)

    def to_json(self) -> dict[str, Any]:
        sound = {} if self.sound is None else {"sound": round(float(self.sound), 4)}
        return {"frames": self.frames, "seconds": round(float(self.seconds), 4), **sound}


def times_of(path: MediaFile, timeline: Timeline, *, audio: bool) -> Times:
    """Return the times of a file. Raises ItemError(`corrupt`) for sound that cannot be decoded."""
    base = timeline.time_base
    seconds = (timeline.end - timeline.pts[0]) * base
    sound, block = _sound_begin(path, timeline.pts[0] * base) if audio else (None, Fraction(0))
    return Times(len(timeline), seconds, sound, block)


def verify_times(path: Path, before: Times, rate: Fraction | None) -> Times:
    """Verify and return the times of an output, which must equal those of its input within one frame.

    The beginning of sound may differ by one more block, because encoders begin with a block of silence, which decoders
    return if sound begins late. Raises ItemError with reason `unverified`.
    """
    try:
        timeline = read_timeline(path)
        after = times_of(path, timeline, audio=before.sound is not None)
    except ItemError as error:
        raise ItemError(ItemReason.UNVERIFIED, f"the output does not open: {error.what}") from error
    wanted = Fraction(before.frames) if rate is None else before.seconds * rate
    step = 1 / rate if rate is not None else before.seconds / before.frames
    if abs(after.frames - wanted) > (0 if rate is None else 1):
        raise ItemError(
            ItemReason.UNVERIFIED, f"the output shows {count_of(after.frames, 'frame')}, not {float(wanted):g}"
        )
    if abs(after.seconds - before.seconds) > step:
        lengths = f"{float(after.seconds):.3f} s, not {float(before.seconds):.3f} s"
        raise ItemError(ItemReason.UNVERIFIED, f"the output lasts {lengths}")
    if before.sound is not None and (after.sound is None or abs(after.sound - before.sound) > step + after.block):
        there = "missing" if after.sound is None else f"at {float(after.sound):.3f} s"
        raise ItemError(ItemReason.UNVERIFIED, f"the sound is {there}, not at {float(before.sound):.3f} s")
    return after


def _sound_begin(path: MediaFile, first: Fraction) -> tuple[Fraction | None, Fraction]:
    """Return when the sound begins after the first frame (earlier sound does not count), and the length of a block."""
    with opened(path, sound=True) as container:
        if not audio_streams(path, container):
            return None, Fraction(0)
        try:
            for frame in decoded(container, audio_streams(path, container)[0]):
                if frame.pts is None or frame.time_base is None or not frame.sample_rate:
                    continue
                if frame.pts * frame.time_base + Fraction(frame.samples, frame.sample_rate) > first:
                    begins = max(frame.pts * frame.time_base - first, Fraction(0))
                    return begins, Fraction(max(frame.samples, _BLOCK), frame.sample_rate)
        except av.FFmpegError as error:
            raise damage(path, error) from error
    return None, Fraction(0)
