"""What it means for the item that ffmpeg encodes nothing, by what it says."""

import re

from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason

_SIZE = re.compile("invalid width x height|[Ii]mage size is too small|[Ff]rame [Dd]imension|not within range")
_LONGEST_SIDE = 16_384
"""Pixels; longer ones are refused by all encoders, some of which do not say why."""


def refusal(encoder: str, width: int, height: int, error: ItemError) -> ItemError:
    """The meaning of an error `ffmpeg_failed`, for pictures of a size in pixels; itself where nothing is known of it.

    It may be the size, or too few sessions of a GPU.
    """
    if error.reason != ItemReason.FFMPEG_FAILED:
        return error
    if _SIZE.search(error.what) or max(width, height) > _LONGEST_SIDE:
        return ItemError(ItemReason.PICTURE_SIZE, f"{encoder} does not support pictures of {width}x{height} pixels")
    if "nvenc" in encoder:
        said = f"{error.what} (GPU encoders have few sessions: use fewer workers)"
        return ItemError(ItemReason.FFMPEG_FAILED, said)
    return error
