"""Decoding of a clip's sound once for all of its measures."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Protocol

from reelmill.contract.measures import Measure, MeasureFamily
from reelmill.contract.spec.stages.measure import MeasureBlock
from reelmill_stages.measuring.sound.loudness import Meter
from reelmill_stages.measuring.sound.samples import Samples, track
from reelmill_stages.media.timeline.timeline import Stretch, Timeline
from reelmill_stages.media_file import MediaFile


class Voice(Protocol):
    """Detects speech in sound of one rate and layout."""

    def add(self, samples: Samples) -> None:
        """Add the next samples."""
        ...

    def share(self) -> float | None:
        """Return the share of the sound with speech; None for sound that is too short. Call this once."""
        ...


Voices = Callable[[int, str], Voice]
"""Creates a `Voice` for sound of this rate and layout."""


@dataclass(frozen=True, slots=True)
class HeardSound:
    """Measures of a clip's sound."""

    told: Mapping[Measure, float] = field(default_factory=dict)
    stream: int | None = None
    """Index of the audio stream in its container; None if there was no sound."""
    damaged: int = 0
    """Number of packets that could not be decoded."""


def hear(path: MediaFile, timeline: Timeline, shown: Stretch, *, whole: bool, voices: Voices | None) -> HeardSound:
    """Measure the sound of a clip; `whole` means that the clip is its whole file.

    The sound of a span is unknown if the clock of the file jumps. Raises ItemError if the file cannot be read.
    """
    with track(path) as found:
        streams = {Measure.AUDIO_STREAMS: found.streams if found else 0}
        if found is None or (timeline.joined and not whole):
            return HeardSound(streams)
        begin, end = (None, None) if whole else (shown.start * timeline.time_base, shown.end * timeline.time_base)
        meter: Meter | None = None
        voice: Voice | None = None
        for block in found.heard(begin, end):
            meter = meter or Meter(block.rate, block.layout)
            meter.add(block.samples)
            if voices is not None:
                voice = voice or voices(block.rate, block.layout)
                voice.add(block.samples)
        if meter is None:
            return HeardSound(streams, damaged=found.damaged)
        told = {**streams, **meter.end(), Measure.AUDIO_LENGTH_DIFFERENCE: meter.seconds - _seconds(timeline, shown)}
        share = voice.share() if voice else None
        if share is not None:
            told[Measure.SPEECH] = share
        return HeardSound(told, found.index, found.damaged)


def expect_heard(path: MediaFile, timeline: Timeline, spans: Sequence[Stretch]) -> None:
    """Announce that the sound of these spans is read. Raises WholeFileNeeded if it is most of a remote file."""
    if isinstance(path, Path):
        return
    with track(path) as found:
        if found is not None:
            base = timeline.time_base
            found.expect((shown.start * base, shown.end * base) for shown in sorted(spans, key=lambda each: each.start))


def listens(block: MeasureBlock) -> bool:
    """Whether a block measures sound."""
    return bool({MeasureFamily.SOUND, MeasureFamily.SPEECH} & block.families)


def _seconds(timeline: Timeline, shown: Stretch) -> float:
    return float(Fraction(shown.end - shown.start) * timeline.time_base)
