"""The interface of model families: preparation of items, and the model."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from reelmill.contract.spec.file import FileRef
from reelmill.contract.spec.stages.embed import LIP, VIDEO, EmbedBlock
from reelmill_stages.models.device import Device
from reelmill_stages.stage import Input, ReadFile, Work
from reelmill_stages.weight import Weight

Array = np.ndarray[Any, Any]
Model = Callable[[Sequence[Array]], list[Array]]
"""Maps the inputs of a batch, possibly of different lengths, to float32 features, in order."""
Fetch = Callable[[FileRef], Path]
"""Returns a file that a parameter refers to as a local file."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A prepared item. `array` is the model's input, `name` the path of its output without `_embedding.npz`."""

    array: Array
    name: str
    seconds: float
    """Duration of the video; 0 if unknown."""
    fields: Mapping[str, Any] = field(default_factory=dict)


class Family(Protocol):
    """A model family, created with a validated block."""

    packages: Sequence[str]
    """Packages that the model requires, besides numpy."""

    def __init__(self, block: EmbedBlock) -> None: ...

    def check(self, fetch: Fetch) -> None:
        """Check the keys of the weights without loading them. Raises SpecError."""
        ...

    def prepare(self, given: Input, work: Work) -> Prepared:
        """Prepare an item; runs in a worker, without torch. Raises ItemError."""
        ...

    def model(self, read: ReadFile, device: Device, *, precision: str) -> Model:
        """Load the model. Raises SpecError for weights that do not match."""
        ...

    def size(self, items: int, weight: Weight) -> int | None:
        """Approximate size of the features in bytes; None: unknown."""
        ...


def family(block: EmbedBlock) -> Family:
    """The family of a block's model."""
    module, name = "towers.images", "ImageTower"
    if block.model == LIP:
        module, name = "lip", "Lips"
    elif block.model.startswith(VIDEO):
        module, name = "towers.videos", "VideoTower"
    made: Family = getattr(import_module(f"reelmill_stages.stages.embed.{module}"), name)(block)
    return made
