"""Nudity by Yahoo's Open NSFW: the frame is squashed to 256 x 256 pixels and cropped to the middle 224 x 224.

The authors' pipeline also compresses the picture as JPEG in between, which changes the probability by some hundredths;
this one does not.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image

from reelmill.contract.measures import Measure
from reelmill.contract.records.rows import Item
from reelmill.contract.spec.measure_models import NsfwModel
from reelmill_stages.measuring.models import Fetch, Pixels, Seen
from reelmill_stages.measuring.scores.session import open_session, unfit

_RESIZED, _SEEN = 256, 224
_MEAN = np.array([104, 117, 123], np.float32)
"""ImageNet means of blue, green and red."""


class NsfwClassifier:
    """The NSFW classifier."""

    def __init__(self, block: NsfwModel, fetch: Fetch) -> None:
        self._session = open_session("nsfw.weights", block.weights, fetch)
        inputs, outputs = list(self._session.inputs.values()), list(self._session.outputs.values())
        if [shape[1:] for shape in inputs] != [(_SEEN, _SEEN, 3)] or [shape[1:] for shape in outputs] != [(2,)]:
            raise unfit("nsfw.weights", block.weights, f"the model maps {inputs} to {outputs}, not 224 x 224 x 3 to 2")

    def look(self, pixels: Pixels, item: Item) -> Seen:
        return self._nsfw_value(pixels), ()

    def _nsfw_value(self, pixels: Pixels) -> Mapping[Measure, float]:
        found: Any = self._session.run_on(prepared(pixels))
        return {Measure.NSFW: float(found[0, 1])}


def prepared(pixels: Pixels) -> Any:
    """Return the input of the model, float32 (1, 224, 224, 3)."""
    image = Image.fromarray(np.ascontiguousarray(pixels[..., ::-1]))
    squashed = np.asarray(image.resize((_RESIZED, _RESIZED), Image.Resampling.BILINEAR))[..., ::-1]
    first = (_RESIZED - _SEEN) // 2
    middle = squashed[first : first + _SEEN, first : first + _SEEN]
    return (middle.astype(np.float32) - _MEAN)[None]
