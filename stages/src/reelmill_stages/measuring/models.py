"""The interface of models, and which a block loads."""

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
"""Returns a file that a parameter refers to as a local file."""
Seen = tuple[Mapping[Measure, float], Sequence[str]]
"""The values of a frame, and the lines of text in it."""


class FrameModel(Protocol):
    """A model that looks at single frames, made from its part of the block and a `Fetch`.

    Making it raises SpecError for weights that do not fit.
    """

    def look(self, pixels: Pixels, item: Item) -> Seen:
        """The values of a frame of an item. A measure that the frame does not have is absent."""
        ...


@dataclass(frozen=True, slots=True)
class Models:
    """The models of a block, loaded. `voices` makes a listener for speech."""

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
    """The models of a block. Raises SpecError for weights that do not fit."""
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
