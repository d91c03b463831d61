"""The interface of models, and loading of the models of a block."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from reelmill.contract.measures import Measure
from reelmill.contract.records.rows import Item
from reelmill.contract.spec.file import FileRef
from reelmill.contract.spec.stages.measure import MeasureBlock
from reelmill_stages.measuring.sound.shared_decode import Voices

Pixels = np.ndarray[Any, np.dtype[np.uint8]]
"""(height, width, 3), uint8, BGR, upright, with square pixels."""
Fetch = Callable[[FileRef], Path]
"""Returns a file that a parameter refers to, as a local file."""
Seen = tuple[Mapping[Measure, float], Sequence[str]]
"""The values of a frame, and the lines of text in it."""


class FrameModel(Protocol):
    """A model for single frames, created from its part of the block and a `Fetch`.

    The constructor raises SpecError for unsuitable weights.
    """

    def look(self, pixels: Pixels, item: Item) -> Seen:
        """Return the values of a frame of an item. A measure that the frame does not have is absent."""
        ...


@dataclass(frozen=True, slots=True)
class Models:
    """The loaded models of a block. `voices` creates a speech detector."""

    frames: Sequence[FrameModel]
    voices: Voices | None


_FRAME_MODELS = {
    "text": ("text_reader", "TextReader"),
    "faces": ("face_finder", "FaceFinder"),
    "nsfw": ("nsfw", "NsfwClassifier"),
    "brisque": ("brisque", "Brisque"),
    "clip": ("clip_scores", "ClipScores"),
}


def load_models(block: MeasureBlock, fetch: Fetch) -> Models:
    """Load the models of a block. Raises SpecError for unsuitable weights."""
    frames = []
    for field, (module, name) in _FRAME_MODELS.items():
        if field in block.models:
            code = import_module(f"{_HERE}.{module}")
            frames.append(getattr(code, name)(getattr(block, field), fetch))
    voices = None
    if block.speech is not None:
        voices = import_module(f"{_HERE}.speech").voices(block.speech, fetch)
    return Models(frames, voices)


_HERE = "reelmill_stages.measuring.scores"
