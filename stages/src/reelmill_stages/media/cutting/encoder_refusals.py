"""Conversion of ffmpeg's encoder messages to item errors, for runs that encode nothing."""

import re

from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason

_SIZE = re.compile("invalid width x height|[Ii]mage size is too small|[Ff]rame [Dd]imension|not within range")
_LONGEST_SIDE = 16_384
"""Maximum side in pixels of any encoder; some reject longer ones without a clear message."""


def refusal(encoder: str, width: int, height: int, error: ItemError) -> ItemError:
    """Convert an error `ffmpeg_failed` for pictures of this size in pixels; unchanged if the cause is unknown.

    Known causes are an unsupported size and too few GPU sessions.
    """
    if error.reason != ItemReason.FFMPEG_FAILED:
        return error
    if _SIZE.search(error.what) or max(width, height) > _LONGEST_SIDE:
        return ItemError(ItemReason.PICTURE_SIZE, f"{encoder} does not support pictures of {width}x{height} pixels")
    if "nvenc" in encoder:
        message = f"{error.what} (GPU encoders have few sessions: use fewer workers)"
        return ItemError(ItemReason.FFMPEG_FAILED, message)
    return error
