"""Caption, target sizes, span and name of a sample, from its item."""

import math
from collections.abc import Mapping
from typing import Any

from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason
from reelmill.contract.records.rows import Item
from reelmill_stages.file_names import safe_stem

SIZES = 16
"""Number of values in CLIP4MC's `size`: the fraction of the image that the target covers in each of 16 frames."""
PLACEHOLDER = 0.5
"""Value with full weight in the loss of the trainer, as for a target that fills the image."""


def caption(fields: Mapping[str, Any]) -> str:
    """The caption of the item. Raises ItemError with reason `bad_text`."""
    text = fields.get("text")
    if not isinstance(text, str):
        raise ItemError(ItemReason.BAD_TEXT, f"the caption is {type(text).__name__}, not text")
    if not text.isprintable() and any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ItemError(ItemReason.BAD_TEXT, "the caption contains half of a surrogate pair and is not valid Unicode")
    return text


def sizes(fields: Mapping[str, Any]) -> list[float] | None:
    """The `size` of the item as floats, or None if it has none. Raises ItemError with reason `bad_size`."""
    given = fields.get("size")
    if given is None:
        return None
    if not isinstance(given, list) or len(given) != SIZES:
        length = len(given) if isinstance(given, list) else type(given).__name__
        raise ItemError(ItemReason.BAD_SIZE, f"size must be {SIZES} numbers, not {length}")
    for value in given:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise ItemError(ItemReason.BAD_SIZE, f"size contains {value!r}, which is not a number")
    return [float(value) for value in given]


def sample_name(number: int, item: Item) -> str:
    """The folder name of a sample, `sample_000012_VID`, unique by its number."""
    vid = item.fields.get("vid") or item.fields.get("name") or item.key
    return f"sample_{number:06d}_{safe_stem(str(vid))}"
