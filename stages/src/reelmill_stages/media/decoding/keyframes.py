"""Key frames alone: one packet each is read and decoded."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from reelmill_stages.media.decoding.decode import Picture, decode
from reelmill_stages.media.timeline.timeline import Timeline


def key_indices(timeline: Timeline) -> list[int]:
    """Indices of the visible frames that are key frames."""
    return [index for index, is_key in enumerate(timeline.keys) if is_key]


def decode_keyframes(path: Path, timeline: Timeline, indices: Sequence[int] | None = None) -> Iterator[Picture]:
    """The key frames with these indices (all of them by default) in presentation order.

    Raises ValueError for a frame that is not a key frame, and what `decode` raises.
    """
    wanted = key_indices(timeline) if indices is None else indices
    for index in wanted:
        if not timeline.keys[index]:
            raise ValueError(f"frame {index} is not a key frame")
    return decode(path, timeline, wanted)
