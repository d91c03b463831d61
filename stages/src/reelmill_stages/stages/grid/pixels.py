"""Reads an image file as the input of CLIP: decoded, RGB, resized (bicubic) and cropped.

The result is identical to that of CLIP's preprocessing with Pillow; values remain uint8 and are normalized with the
model.
"""

from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image

from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason
from reelmill_stages.untrusted.images import open_image, rgb_image

Pixels = np.ndarray[Any, np.dtype[np.uint8]]
"""uint8 (side, side, 3), RGB."""

MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)
"""Mean and standard deviation of the channels in CLIP's training, for values in [0, 1]."""


def pixels(source: Path | bytes, fit: Literal["crop", "squash"], side: int) -> Pixels:
    """The image, uint8 (side, side, 3). Raises ItemError with reason `not_an_image`, `damaged_image`, `huge_image`."""
    with open_image(source) as image:
        whole = rgb_image(image)
    return np.array(_squashed(whole, side) if fit == "squash" else _cropped(whole, side))


def _squashed(image: Image.Image, side: int) -> Image.Image:
    return image.resize((side, side), Image.Resampling.BICUBIC)


def _cropped(image: Image.Image, side: int) -> Image.Image:
    width, height = image.size
    short, long = min(width, height), max(width, height)
    other = int(side * long / short)
    if other > 100 * side:
        raise ItemError(ItemReason.DAMAGED_IMAGE, f"{width}x{height} pixels are not a valid size")
    size = (side, other) if width <= height else (other, side)
    resized = image.resize(size, Image.Resampling.BICUBIC)
    left, top = round((size[0] - side) / 2.0), round((size[1] - side) / 2.0)
    return resized.crop((left, top, left + side, top + side))
