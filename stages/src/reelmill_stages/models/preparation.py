"""Resizing, cropping and normalization of frames for an image tower, equal to open_clip's transform."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from PIL import Image

from reelmill.contract.errors import SpecError

Array = np.ndarray[Any, Any]
Pixels = np.ndarray[Any, np.dtype[np.uint8]]
_FILTERS = {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}
_MODES = ("shortest", "squash")


@dataclass(frozen=True, slots=True)
class Preparation:
    """The preprocessing of frames. The default is that of CLIP, for a tower of 224 pixels."""

    side: int = 224
    """Side length of the tower's input in pixels."""
    mean: tuple[float, ...] = (0.48145466, 0.4578275, 0.40821073)
    std: tuple[float, ...] = (0.26862954, 0.26130258, 0.27577711)
    interpolation: str = "bicubic"
    resize_mode: str = "shortest"
    """`shortest`: resize the shorter side and crop the centre; `squash`: resize to a square."""

    def with_side_of(self, model: Mapping[str, Any]) -> "Preparation":
        """Return a copy for the image size in open_clip's configuration of a model. Raises SpecError if it has none."""
        try:
            size = model["vision_cfg"].get("image_size", self.side)
            sides = {int(size)} if isinstance(size, int) else {int(side) for side in size}
            (side,) = sides
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise SpecError(
                f"the configuration describes no image tower with a square input: {error}",
                where="config",
                hint="give open_clip's model_cfg",
            ) from error
        return replace(self, side=side)

    def with_settings(self, found: Mapping[str, Any]) -> "Preparation":
        """Return a copy with open_clip's `preprocess_cfg`: `mean`, `std`, `interpolation`, `resize_mode`.

        Other settings are ignored. Raises SpecError for unsupported values.
        """
        try:
            made = replace(
                self,
                mean=_per_channel(found.get("mean") or self.mean),
                std=_per_channel(found.get("std") or self.std),
                interpolation=str(found.get("interpolation") or self.interpolation),
                resize_mode=str(found.get("resize_mode") or self.resize_mode),
            )
        except (TypeError, ValueError) as error:
            raise SpecError(f"preprocess_cfg cannot be read: {error}", where="config") from error
        if made.interpolation not in _FILTERS or made.resize_mode not in _MODES or not all(made.std):
            raise SpecError(
                f"frames cannot be prepared with {made.interpolation} and {made.resize_mode}",
                where="config",
                hint=f"supported are {', '.join(_FILTERS)} and {', '.join(_MODES)}",
            )
        return made

    def cropped(self, frame: Pixels) -> Pixels:
        """Resize and crop a frame (height, width, 3) to (side, side, 3), uint8."""
        image, side = Image.fromarray(frame), self.side
        short = min(image.size)
        size = (side, side)
        if self.resize_mode == "shortest":
            size = (
                side if image.width == short else int(side * image.width / short),
                side if image.height == short else int(side * image.height / short),
            )
        resized = image.resize(size, _FILTERS[self.interpolation])
        left, top = round((size[0] - side) / 2.0), round((size[1] - side) / 2.0)
        return np.asarray(resized.crop((left, top, left + side, top + side)))

    def normalised(self, frames: Array) -> Array:
        """Normalize pixels uint8 (N, side, side, 3) to float32 (N, 3, side, side)."""
        scaled: Array = frames.astype(np.float32) / np.float32(255)
        scaled = (scaled - np.asarray(self.mean, np.float32)) / np.asarray(self.std, np.float32)
        return np.ascontiguousarray(scaled.transpose(0, 3, 1, 2))


def _per_channel(values: Any) -> tuple[float, ...]:
    red, green, blue = (float(value) for value in values)
    return red, green, blue
