"""Decoding of key frames only: one packet per frame is read and decoded."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from reelmill_stages.media.decoding.decode import Picture, decode
from reelmill_stages.media.timeline.timeline import Timeline


def key_indices(timeline: Timeline) -> list[int]:
    """Return the indices of the visible key frames."""
    return [index for index, is_key in enumerate(timeline.keys) if is_key]


def decode_keyframes(path: Path, timeline: Timeline, indices: Sequence[int] | None = None) -> Iterator[Picture]:
    """Yield the key frames with these indices (all by default) in presentation order.

    Raises ValueError for a frame that is not a key frame, and the errors of `decode`.
    """
    wanted = key_indices(timeline) if indices is None else indices
    for index in wanted:
        if not timeline.keys[index]:
            raise ValueError(f"frame {index} is not a key frame")
    return decode(path, timeline, wanted)
