"""WebVTT (https://www.w3.org/TR/webvtt1/): one cue per segment, in order."""

from collections.abc import Iterable

from reelmill_stages.stages.transcribe.transcript import SpokenSegment

HEADER = "WEBVTT\n"
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def webvtt(segments: Iterable[SpokenSegment]) -> str:
    """Return the file; only its header if there are no segments."""
    return HEADER + "".join(f"\n{stamp(one.start)} --> {stamp(one.end)}\n{_text(one)}\n" for one in segments)


def stamp(seconds: float) -> str:
    """Return `hh:mm:ss.mmm`, with more digits for the hours if needed."""
    whole = round(seconds * 1000)
    return f"{whole // 3_600_000:02d}:{whole // 60_000 % 60:02d}:{whole // 1000 % 60:02d}.{whole % 1000:03d}"


def _text(segment: SpokenSegment) -> str:
    return " ".join(segment.text.translate(_ESCAPES).split())
